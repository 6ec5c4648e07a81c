package ops_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

func iota32(n int, shape ...int) *tensor.Tensor {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(i)
	}
	return tensor.FromSlice(v, shape...)
}

// text writes shape and elements of a tensor.
func text(t *tensor.Tensor) string {
	if t.DType() == tensor.String {
		return fmt.Sprint(t.Shape(), t.Strings())
	}
	return fmt.Sprint(t.Shape(), tensor.Float64s(t, t.Len()))
}

func eval(t *testing.T, name string, opset, outs int, attrs ops.Attrs, in ...*tensor.Tensor) []*tensor.Tensor {
	t.Helper()
	out, err := ops.Default().Find("", name, opset).Eval(attrs, outs, in...)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return out
}

// TestPadValues compares with what ONNX Runtime gives.
func TestPadValues(t *testing.T) {
	x := iota32(12, 3, 4)
	for _, c := range []struct {
		mode string
		pads []int64
		want string
	}{
		{"constant", []int64{-1, 2, 1, -1}, "[3 5] [0 0 4 5 6 0 0 8 9 10 0 0 0 0 0]"},
		{"constant", []int64{1, 0, -3, 0}, "[1 4] [0 0 0 0]"},
		{"constant", []int64{0, -2, 0, 3}, "[3 5] [2 3 0 0 0 6 7 0 0 0 10 11 0 0 0]"},
		{"reflect", []int64{0, -1, 0, 2}, "[3 5] [1 2 3 2 1 5 6 7 6 5 9 10 11 10 9]"},
		{"reflect", []int64{-1, 2, 1, -1}, "[3 5] [6 5 4 5 6 10 9 8 9 10 6 5 4 5 6]"},
		{"edge", []int64{-1, 2, 1, -1}, "[3 5] [4 4 4 5 6 8 8 8 9 10 8 8 8 9 10]"},
		{"wrap", []int64{-1, 2, 1, -1}, "[3 5] [5 6 4 5 6 9 10 8 9 10 5 6 4 5 6]"},
		{"wrap", []int64{0, -2, 0, 3}, "[3 5] [2 3 2 3 2 6 7 6 7 6 10 11 10 11 10]"},
	} {
		got := eval(t, "Pad", 19, 1, ops.Attrs{onnx.NewString("mode", c.mode)}, x, tensor.FromSlice(c.pads))[0]
		if text(got) != c.want {
			t.Errorf("Pad %s %v: got %s, want %s", c.mode, c.pads, text(got), c.want)
		}
	}
}

func TestSliceValues(t *testing.T) {
	x := iota32(5, 5)
	for _, c := range []struct {
		start, end, step int64
		want             string
	}{
		{3, -9, -2, "[2] [3 1]"},
		{9, -9, -1, "[5] [4 3 2 1 0]"},
		{-9, 9, 2, "[3] [0 2 4]"},
		{2, 2, 1, "[0] []"},
		{-1, 0, -1, "[4] [4 3 2 1]"},
		{-9, -9, -1, "[1] [0]"},
		{math.MaxInt64, math.MinInt64, math.MinInt64, "[1] [4]"},
		{0, math.MaxInt64, math.MaxInt64, "[1] [0]"},
	} {
		one := func(v int64) *tensor.Tensor { return tensor.FromSlice([]int64{v}) }
		got := eval(t, "Slice", 13, 1, nil, x, one(c.start), one(c.end), one(0), one(c.step))[0]
		if text(got) != c.want {
			t.Errorf("Slice %d:%d:%d: got %s, want %s", c.start, c.end, c.step, text(got), c.want)
		}
	}
}

func TestTopKOrder(t *testing.T) {
	nan := float32(math.NaN())
	x := tensor.FromSlice([]float32{1, nan, 3, nan, -2, 3})
	for largest, want := range []string{"[4] [4 0 2 5]", "[4] [1 3 2 5]"} {
		out := eval(t, "TopK", 11, 2, ops.Attrs{onnx.NewInt("largest", int64(largest))}, x, tensor.FromSlice([]int64{4}))
		if text(out[1]) != want {
			t.Errorf("largest=%d: got indices %s, want %s", largest, text(out[1]), want)
		}
	}
}

