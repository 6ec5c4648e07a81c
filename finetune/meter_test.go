package finetune

import (
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/finetune/metric"
	"github.com/onnxrun/onnxrun/tensor"
)

var _ Meter = (*LossMeter)(nil)

func elements(t *testing.T, d tensor.DType, shape tensor.Shape, v ...float64) *tensor.Tensor {
	t.Helper()
	x, err := tensor.FromFloat64s(d, shape, v)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// TestLossMeter lists losses, one batch of scores and targets each, and figures worked out by hand.
func TestLossMeter(t *testing.T) {
	f32 := func(shape tensor.Shape, v ...float64) *tensor.Tensor { return elements(t, tensor.Float32, shape, v...) }
	i64 := func(shape tensor.Shape, v ...float64) *tensor.Tensor { return elements(t, tensor.Int64, shape, v...) }
	seven := int64(7)
	for _, tc := range []struct {
		name           string
		loss           Loss
		scores, target *tensor.Tensor
		want           map[string]float64
		absent         string
	}{
		{"classes", CrossEntropy{}, f32(tensor.Shape{3, 2}, 1, 0, 0, 1, 0, 1), i64(tensor.Shape{3}, 0, 1, 0),
			map[string]float64{metric.Accuracy: 2.0 / 3, "top2_accuracy": 1, metric.LogLoss: math.Log1p(math.E) - 2.0/3}, metric.MAE},
		{"half precision, int32 ids", CrossEntropy{}, elements(t, tensor.Float16, tensor.Shape{2, 2}, 1, 0, 0, 1), elements(t, tensor.Int32, tensor.Shape{2}, 0, 1),
			map[string]float64{metric.Accuracy: 1}, ""},
		{"ignored", CrossEntropy{}, f32(tensor.Shape{2, 2}, 1, 0, 1, 0), i64(tensor.Shape{2}, 0, -100), map[string]float64{metric.Accuracy: 1}, ""},
		{"other ignored", NLL{Ignore: &seven}, f32(tensor.Shape{2, 2}, -0.1, -3, -0.1, -3), i64(tensor.Shape{2}, 0, 7), map[string]float64{metric.Accuracy: 1}, ""},
		{"classes on axis 1 of three", CrossEntropy{}, f32(tensor.Shape{1, 2, 3}, 1, 0, 1, 0, 1, 0), i64(tensor.Shape{1, 3}, 0, 1, 1),
			map[string]float64{metric.Accuracy: 2.0 / 3}, ""},
		{"classes last", CrossEntropy{Axis: -1}, f32(tensor.Shape{1, 3, 2}, 1, 0, 0, 1, 1, 0), i64(tensor.Shape{1, 3}, 0, 1, 1),
			map[string]float64{metric.Accuracy: 2.0 / 3}, ""},
		{"distributions", CrossEntropy{Soft: true}, f32(tensor.Shape{2, 3}, 5, 1, 0, 0, 1, 5), f32(tensor.Shape{2, 3}, 0.8, 0.1, 0.1, 0.2, 0.7, 0.1),
			map[string]float64{metric.Accuracy: 0.5}, ""},
		{"teacher", KL{}, f32(tensor.Shape{1, 2, 2}, 1, 0, 0, 1), f32(tensor.Shape{1, 2, 2}, 9, 9, 0, 0), map[string]float64{metric.Accuracy: 0.5}, ""},
		{"margins of classes", Hinge{MultiClass: true}, f32(tensor.Shape{2, 2}, 3, 1, 3, 1), i64(tensor.Shape{2}, 0, 1),
			map[string]float64{metric.Accuracy: 0.5, metric.AUC: 0.5}, metric.LogLoss},
		{"margins", Hinge{}, f32(tensor.Shape{2, 1}, 3, -1), f32(tensor.Shape{2, 1}, 1, -1), map[string]float64{metric.Accuracy: 1, metric.AUC: 1}, metric.LogLoss},
		{"margins of labels", Hinge{}, f32(tensor.Shape{2, 2}, 3, -1, 2, 2), f32(tensor.Shape{2, 2}, 1, -1, 1, -1),
			map[string]float64{metric.SubsetAccuracy: 0.5, metric.HammingLoss: 0.25}, metric.LogLoss},
		{"one logit", BCEWithLogits{}, f32(tensor.Shape{2}, 2, -2), f32(tensor.Shape{2}, 1, 1), map[string]float64{metric.Accuracy: 0.5}, metric.SubsetAccuracy},
		{"one probability", BCE{}, f32(tensor.Shape{2, 1}, 0.75, 0.25), f32(tensor.Shape{2, 1}, 1, 0),
			map[string]float64{metric.Accuracy: 1, metric.LogLoss: math.Log(4.0 / 3)}, ""},
		{"mask", BCE{}, f32(tensor.Shape{1, 1, 2, 2}, 0.9, 0.9, 0.1, 0.1), f32(tensor.Shape{1, 1, 2, 2}, 1, 0, 0, 0), map[string]float64{metric.Accuracy: 0.75}, ""},
		{"labels", BCEWithLogits{}, f32(tensor.Shape{2, 2}, 1, -1, 1, 1), f32(tensor.Shape{2, 2}, 1, 0, 1, 0),
			map[string]float64{metric.SubsetAccuracy: 0.5, metric.MicroF1: 0.8}, metric.Accuracy},
		{"labels at positions", BCEWithLogits{}, f32(tensor.Shape{1, 2, 2}, 1, -1, -1, 1), f32(tensor.Shape{1, 2, 2}, 1, 0, 1, 1),
			map[string]float64{metric.SubsetAccuracy: 0.5, metric.HammingLoss: 0.25}, ""},
		{"numbers", MSE{}, f32(tensor.Shape{2, 2}, 1, 2, 3, 4), f32(tensor.Shape{2, 2}, 1, 1, 3, 3), map[string]float64{metric.MAE: 0.5, metric.R2: 0.5}, metric.Accuracy},
		{"a number for each sample", Huber{}, f32(tensor.Shape{3}, 1, 2, 4), f32(tensor.Shape{3}, 1, 2, 3), map[string]float64{metric.MAE: 1.0 / 3, metric.MaxError: 1}, ""},
		{"its own loss", Scalar{}, f32(tensor.Shape{1}, 1), nil, map[string]float64{}, metric.MAE},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := NewLossMeter(MeterOptions{TopK: []int{2}}, tc.loss)
			if err := m.Add([]*tensor.Tensor{tc.scores}, []*tensor.Tensor{tc.target}); err != nil {
				t.Fatal(err)
			}
			got := m.Map()
			for name, w := range tc.want {
				if g, ok := got[name]; !ok || math.Abs(g-w) > 1e-6 {
					t.Errorf("%s is %v (%v), want %v", name, g, ok, w)
				}
			}
			if _, ok := got[tc.absent]; ok {
				t.Errorf("%s is %v, want none", tc.absent, got[tc.absent])
			}
		})
	}
}

