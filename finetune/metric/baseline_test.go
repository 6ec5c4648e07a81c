package metric

import (
	"encoding/json"
	"math"
	"reflect"
	"testing"
)

// TestClassPrior compares with DummyClassifier(strategy="prior") of scikit-learn 1.9, fitted on train and judged on held.
func TestClassPrior(t *testing.T) {
	train, held := []int64{0, 1, 1, 2, 1, 2, -100}, []int64{1, 0, 1, 2, 2}
	b, err := NewClassPrior(3)
	if err != nil {
		t.Fatal(err)
	}
	b.Add(train)
	if b.Majority() != 1 || !reflect.DeepEqual(b.Counts(), []int64{1, 3, 2}) {
		t.Errorf("majority %d of %v", b.Majority(), b.Counts())
	}
	c, err := NewClassification(ClassificationOptions{Columns: 3, Scores: Probabilities})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.AddConstant(b.Probabilities(), held); err != nil {
		t.Fatal(err)
	}
	got := c.Result().Map()
	for name, w := range map[string]float64{Accuracy: 0.4, MacroF1: 0.19047619047619047, LogLoss: 1.075055681536833, AUC: 0.5} {
		if math.Abs(got[name]-w) > 1e-7 {
			t.Errorf("%s is %v, want %v", name, got[name], w)
		}
	}
	if c.AddConstant([]float32{1}, held) == nil {
		t.Error("one score for three classes was accepted")
	}
}

// TestMeanPredictor compares with DummyRegressor(strategy="mean").
func TestMeanPredictor(t *testing.T) {
	b, err := NewMeanPredictor(2)
	if err != nil {
		t.Fatal(err)
	}
	if got := b.Mean(); !reflect.DeepEqual(got, []float32{0, 0}) {
		t.Errorf("mean of nothing is %v", got)
	}
	if err := b.Add([]float32{1, 10, 2, 20, 6, 30}); err != nil {
		t.Fatal(err)
	}
	if got := b.Mean(); !reflect.DeepEqual(got, []float32{3, 20}) {
		t.Errorf("mean is %v, want [3 20]", got)
	}
	if b.Add([]float32{1}) == nil {
		t.Error("one target for two columns was accepted")
	}
	r, err := NewRegression(RegressionOptions{Columns: 2})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.AddConstant(b.Mean(), []float32{1, 10, 5, 30}); err != nil {
		t.Fatal(err)
	}
	if got := r.Result(); got.MAE != 6 || got.R2 != 0 || got.Pearson.Defined() {
		t.Errorf("%+v, want MAE 6, R2 0 and no correlation", got)
	}
}

func TestMultiLabelConstant(t *testing.T) {
	m, err := NewMultiLabel(MultiLabelOptions{Columns: 2, Scores: Probabilities})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.AddConstant([]float32{0.75, 0.25}, []float32{1, 0, 0, 1}); err != nil {
		t.Fatal(err)
	}
	if r := m.Result(); r.SubsetAccuracy != 0.5 || r.HammingLoss != 0.5 || r.AUC != 0.5 {
		t.Errorf("%+v", r)
	}
	if m.AddConstant([]float32{1}, nil) == nil {
		t.Error("one score for two labels was accepted")
	}
}

func TestLargerIsBetter(t *testing.T) {
	for _, tc := range []struct {
		name          string
		better, known bool
	}{
		{Accuracy, true, true}, {LogLoss, false, true}, {"top5_accuracy", true, true}, {"top_accuracy", false, false},
		{"topx_accuracy", false, false}, {"loss", false, false}, {R2, true, true},
	} {
		if better, known := LargerIsBetter(tc.name); better != tc.better || known != tc.known {
			t.Errorf("%s: %v %v", tc.name, better, known)
		}
	}
}

func TestValueJSON(t *testing.T) {
	text, err := json.Marshal([]Value{0.1, Undefined(), Value(math.Inf(1)), 1e300, 5e-324})
	if err != nil || string(text) != "[0.1,null,null,1e+300,5e-324]" {
		t.Errorf("%s %v", text, err)
	}
	var back []Value
	if err := json.Unmarshal(text, &back); err != nil || back[0] != 0.1 || back[1].Defined() {
		t.Errorf("%v %v", back, err)
	}
}

// TestCalibration puts predictions on the edges of bins.
func TestCalibration(t *testing.T) {
	c := NewCalibration(2)
	for _, p := range []float64{0, 0.5, 0.75, 1} {
		c.Add(p, p > 0.6)
	}
	bins := c.Bins()
	if bins[0].Count != 2 || bins[1].Count != 2 || bins[0].Confidence != 0.25 || bins[1].Accuracy != 1 {
		t.Errorf("%+v", bins)
	}
	if e := c.Error(); e != Value((2*0.25+2*0.125)/4) {
		t.Errorf("error %v, want 0.1875", e)
	}
	var zero Calibration
	zero.Add(0.3, true)
	if len(zero.Bins()) != DefaultBins || zero.Bins()[4].Count != 1 {
		t.Errorf("%+v", zero.Bins())
	}
}
