package ops

import (
	"slices"
	"testing"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// TestNumbersAsText holds forms on which ONNX Runtime and numpy agree, and where they do not, the shortest form
// that reads back as the same number (numpy's).
func TestNumbersAsText(t *testing.T) {
	for _, c := range []struct {
		in   *tensor.Tensor
		want []string
	}{
		{tensor.FromSlice([]float32{1e10, 12345678, -1e8, 1.5e20, 1e-10, 0.1, 0.0001234, 2.5, 0}),
			[]string{"1e+10", "12345678", "-1e+08", "1.5e+20", "1e-10", "0.1", "0.0001234", "2.5", "0"}},
		{tensor.FromSlice([]float64{1e15, 1e17, 123456789.5, 1e-10}), []string{"1000000000000000", "1e+17", "123456789.5", "1e-10"}},
		{tensor.FromSlice([]tensor.Float16Bits{0x3800, 0x38cd, 0x0001, 0x68ff, 0xfc00}), []string{"0.5", "0.6", "6e-08", "2558", "-INF"}},
		{tensor.FromSlice([]int32{123456789, -2147483648, 1000000000}), []string{"123456789", "-2147483648", "1000000000"}},
		{tensor.FromSlice([]uint32{4294967295, 4000000000}), []string{"4294967295", "4000000000"}},
		{tensor.FromSlice([]int16{-32768, 7}), []string{"-32768", "7"}},
		{tensor.FromSlice([]bool{true, false}), []string{"1", "0"}},
	} {
		out, err := Default().Find("", "Cast", 21).Eval(Attrs{onnx.NewInt("to", int64(tensor.String))}, 1, c.in)
		if err != nil {
			t.Errorf("%v: %v", c.in.DType(), err)
			continue
		}
		if got := tensor.Raw[string](out[0]); !slices.Equal(got, c.want) {
			t.Errorf("%v: %q, want %q", c.in.DType(), got, c.want)
		}
	}
}
