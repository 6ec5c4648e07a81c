package ops

import (
	"math"
	"slices"
	"testing"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// TestElementValues holds cases at the edges of definitions.
func TestElementValues(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	most := float32(math.MaxFloat32)
	x := tensor.FromSlice([]float32{-inf, -2, nan, 3, inf})
	for _, c := range []struct {
		op    string
		opset int
		attrs Attrs
		in    []*tensor.Tensor
		want  []float64
	}{
		{"Clip", 13, nil, []*tensor.Tensor{x, nil, tensor.Scalar(float32(1))}, []float64{float64(-most), -2, math.NaN(), 1, 1}},
		{"Clip", 13, nil, []*tensor.Tensor{x, tensor.Scalar(float32(2)), tensor.Scalar(float32(1))}, []float64{1, 1, math.NaN(), 1, 1}},
		{"ThresholdedRelu", 22, Attrs{onnx.NewFloat("alpha", 1)}, []*tensor.Tensor{x}, []float64{0, 0, 0, 3, math.Inf(1)}},
		{"BitShift", 28, Attrs{onnx.NewString("direction", "RIGHT")},
			[]*tensor.Tensor{tensor.FromSlice([]int8{-8, -8, 8, 8}), tensor.FromSlice([]int8{1, -1, 9, 2})}, []float64{-4, -1, 0, 2}},
		{"Div", 14, nil, []*tensor.Tensor{tensor.FromSlice([]int32{-7, 7, 5}), tensor.FromSlice([]int32{2, -2, 0})}, []float64{-3, -3, 0}},
		{"Cast", 21, Attrs{onnx.NewInt("to", int64(tensor.Int4))}, []*tensor.Tensor{tensor.FromSlice([]int16{200, -8, 7})}, []float64{-8, -8, 7}},
		{"Cast", 21, Attrs{onnx.NewInt("to", int64(tensor.Int64))}, []*tensor.Tensor{tensor.FromSlice([]string{" 12", "2.5", "-9007199254740993"})},
			[]float64{12, 2, -9007199254740993}},
		{"Sub", 6, Attrs{onnx.NewInt("broadcast", 1), onnx.NewInt("axis", 0)},
			[]*tensor.Tensor{tensor.FromSlice([]float32{1, 2, 3, 4}, 2, 2), tensor.FromSlice([]float32{1, 2})}, []float64{0, 1, 1, 2}},
		{"PRelu", 6, nil, []*tensor.Tensor{tensor.FromSlice([]float32{-1, 2, -3, 4}, 1, 2, 2), tensor.FromSlice([]float32{2, 3})}, []float64{-2, 2, -9, 4}},
	} {
		out, err := Default().Find("", c.op, c.opset).Eval(c.attrs, 1, c.in...)
		if err != nil {
			t.Errorf("%s: %v", c.op, err)
			continue
		}
		got := tensor.Float64s(out[0], len(c.want))
		if !slices.EqualFunc(got, c.want, func(a, b float64) bool { return a == b || a != a && b != b }) {
			t.Errorf("%s: %v, want %v", c.op, got, c.want)
		}
	}
	if _, err := Default().Find("", "Cast", 21).Eval(Attrs{onnx.NewInt("to", 1)}, 1, tensor.FromSlice([]string{"abc"})); err == nil {
		t.Error("the string abc was read as a number")
	}
}