// TestLossMeterOfBatches holds a meter that takes samples in batches to one that takes them at once, for two terms.
func TestLossMeterOfBatches(t *testing.T) {
	losses := []Loss{CrossEntropy{}, MSE{}}
	batch := func(lo, hi int) (scores, targets []*tensor.Tensor) {
		var x, c, y []float64
		for i := lo; i < hi; i++ {
			x = append(x, math.Sin(float64(3*i)), math.Cos(float64(5*i)))
			c = append(c, float64(i*i%2))
			y = append(y, float64(i%3), 1)
		}
		n := hi - lo
		s := elements(t, tensor.Float32, tensor.Shape{n, 2}, x...)
		return []*tensor.Tensor{s, s}, []*tensor.Tensor{elements(t, tensor.Int64, tensor.Shape{n}, c...), elements(t, tensor.Float32, tensor.Shape{n, 2}, y...)}
	}
	whole, parts := NewLossMeter(MeterOptions{Worst: 3}, losses...), NewLossMeter(MeterOptions{Worst: 3}, losses...)
	for _, r := range [][3]int{{0, 20, 20}, {0, 20, 3}} {
		m := whole
		if r[2] == 3 {
			m = parts
		}
		for lo := r[0]; lo < r[1]; lo += r[2] {
			if err := m.Add(batch(lo, min(lo+r[2], r[1]))); err != nil {
				t.Fatal(err)
			}
		}
	}
	if !reflect.DeepEqual(whole.Map(), parts.Map()) || !reflect.DeepEqual(whole.Figures()[0].Classification.Worst, parts.Figures()[0].Classification.Worst) {
		t.Errorf("at once %v, in batches %v", whole.Map(), parts.Map())
	}
	names := slices.Sorted(maps.Keys(whole.Map()))
	if !slices.Contains(names, "accuracy") || !slices.Contains(names, "mae.2") {
		t.Errorf("names %v", names)
	}
	if f := whole.Figures(); f[0].Regression != nil || f[1].Regression == nil || len(f[1].Map()) == 0 {
		t.Errorf("figures %+v", f)
	}
}