// TestTopKColumns compares what is selected down columns of float32 with float64, which goes another way: equal numbers, NaN,
// columns that do not fill a group.
func TestTopKColumns(t *testing.T) {
	const outer, n = 2, 33
	for _, inner := range []int{1, 3, 16, 21} {
		x, wide := make([]float32, outer*n*inner), make([]float64, outer*n*inner)
		for i := range x {
			if x[i] = float32(i * 7919 % 23); i%29 == 3 {
				x[i] = float32(math.NaN())
			}
			wide[i] = float64(x[i])
		}
		for _, k := range []int64{1, 5, n} {
			for largest := range 2 {
				attrs := ops.Attrs{onnx.NewInt("axis", 1), onnx.NewInt("largest", int64(largest))}
				got := eval(t, "TopK", 11, 2, attrs, tensor.FromSlice(x, outer, n, inner), tensor.FromSlice([]int64{k}))
				want := eval(t, "TopK", 11, 2, attrs, tensor.FromSlice(wide, outer, n, inner), tensor.FromSlice([]int64{k}))
				for i := range got {
					if text(got[i]) != text(want[i]) {
						t.Errorf("%d of %d columns, largest=%d, output %d: got %s, want %s", k, inner, largest, i, text(got[i]), text(want[i]))
					}
				}
			}
		}
	}
}

// TestPackedMoves moves elements of 4 and 2 bits.
func TestPackedMoves(t *testing.T) {
	x, err := tensor.FromFloat64s(tensor.Int4, tensor.Shape{2, 3}, []float64{-8, -1, 0, 1, 2, 7})
	if err != nil {
		t.Fatal(err)
	}
	y, err := tensor.FromFloat64s(tensor.Uint2, tensor.Shape{3}, []float64{3, 1, 2})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		in   []*tensor.Tensor
		want string
	}{
		{"Transpose", []*tensor.Tensor{x}, "[3 2] [-8 1 -1 2 0 7]"},
		{"Reshape", []*tensor.Tensor{x, tensor.FromSlice([]int64{6})}, "[6] [-8 -1 0 1 2 7]"},
		{"Pad", []*tensor.Tensor{x, tensor.FromSlice([]int64{0, 1, 0, 0})}, "[2 4] [0 -8 -1 0 0 1 2 7]"},
		{"Pad", []*tensor.Tensor{y, tensor.FromSlice([]int64{1, 2})}, "[6] [0 3 1 2 0 0]"},
		{"Unsqueeze", []*tensor.Tensor{y, tensor.FromSlice([]int64{0})}, "[1 3] [3 1 2]"},
	} {
		if got := eval(t, c.name, 25, 1, nil, c.in...)[0]; text(got) != c.want {
			t.Errorf("%s: got %s, want %s", c.name, text(got), c.want)
		}
	}
}

// TestStringMoves moves strings.
func TestStringMoves(t *testing.T) {
	x := tensor.FromSlice([]string{"a", "b", "c", "d", "e", "f"}, 2, 3)
	i64 := func(v ...int64) *tensor.Tensor { return tensor.FromSlice(v) }
	axis := ops.Attrs{onnx.NewInt("axis", 1)}
	for _, c := range []struct {
		name  string
		attrs ops.Attrs
		in    []*tensor.Tensor
		want  string
	}{
		{"Transpose", nil, []*tensor.Tensor{x}, "[3 2] [a d b e c f]"},
		{"Concat", axis, []*tensor.Tensor{x, x}, "[2 6] [a b c a b c d e f d e f]"},
		{"Gather", axis, []*tensor.Tensor{x, i64(-1, 0)}, "[2 2] [c a f d]"},
		{"Slice", nil, []*tensor.Tensor{x, i64(-1), i64(-9), i64(1), i64(-1)}, "[2 3] [c b a f e d]"},
		{"Expand", nil, []*tensor.Tensor{tensor.FromSlice([]string{"x"}), i64(2, 2)}, "[2 2] [x x x x]"},
		{"Tile", nil, []*tensor.Tensor{x, i64(1, 2)}, "[2 6] [a b c a b c d e f d e f]"},
		{"Pad", nil, []*tensor.Tensor{x, i64(0, 1, 0, 0), tensor.Scalar("-")}, "[2 4] [- a b c - d e f]"},
		{"Reshape", nil, []*tensor.Tensor{x, i64(3, -1)}, "[3 2] [a b c d e f]"},
		{"Squeeze", nil, []*tensor.Tensor{tensor.FromSlice([]string{"x"}, 1, 1)}, "[] [x]"},
		{"GatherND", nil, []*tensor.Tensor{x, tensor.FromSlice([]int64{-1, 0, 0, 2}, 2, 2)}, "[2] [d c]"},
		{"GatherElements", axis, []*tensor.Tensor{x, tensor.FromSlice([]int64{2, 0}, 2, 1)}, "[2 1] [c d]"},
		{"ScatterND", nil, []*tensor.Tensor{x, tensor.FromSlice([]int64{1}, 1, 1), tensor.FromSlice([]string{"u", "v", "w"}, 1, 3)}, "[2 3] [a b c u v w]"},
		{"Compress", nil, []*tensor.Tensor{x, tensor.FromSlice([]bool{false, true, false, false, true})}, "[2] [b e]"},
		{"Unique", nil, []*tensor.Tensor{tensor.FromSlice([]string{"b", "a", "b"})}, "[2] [a b]"},
	} {
		if got := eval(t, c.name, 23, 1, c.attrs, c.in...)[0]; text(got) != c.want {
			t.Errorf("%s: got %s, want %s", c.name, text(got), c.want)
		}
	}
}

