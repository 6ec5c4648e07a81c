package ops

import (
	"testing"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// TestWork compares what kernels say of their work with what their definitions need.
func TestWork(t *testing.T) {
	x := func(dims ...int) *tensor.Tensor { return tensor.New(tensor.Float32, dims...) }
	for _, c := range []struct {
		domain, op string
		version    int
		attrs      Attrs
		in         []*tensor.Tensor
		out        []int
		flops      int64
		bytes      int64
	}{
		{"", "MatMul", 13, nil, []*tensor.Tensor{x(2, 5, 7), x(7, 3)}, []int{2, 5, 3}, 2 * 2 * 5 * 7 * 3, 4 * (70 + 21 + 30)},
		{"", "Gemm", 13, Attrs{onnx.NewInt("transA", 1), onnx.NewInt("transB", 1), onnx.NewFloat("alpha", 1), onnx.NewFloat("beta", 1)},
			[]*tensor.Tensor{x(7, 5), x(3, 7)}, []int{5, 3}, 2 * 5 * 7 * 3, 4 * (35 + 21 + 15)},
		{"", "Conv", 11, Attrs{onnx.NewInt("group", 2)}, []*tensor.Tensor{x(1, 4, 6, 6), x(8, 2, 3, 3)}, []int{1, 8, 4, 4}, 2 * 8 * 16 * 2 * 9, 4 * (144 + 144 + 128)},
		{"", "LSTM", 14, nil, []*tensor.Tensor{x(3, 2, 5), x(1, 16, 5), x(1, 16, 4)}, []int{3, 1, 2, 4}, 2 * 3 * 2 * 16 * 9, 4 * (30 + 80 + 64 + 24 + 2*64)},
		{"", "Relu", 14, nil, []*tensor.Tensor{x(10)}, []int{10}, 0, 80},
		{"", "Gather", 13, Attrs{onnx.NewInt("axis", 0)}, []*tensor.Tensor{x(100, 4), tensor.FromSlice([]int64{1, 2})}, []int{2, 4}, 0, 64},
	} {
		row := Default().Find(c.domain, c.op, c.version)
		k := &KernelCtx{Attrs: c.attrs, Weights: noWeights{}}
		for _, t := range c.in {
			v := ConstValue(t)
			v.Const = nil
			k.In = append(k.In, v)
		}
		k.Out = []Value{ConstValue(x(c.out...))}
		kernel, err := row.Kernel(k)
		if err != nil {
			t.Fatalf("%s: %v", c.op, err)
		}
		if w := row.WorkOf(&kernel, &Call{In: c.in, Out: []*tensor.Tensor{x(c.out...)}}); w.Flops != c.flops || w.Bytes != c.bytes {
			t.Errorf("%s: %+v, want %d operations, %d bytes", c.op, w, c.flops, c.bytes)
		}
	}
}