// TestPrior compares with the shares and means of the targets it has learned.
func TestPrior(t *testing.T) {
	ids := func(v ...float64) *tensor.Tensor { return elements(t, tensor.Int64, tensor.Shape{len(v)}, v...) }
	scores := func(n, c int) *tensor.Tensor { return tensor.New(tensor.Float32, n, c) }
	col := func(v ...float64) *tensor.Tensor { return elements(t, tensor.Float32, tensor.Shape{len(v), 1}, v...) }
	for _, tc := range []struct {
		name                       string
		loss                       Loss
		trainScores, train         *tensor.Tensor
		heldScores, held           *tensor.Tensor
		figure                     string
		want, untrained, tolerance float64
	}{
		{"classes", CrossEntropy{}, scores(4, 3), ids(2, 2, 1, 2), scores(2, 3), ids(2, 0), metric.Accuracy, 0.5, 0.5, 0},
		{"binary", BCEWithLogits{}, col(0, 0, 0, 0), col(1, 1, 1, 0), col(0, 0), col(1, 0), metric.LogLoss,
			-(math.Log(0.75) + math.Log(0.25)) / 2, math.Ln2, 1e-7},
		{"labels", BCE{}, scores(2, 2), elements(t, tensor.Float32, tensor.Shape{2, 2}, 1, 0, 1, 1), scores(1, 2),
			elements(t, tensor.Float32, tensor.Shape{1, 2}, 1, 1), metric.HammingLoss, 0.5, 1, 0},
		{"numbers", L1{}, col(0, 0), col(1, 3), col(0, 0), col(2, 5), metric.MAE, 1.5, 3.5, 0},
	} {
		p := NewPrior(tc.loss)
		for _, w := range []float64{tc.untrained, tc.want} {
			m := p.Meter(MeterOptions{})
			if err := m.Add([]*tensor.Tensor{tc.heldScores}, []*tensor.Tensor{tc.held}); err != nil {
				t.Fatal(err)
			}
			if got := m.Map()[tc.figure]; math.Abs(got-w) > tc.tolerance {
				t.Errorf("%s: %s is %v, want %v", tc.name, tc.figure, got, w)
			}
			if err := p.Learn([]*tensor.Tensor{tc.trainScores}, []*tensor.Tensor{tc.train}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestLossMeterErrors(t *testing.T) {
	f := tensor.New(tensor.Float32, 2, 3)
	ids := tensor.New(tensor.Int64, 3)
	for _, tc := range []struct {
		loss    Loss
		scores  []*tensor.Tensor
		targets []*tensor.Tensor
		want    string
	}{
		{MSE{}, nil, nil, "0 scores and 0 targets, want 1"},
		{MSE{}, []*tensor.Tensor{f}, []*tensor.Tensor{nil}, "without a target"},
		{MSE{}, []*tensor.Tensor{f}, []*tensor.Tensor{ids}, "want that of the scores"},
		{MSE{}, []*tensor.Tensor{ids}, []*tensor.Tensor{ids}, "want floating-point numbers"},
		{MSE{}, []*tensor.Tensor{tensor.New(tensor.Float32)}, []*tensor.Tensor{f}, "batch axis"},
		{CrossEntropy{}, []*tensor.Tensor{f}, []*tensor.Tensor{ids}, "one class for each position"},
		{CrossEntropy{Axis: 5}, []*tensor.Tensor{f}, []*tensor.Tensor{ids}, "classes on axis 5"},
		{CrossEntropy{}, []*tensor.Tensor{tensor.New(tensor.Float32, 2)}, []*tensor.Tensor{ids}, "classes on axis 1"},
		{CrossEntropy{}, []*tensor.Tensor{tensor.New(tensor.Float32, 0, 0)}, []*tensor.Tensor{tensor.New(tensor.Int64, 0)}, "hold none"},
	} {
		for _, m := range []interface {
			Add(scores, targets []*tensor.Tensor) error
		}{NewLossMeter(MeterOptions{}, tc.loss), learner{NewPrior(tc.loss)}} {
			if err := m.Add(tc.scores, tc.targets); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%s: error %v, want one with %q", tc.loss.Name(), err, tc.want)
			}
		}
	}
}

type learner struct{ *Prior }

func (l learner) Add(scores, targets []*tensor.Tensor) error { return l.Learn(scores, targets) }
