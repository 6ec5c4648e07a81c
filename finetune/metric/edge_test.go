package metric

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
)

var nan = float32(math.NaN())

func classify(t *testing.T, opt ClassificationOptions, scores []float32, labels []int64) *ClassificationResult {
	t.Helper()
	c, err := NewClassification(opt)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Add(scores, labels); err != nil {
		t.Fatal(err)
	}
	return c.Result()
}

// TestUndefined lists what is left of the figures where samples, classes or numbers are missing.
func TestUndefined(t *testing.T) {
	three := ClassificationOptions{Columns: 3, TopK: []int{2}}
	for _, tc := range []struct {
		name   string
		opt    ClassificationOptions
		scores []float32
		labels []int64
		want   map[string]float64
		absent []string
	}{
		{"no sample", three, nil, nil, map[string]float64{},
			[]string{Accuracy, "top2_accuracy", MacroF1, MicroF1, AUC, LogLoss, Brier, CalibrationError}},
		{"one class only", ClassificationOptions{Columns: 1}, []float32{2, -1}, []int64{1, 1},
			map[string]float64{Accuracy: 0.5, BalancedAccuracy: 0.5, MacroF1: 1.0 / 3}, []string{AUC, AP}},
		{"a row with NaN is a wrong prediction", three, []float32{0, nan, 1, 5, 0, 0}, []int64{2, 0},
			map[string]float64{Accuracy: 0.5, "top2_accuracy": 0.5, MacroRecall: 0.5}, []string{LogLoss, Brier, AUC, AP, CalibrationError}},
		{"all rows with NaN", ClassificationOptions{Columns: 1}, []float32{nan, nan}, []int64{0, 1},
			map[string]float64{Accuracy: 0, MacroF1: 0}, []string{LogLoss, AUC}},
		{"an impossible truth", ClassificationOptions{Columns: 2}, []float32{0, float32(math.Inf(-1))}, []int64{1},
			map[string]float64{Accuracy: 0, Brier: 1, CalibrationError: 1}, []string{LogLoss}},
		{"ties rank by index", ClassificationOptions{Columns: 3, TopK: []int{1, 2}}, make([]float32, 9), []int64{0, 1, 2},
			map[string]float64{Accuracy: 1.0 / 3, "top1_accuracy": 1.0 / 3, "top2_accuracy": 2.0 / 3, AUC: 0.5}, nil},
		{"ignored labels", ClassificationOptions{Columns: 2, Ignore: []int64{-100, 7}}, []float32{1, 0, nan, 0, 0, 1}, []int64{0, -100, 7},
			map[string]float64{Accuracy: 1}, []string{AUC}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := classify(t, tc.opt, tc.scores, tc.labels)
			got := r.Map()
			for name, w := range tc.want {
				if g, ok := got[name]; !ok || !near(g, w) {
					t.Errorf("%s is %v, want %v", name, got[name], w)
				}
			}
			for _, name := range tc.absent {
				if g, ok := got[name]; ok {
					t.Errorf("%s is %v, want none", name, g)
				}
			}
			if _, err := json.Marshal(r); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestInvalidCounts(t *testing.T) {
	r := classify(t, ClassificationOptions{Columns: 2}, []float32{nan, 1, 1, nan, 0, 1}, []int64{0, 0, 1})
	if r.Samples != 3 || r.Invalid != 2 {
		t.Errorf("%d samples, %d invalid, want 3 and 2", r.Samples, r.Invalid)
	}
}

func TestErrors(t *testing.T) {
	add := func(opt ClassificationOptions, scores []float32, labels ...int64) error {
		c, err := NewClassification(opt)
		if err != nil {
			return err
		}
		return c.Add(scores, labels)
	}
	two := ClassificationOptions{Columns: 2}
	prob := ClassificationOptions{Columns: 2, Scores: Probabilities}
	label := func(opt MultiLabelOptions, scores, targets []float32) error {
		m, err := NewMultiLabel(opt)
		if err != nil {
			return err
		}
		return m.Add(scores, targets)
	}
	regress := func(n int, p, target []float32) error {
		r, err := NewRegression(RegressionOptions{Columns: n})
		if err != nil {
			return err
		}
		return r.Add(p, target)
	}
	_, unequal := ROC([]float64{1}, nil)
	for _, tc := range []struct {
		err  error
		want string
	}{
		{add(ClassificationOptions{}, nil), "0 scores per sample"},
		{add(ClassificationOptions{Columns: 2, TopK: []int{0}}, nil), "top-0"},
		{add(two, []float32{1, 2, 3}, 0), "3 scores for 1 labels"},
		{add(two, []float32{1, 2, 3, 4}, 0, 2), "sample 1: label 2, want 0 to 1"},
		{add(two, []float32{1, 2}, -100), "sample 0: label -100"},
		{add(prob, []float32{0.5, 0.5, 3, -2}, 0, 0), "sample 1, class 0: probability 3"},
		{label(MultiLabelOptions{}, nil, nil), "0 labels"},
		{label(MultiLabelOptions{Columns: 1, Threshold: 1.5}, nil, nil), "threshold 1.5"},
		{label(MultiLabelOptions{Columns: 2}, []float32{1, 2}, []float32{1}), "2 scores for 1 targets"},
		{label(MultiLabelOptions{Columns: 2}, []float32{1, 2}, []float32{1, nan}), "label 1: target NaN"},
		{label(MultiLabelOptions{Columns: 1, Scores: Probabilities}, []float32{-1}, []float32{1}), "probability -1"},
		{regress(0, nil, nil), "0 numbers"},
		{regress(2, []float32{1, 2, 3}, []float32{1, 2, 3}), "3 predictions"},
		{unequal, "1 scores for 0 samples"},
	} {
		if tc.err == nil || !strings.Contains(tc.err.Error(), tc.want) || !strings.HasPrefix(tc.err.Error(), "metric: ") {
			t.Errorf("error %v, want one with %q", tc.err, tc.want)
		}
	}
}

// TestPositions holds dense predictions to the same ones in rows.
func TestPositions(t *testing.T) {
	const n, classes, positions = 2, 3, 4
	labels := []int64{0, 1, 2, 1, 2, 2, 0, -1}
	dense, rows := make([]float32, n*classes*positions), make([]float32, n*classes*positions)
	for i := range dense {
		sample, class, at := i/(classes*positions), i/positions%classes, i%positions
		dense[i] = float32((i*7)%11) / 3
		rows[(sample*positions+at)*classes+class] = dense[i]
	}
	opt := ClassificationOptions{Columns: classes, TopK: []int{2}, Ignore: []int64{-1}}
	want := classify(t, opt, rows, labels)
	c, err := NewClassification(opt)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.AddPositions(dense, labels, positions); err != nil {
		t.Fatal(err)
	}
	if got := c.Result(); !reflect.DeepEqual(got.Map(), want.Map()) || !reflect.DeepEqual(got.Confusion, want.Confusion) {
		t.Errorf("dense %+v, in rows %+v", got, want)
	}
	if c.AddPositions(dense, labels[:5], positions) == nil {
		t.Error("5 labels at 4 positions were accepted")
	}
}

func TestRegressionEdges(t *testing.T) {
	for _, tc := range []struct {
		name                 string
		predictions, targets []float32
		want                 map[string]float64
	}{
		{"empty", nil, nil, map[string]float64{}},
		{"one sample", []float32{1}, []float32{3}, map[string]float64{MAE: 2, MSE: 4, RMSE: 2, MaxError: 2}},
		{"exact and constant", []float32{2, 2}, []float32{2, 2}, map[string]float64{MAE: 0, MSE: 0, RMSE: 0, MaxError: 0, R2: 1}},
		{"NaN", []float32{1, nan}, []float32{1, 2}, map[string]float64{}},
	} {
		r, err := NewRegression(RegressionOptions{Columns: 1})
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Add(tc.predictions, tc.targets); err != nil {
			t.Fatal(err)
		}
		if got := r.Result().Map(); !reflect.DeepEqual(got, tc.want) {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
	}
}

// TestInfiniteScores checks curves whose scores leave the finite numbers.
func TestInfiniteScores(t *testing.T) {
	inf := math.Inf(1)
	c, err := ROC([]float64{inf, inf, 0, -inf}, []bool{true, false, true, false})
	if err != nil || !near(float64(c.AUC()), 0.625) || !near(float64(c.AveragePrecision(0.5)), 7.0/12) {
		t.Errorf("AUC %v, AP %v, %v; want 0.625 and 0.58333", c.AUC(), c.AveragePrecision(0.5), err)
	}
}

func TestRankingsAreBounded(t *testing.T) {
	c, err := NewClassification(ClassificationOptions{Columns: 1})
	if err != nil {
		t.Fatal(err)
	}
	c.rank.scores, c.rank.positive = make([]float64, maxRanked-1), make([]bool, maxRanked-1)
	if err := c.Add([]float32{1, -1, 3}, []int64{1, 0, 1}); err != nil {
		t.Fatal(err)
	}
	r := c.Result()
	if c.rank.scores != nil || r.AUC.Defined() || r.ROC != nil || r.Accuracy != 1 {
		t.Errorf("%d scores kept, AUC %v, accuracy %v", len(c.rank.scores), r.AUC, r.Accuracy)
	}
}

func TestManyClasses(t *testing.T) {
	n := maxConfusion + 1
	row := make([]float32, n)
	row[n-1] = 9
	r := classify(t, ClassificationOptions{Columns: n}, row, []int64{int64(n - 1)})
	if r.Confusion != nil || r.Accuracy != 1 || r.Macro.F1 != 1 {
		t.Errorf("confusion of %d classes, accuracy %v, F1 %v", len(r.Confusion), r.Accuracy, r.Macro.F1)
	}
}
