package metric

import (
	"fmt"
	"math"
	"reflect"
	"testing"
)

func samples(cases []Case) string {
	var list []int64
	for _, c := range cases {
		list = append(list, c.Sample)
	}
	return fmt.Sprint(list)
}

func TestWorstKeepsTheLargest(t *testing.T) {
	w := worst{limit: 3}
	for i, loss := range []float64{1, 5, 2, 5, math.NaN(), 0, 7, math.Inf(1), math.NaN()} {
		w.offer(loss, func() Case { return Case{Sample: int64(i)} })
	}
	if got := samples(w.list()); got != "[4 8 7]" {
		t.Errorf("kept %s, want [4 8 7]", got)
	}
	none := worst{}
	none.offer(1, func() Case { t.Error("a case was built for nothing"); return Case{} })
	if len(none.list()) != 0 {
		t.Error("a case was kept")
	}
}

func TestWorstCases(t *testing.T) {
	c, err := NewClassification(ClassificationOptions{Columns: 2, Worst: 2, Ignore: []int64{-1}})
	if err != nil {
		t.Fatal(err)
	}
	// The second sample of two positions is ignored at one and wrong at the other.
	if err := c.AddPositions([]float32{3, 2, 0, 0, 9, 2, 9, 0}, []int64{0, 0, -1, 1}, 2); err != nil {
		t.Fatal(err)
	}
	if err := c.Add([]float32{nan, 1}, []int64{1}); err != nil {
		t.Fatal(err)
	}
	got := c.Result().Worst
	if len(got) != 2 || got[0].Sample != 2 || got[0].Predicted != nil || got[1].Sample != 1 ||
		!reflect.DeepEqual(got[1].Truth, []int{1}) || !reflect.DeepEqual(got[1].Predicted, []int{0}) || !near(float64(got[1].Loss), math.Log1p(math.Exp(2))) {
		t.Errorf("%+v", got)
	}
	m, err := NewMultiLabel(MultiLabelOptions{Columns: 3, Worst: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Add([]float32{-9, 9, -9, 1, -1, 3}, []float32{0, 1, 0, 0, 1, 1}); err != nil {
		t.Fatal(err)
	}
	if got := m.Result().Worst; len(got) != 1 || got[0].Sample != 1 || fmt.Sprint(got[0].Truth, got[0].Predicted) != "[1 2] [0 2]" {
		t.Errorf("%+v", got)
	}
	r, err := NewRegression(RegressionOptions{Columns: 2, Worst: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Add([]float32{1, 2, 3, 4}, []float32{1, 2, 3, 2}); err != nil {
		t.Fatal(err)
	}
	if got := r.Result().Worst; len(got) != 1 || got[0].Sample != 1 || got[0].Loss != 2 || fmt.Sprint(got[0].Target, got[0].Output) != "[3 2] [3 4]" {
		t.Errorf("%+v", got)
	}
}

// TestPairsAreSpread checks that pairs are those of every 1st, 2nd, 4th, ... sample, and never too many.
func TestPairsAreSpread(t *testing.T) {
	for _, limit := range []int{1, 2, 5, 8} {
		r, err := NewRegression(RegressionOptions{Columns: 1, Pairs: limit})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 100 {
			if err := r.Add([]float32{float32(i)}, []float32{0}); err != nil {
				t.Fatal(err)
			}
			pairs := r.Result().Pairs
			if len(pairs) > limit || len(pairs) < (limit+1)/2 && len(pairs) < i+1 {
				t.Fatalf("%d pairs of %d samples, limit %d", len(pairs), i+1, limit)
			}
			for k, p := range pairs {
				if p.Predicted != float32(int64(k)*r.stride) {
					t.Fatalf("limit %d: pair %d of %d samples is sample %v, want %d", limit, k, i+1, p.Predicted, int64(k)*r.stride)
				}
			}
		}
	}
}

// TestMargins checks that scores which are no logits give classes and ranks, and nothing that asks for probabilities.
func TestMargins(t *testing.T) {
	for _, tc := range []struct {
		columns int
		scores  []float32
		labels  []int64
	}{
		{1, []float32{2, -1, 0.5, -3}, []int64{1, 0, 1, 0}},
		{3, []float32{1, 0, -1, 0, 2, 1, -2, -1, 5, 0, 3, 1}, []int64{0, 1, 2, 1}},
	} {
		m := classify(t, ClassificationOptions{Columns: tc.columns, Scores: Margins}, tc.scores, tc.labels).Map()
		if m[Accuracy] != 1 || m[AUC] != 1 || m[MacroF1] != 1 {
			t.Errorf("%d columns: %v", tc.columns, m)
		}
		for _, name := range []string{LogLoss, Brier, CalibrationError} {
			if v, ok := m[name]; ok {
				t.Errorf("%d columns: %s is %v", tc.columns, name, v)
			}
		}
	}
	l, err := NewMultiLabel(MultiLabelOptions{Columns: 2, Scores: Margins})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Add([]float32{3, -1, -2, 4}, []float32{1, 0, 0, 1}); err != nil {
		t.Fatal(err)
	}
	if r := l.Result(); r.SubsetAccuracy != 1 || r.Invalid != 0 || r.LogLoss.Defined() {
		t.Errorf("%+v", r)
	}
}
