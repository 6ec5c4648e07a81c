package conform

import (
	"math"
	"testing"

	"github.com/onnxrun/onnxrun/tensor"
)

func f32(v ...float32) *tensor.Tensor { return tensor.FromSlice(v) }

var (
	inf = float32(math.Inf(1))
	nan = float32(math.NaN())
)

func labelled(vals ...float32) *tensor.Tensor {
	var list []*tensor.Tensor
	for i := 0; i < len(vals); i += 2 {
		m, _ := tensor.NewMap(tensor.FromSlice([]int64{7, 3}), tensor.Scalar(vals[i]), tensor.Scalar(vals[i+1]))
		list = append(list, m)
	}
	return tensor.NewSequence(tensor.Float32, list...)
}

func TestCompare(t *testing.T) {
	peak, close, l2 := Rule{Peak: 1e-3}, Rule{Rel: 1e-3, Abs: 1e-7}, Rule{L2: 0.1}
	scalar := tensor.Scalar(float32(1))
	for _, tc := range []struct {
		name      string
		rule      Rule
		got, want *tensor.Tensor
		ok        bool
	}{
		{"peak allows small errors everywhere", peak, f32(100, 0.05), f32(100, 0), true},
		{"peak exceeded", peak, f32(100, 0.2), f32(100, 0), false},
		{"near in each element", close, f32(100.05, 1), f32(100, 1), true},
		{"far in one element", close, f32(100, 0.002), f32(100, 0), false},
		{"L2 holds", l2, f32(10, 0.9), f32(10, 0), true},
		{"L2 exceeded", l2, f32(10, 1.1), f32(10, 0), false},
		{"NaN equals NaN", peak, f32(nan, 1), f32(nan, 1), true},
		{"NaN for a number", l2, f32(nan, 1), f32(1, 1), false},
		{"a number for NaN", close, f32(1, 1), f32(nan, 1), false},
		{"infinities by sign", close, f32(inf, -inf), f32(inf, -inf), true},
		{"infinity of the other sign", peak, f32(inf), f32(-inf), false},
		{"infinity for a number", peak, f32(inf), f32(3), false},
		{"a scalar is no vector", peak, scalar, f32(1), false},
		{"another dtype", peak, tensor.FromSlice([]float64{1}), f32(1), false},
		{"another shape", peak, f32(1, 2), f32(1), false},
		{"shape only", Rule{ShapeOnly: true}, f32(5), f32(1), true},
		{"shape only, another dtype", Rule{ShapeOnly: true}, tensor.FromSlice([]int8{5}), f32(1), false},
		{"integers are exact", Rule{Rel: 1, Abs: 0.9}, tensor.FromSlice([]int32{1}), tensor.FromSlice([]int32{2}), false},
		{"integers a step apart", Rule{Abs: 1}, tensor.FromSlice([]int32{1}), tensor.FromSlice([]int32{2}), true},
		{"integers two steps apart", Rule{Abs: 1}, tensor.FromSlice([]int32{1}), tensor.FromSlice([]int32{3}), false},
		{"large integers", peak, tensor.FromSlice([]int64{1 << 60}), tensor.FromSlice([]int64{1<<60 + 1}), false},
		{"strings", peak, tensor.FromSlice([]string{"a"}), tensor.FromSlice([]string{"b"}), false},
		{"sequences", peak, tensor.NewSequence(tensor.Float32, f32(1)), tensor.NewSequence(tensor.Float32, f32(1)), true},
		{"shorter sequence", peak, tensor.NewSequence(tensor.Float32), tensor.NewSequence(tensor.Float32, f32(1)), false},
		{"empty optional", peak, tensor.NewOptional(tensor.Float32, nil), tensor.NewOptional(tensor.Float32, f32(1)), false},
		{"sequence for a tensor", peak, tensor.NewSequence(tensor.Float32, f32(1)), f32(1), false},
		{"maps and a matrix", peak, labelled(1, 2, 3, 4), tensor.FromSlice([]float32{2, 1, 4, 3}, 2, 2), true},
		{"a matrix and maps", peak, tensor.FromSlice([]float32{1, 2, 4, 3}, 2, 2), labelled(1, 2, 3, 4), false},
		{"maps and maps", peak, labelled(1, 2), labelled(1, 2), true},
		{"missing output", peak, nil, f32(1), false},
	} {
		if _, err := tc.rule.Compare(tc.got, tc.want); (err == nil) != tc.ok {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
}

func TestLargestError(t *testing.T) {
	for _, tc := range []struct {
		got, want *tensor.Tensor
		err       float64
	}{
		{f32(3, 8), f32(1, 8), 0.25},
		{f32(0.5), f32(0), 0.5},
		{tensor.FromSlice([]int32{1, 5}), tensor.FromSlice([]int32{1, 8}), 3},
	} {
		if got, _ := (Rule{Peak: 1}).Compare(tc.got, tc.want); got != tc.err {
			t.Errorf("largest error %v, want %v", got, tc.err)
		}
	}
}

func TestDetections(t *testing.T) {
	a := []float32{0, 0, 10, 10, 0.9, 1}
	b := []float32{5, 5, 9, 9, 0.8, 2}
	rows := func(list ...[]float32) []*tensor.Tensor {
		var all []float32
		for _, r := range list {
			all = append(all, r...)
		}
		return []*tensor.Tensor{tensor.FromSlice(all, 1, len(list), 6)}
	}
	with := func(r []float32, at int, v float32) []float32 {
		c := append([]float32{}, r...)
		c[at] = v
		return c
	}
	for _, tc := range []struct {
		name string
		got  []*tensor.Tensor
		ok   bool
	}{
		{"another order", rows(b, a), true},
		{"a box almost the same", rows(with(a, 2, 10.05), b), true},
		{"a box moved", rows(with(a, 2, 10.5), b), false},
		{"a score moved", rows(a, with(b, 4, 0.79)), false},
		{"another class", rows(a, with(b, 5, 3)), false},
		{"the same twice", rows(a, a), false},
		{"one missing", rows(a), false},
	} {
		_, err, ok := compareDetections(tc.got, rows(a, b), Rule{Peak: 5e-4})
		if !ok || (err == nil) != tc.ok {
			t.Errorf("%s: %v, taken as detections: %v", tc.name, err, ok)
		}
	}
	columns := []*tensor.Tensor{tensor.FromSlice([]float32{0, 0, 1, 1}, 1, 4), f32(0.5), tensor.FromSlice([]int64{3})}
	if _, err, ok := compareDetections(columns, columns, Rule{Peak: 5e-4}); err != nil || !ok {
		t.Errorf("columns: %v %v", err, ok)
	}
	if _, _, ok := compareDetections([]*tensor.Tensor{f32(1)}, []*tensor.Tensor{f32(1)}, Rule{}); ok {
		t.Error("a vector was taken for detections")
	}
}
