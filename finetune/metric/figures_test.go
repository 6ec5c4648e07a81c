package metric

import (
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"
)

// recorded is testdata/figures.json: what scikit-learn, PyTorch and torchmetrics say (testdata/_recipe/figures.py).
type recorded struct {
	Classification []struct {
		Name, Kind            string
		Columns               int
		Scores                []float32
		Labels                []int64
		Figures               map[string]float64
		Confusion             [][]int64
		Precision, Recall, F1 []float64
		Support               []int64
		AUC                   []*float64
	}
	MultiLabel []struct {
		Name            string
		Columns         int
		Scores, Targets []float32
		Figures         map[string]float64
	}
	Regression []struct {
		Name                 string
		Columns              int
		Predictions, Targets []float32
		Figures              map[string]float64
	}
}

func load(t *testing.T) recorded {
	t.Helper()
	text, err := os.ReadFile("testdata/figures.json")
	if err != nil {
		t.Fatal(err)
	}
	var r recorded
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

const tolerance = 1e-9

func near(a, b float64) bool { return math.Abs(a-b) <= tolerance*math.Max(1, math.Abs(b)) }

// compare holds got to every recorded figure; averages are looked up in the result as well.
func compare(t *testing.T, got, want map[string]float64) {
	t.Helper()
	for name, w := range want {
		g, ok := got[name]
		tol := tolerance
		if name == "calibration_error" {
			tol = 1e-6 // torchmetrics averages in float32
		}
		if !ok || math.Abs(g-w) > tol*math.Max(1, math.Abs(w)) {
			t.Errorf("%s is %v (%v), want %v", name, g, ok, w)
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s is %v, nothing is recorded", name, got[name])
		}
	}
}

// withAverages adds the averages that the maps leave out.
func withAverages(m map[string]float64, micro, weighted Average) map[string]float64 {
	m["micro_precision"], m["micro_recall"] = float64(micro.Precision), float64(micro.Recall)
	m["weighted_precision"], m["weighted_recall"] = float64(weighted.Precision), float64(weighted.Recall)
	return m
}

func TestClassificationFigures(t *testing.T) {
	for _, tc := range load(t).Classification {
		t.Run(tc.Name, func(t *testing.T) {
			opt := ClassificationOptions{Columns: tc.Columns, Scores: Logits}
			if tc.Kind == "probabilities" {
				opt.Scores = Probabilities
			}
			if tc.Columns > 1 {
				opt.TopK = []int{1, 2, 3}
			}
			c, err := NewClassification(opt)
			if err != nil {
				t.Fatal(err)
			}
			for first := 0; first < len(tc.Labels); first += 7 {
				last := min(first+7, len(tc.Labels))
				if err := c.Add(tc.Scores[first*tc.Columns:last*tc.Columns], tc.Labels[first:last]); err != nil {
					t.Fatal(err)
				}
			}
			r := c.Result()
			compare(t, withAverages(r.Map(), r.Micro, r.Weighted), tc.Figures)
			for k, s := range r.Classes {
				if !near(float64(s.Precision), tc.Precision[k]) || !near(float64(s.Recall), tc.Recall[k]) ||
					!near(float64(s.F1), tc.F1[k]) || s.Support != tc.Support[k] {
					t.Errorf("class %d: %+v, want %v %v %v %v", k, s, tc.Precision[k], tc.Recall[k], tc.F1[k], tc.Support[k])
				}
				if a := tc.AUC[k]; a == nil && s.AUC.Defined() || a != nil && !near(float64(s.AUC), *a) {
					t.Errorf("class %d: AUC %v, want %v", k, s.AUC, a)
				}
				for j, n := range r.Confusion[k] {
					if n != tc.Confusion[k][j] {
						t.Errorf("confusion[%d][%d] is %d, want %d", k, j, n, tc.Confusion[k][j])
					}
				}
			}
		})
	}
}

func TestMultiLabelFigures(t *testing.T) {
	for _, tc := range load(t).MultiLabel {
		t.Run(tc.Name, func(t *testing.T) {
			for _, kind := range []Kind{Logits, Probabilities} {
				m, err := NewMultiLabel(MultiLabelOptions{Columns: tc.Columns, Scores: kind})
				if err != nil {
					t.Fatal(err)
				}
				scores := tc.Scores
				if kind == Probabilities {
					scores = make([]float32, len(tc.Scores))
					for i, z := range tc.Scores {
						scores[i] = float32(Sigmoid(float64(z)))
					}
				}
				if err := m.Add(scores, tc.Targets); err != nil {
					t.Fatal(err)
				}
				r := m.Result()
				got := withAverages(r.Map(), r.Micro, r.Weighted)
				if kind == Probabilities { // float32 rounds them
					for _, name := range []string{LogLoss, Brier} {
						if math.Abs(got[name]-tc.Figures[name]) > 1e-6 {
							t.Errorf("%s is %v, want %v", name, got[name], tc.Figures[name])
						}
						got[name] = tc.Figures[name]
					}
				}
				compare(t, got, tc.Figures)
			}
		})
	}
}

func TestRegressionFigures(t *testing.T) {
	for _, tc := range load(t).Regression {
		t.Run(strings.ReplaceAll(tc.Name, " ", "-"), func(t *testing.T) {
			r, err := NewRegression(RegressionOptions{Columns: tc.Columns})
			if err != nil {
				t.Fatal(err)
			}
			if err := r.Add(tc.Predictions, tc.Targets); err != nil {
				t.Fatal(err)
			}
			compare(t, r.Result().Map(), tc.Figures)
		})
	}
}