func TestUniqueOfNaN(t *testing.T) {
	nan := math.NaN()
	out := eval(t, "Unique", 11, 4, nil, tensor.FromSlice([]float64{2, nan, -1, nan, 2}))
	for i, want := range []string{"[3] [-1 2 NaN]", "[3] [2 0 1]", "[5] [1 2 0 2 1]", "[3] [1 2 2]"} {
		if text(out[i]) != want {
			t.Errorf("output %d: got %s, want %s", i, text(out[i]), want)
		}
	}
}

// TestResizeIntegers interpolates integers; the values are ONNX Runtime's, which cuts fractions off.
func TestResizeIntegers(t *testing.T) {
	mode := ops.Attrs{onnx.NewString("mode", "linear")}
	scales := tensor.FromSlice([]float32{1, 1, 1, 2})
	for range 2 { // with and without memory of a call before
		for _, c := range []struct {
			x    *tensor.Tensor
			want string
		}{
			{tensor.FromSlice([]uint8{0, 101, 255, 6}, 1, 1, 1, 4), "[1 1 1 8] [0 25 75 139 216 192 68 6]"},
			{tensor.FromSlice([]int8{-128, 101, 127, -6}, 1, 1, 1, 4), "[1 1 1 8] [-128 -70 43 107 120 93 27 -6]"},
			{tensor.FromSlice([]int32{-1000, 101, 1271, -6}, 1, 1, 1, 4), "[1 1 1 8] [-1000 -724 -174 393 978 951 313 -6]"},
		} {
			if got := eval(t, "Resize", 19, 1, mode, c.x, nil, scales)[0]; text(got) != c.want {
				t.Errorf("%v: got %s, want %s", c.x.DType(), text(got), c.want)
			}
		}
	}
}

// TestResizeCropOfAnyType compares copies out of a region, which reaches beyond the input, with those of float32: the values
// are onnx.reference's, the value outside cut off for integers.
func TestResizeCropOfAnyType(t *testing.T) {
	attrs := ops.Attrs{onnx.NewString("mode", "nearest"), onnx.NewString("coordinate_transformation_mode", "tf_crop_and_resize"),
		onnx.NewFloat("extrapolation_value", 7.5)}
	roi := tensor.FromSlice([]float32{0, -0.25, 1, 0.75})
	sizes := tensor.FromSlice([]int64{2, 5})
	x := iota32(10, 2, 5)
	for _, d := range []tensor.DType{tensor.Float32, tensor.Float64, tensor.Float16, tensor.BFloat16, tensor.Int8, tensor.Int16, tensor.Int32, tensor.Int64, tensor.Uint8, tensor.Uint16} {
		in, err := tensor.FromFloat64s(d, x.Shape(), tensor.Float64s(x, x.Len()))
		if err != nil {
			t.Fatal(err)
		}
		want := "[2 5] [7.5 0 1 2 3 7.5 5 6 7 8]"
		if d.IsInt() {
			want = "[2 5] [7 0 1 2 3 7 5 6 7 8]"
		}
		if got := eval(t, "Resize", 19, 1, attrs, in, roi, nil, sizes)[0]; text(got) != want {
			t.Errorf("%v: got %s, want %s", d, text(got), want)
		}
	}
}

// TestPowOfUnlikeHalves raises half precision of one kind to the other; values as numpy has them.
func TestPowOfUnlikeHalves(t *testing.T) {
	base, exponent := []float64{2, 3, 4, 0.5}, []float64{3, 2, 0.5, -2}
	for _, d := range [][2]tensor.DType{{tensor.Float16, tensor.BFloat16}, {tensor.BFloat16, tensor.Float16}} {
		x, err := tensor.FromFloat64s(d[0], tensor.Shape{4}, base)
		if err != nil {
			t.Fatal(err)
		}
		e, err := tensor.FromFloat64s(d[1], tensor.Shape{4}, exponent)
		if err != nil {
			t.Fatal(err)
		}
		got := tensor.Float64s(eval(t, "Pow", 15, 1, nil, x, e)[0], 4)
		for i, want := range []float64{8, 9, 2, 4} {
			if got[i] != want {
				t.Errorf("%v to the power of %v: element %d is %v, want %v", d[0], d[1], i, got[i], want)
			}
		}
	}
}
