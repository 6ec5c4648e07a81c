package ops_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

func randomTensor(r *rand.Rand, shape ...int) *tensor.Tensor {
	t := tensor.New(tensor.Float32, shape...)
	for i := range tensor.Of[float32](t) {
		tensor.Of[float32](t)[i] = float32(r.NormFloat64())
	}
	return t
}

// TestFusedMatMul compares the fused product with its definition.
func TestFusedMatMul(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	op := ops.Default().Find("onnxrun", "FusedMatMul", 1)
	const b, m, n, k = 3, 5, 7, 40
	for mask := range 16 {
		transA, transB, bias, residual := mask&1, mask>>1&1, mask&4 != 0, mask&8 != 0
		sa, sb := []int{b, m, k}, []int{k, n}
		if transA == 1 {
			sa = []int{b, k, m}
		}
		if transB == 1 {
			sb = []int{n, k}
		}
		in := []*tensor.Tensor{randomTensor(r, sa...), randomTensor(r, sb...), nil, nil}
		if bias {
			in[2] = randomTensor(r, n)
		}
		if residual {
			in[3] = randomTensor(r, b, m, n)
		}
		attrs := ops.Attrs{onnx.NewInt("transA", int64(transA)), onnx.NewInt("transB", int64(transB)), onnx.NewFloat("alpha", 0.5), onnx.NewString("activation", "Tanh")}
		out, err := op.Eval(attrs, 1, in...)
		if err != nil {
			t.Fatal(err)
		}
		at := func(x *tensor.Tensor, trans, base, i, j, rows, cols int) float64 {
			if trans == 1 {
				return float64(tensor.Of[float32](x)[base+j*rows+i])
			}
			return float64(tensor.Of[float32](x)[base+i*cols+j])
		}
		for i := range b * m * n {
			p, row, col := i/(m*n), i/n%m, i%n
			var want float64
			for l := range k {
				want += 0.5 * at(in[0], transA, p*m*k, row, l, m, k) * at(in[1], transB, 0, l, col, k, n)
			}
			if bias {
				want += float64(tensor.Of[float32](in[2])[col])
			}
			if residual {
				want += float64(tensor.Of[float32](in[3])[i])
			}
			if got := float64(tensor.Of[float32](out[0])[i]); math.Abs(got-math.Tanh(want)) > 1e-5 {
				t.Fatalf("mask %d, element %d: got %v, want %v", mask, i, got, math.Tanh(want))
			}
		}
	}
}

// TestLinearRejects feeds shapes that do not fit.
func TestLinearRejects(t *testing.T) {
	f := func(shape ...int) *tensor.Tensor { return tensor.New(tensor.Float32, shape...) }
	for _, c := range []struct {
		name string
		in   []*tensor.Tensor
	}{
		{"MatMul", []*tensor.Tensor{f(2, 3), f(4, 5)}},
		{"MatMul", []*tensor.Tensor{f(), f(4, 5)}},
		{"MatMul", []*tensor.Tensor{f(2, 3, 4), f(3, 4, 5)}},
		{"MatMul", []*tensor.Tensor{f(2, 3), tensor.New(tensor.Float64, 3, 2)}},
		{"Gemm", []*tensor.Tensor{f(2, 3), f(3, 5), f(3)}},
		{"Gemm", []*tensor.Tensor{f(2, 3, 1), f(3, 5)}},
		{"ReduceSum", []*tensor.Tensor{f(2, 3), tensor.FromSlice([]int64{2})}},
		{"LayerNormalization", []*tensor.Tensor{f(2, 3), f(4)}},
		{"BatchNormalization", []*tensor.Tensor{f(2, 3), f(4), f(3), f(3), f(3)}},
	} {
		attrs := ops.Attrs{onnx.NewFloat("alpha", 1), onnx.NewFloat("beta", 1)}
		if _, err := ops.Default().Find("", c.name, 21).Eval(attrs, 1, c.in...); err == nil {
			t.Errorf("%s of %v, %v: no error", c.name, c.in[0].Shape(), c.in[1].Shape())
		}
	}
}

// TestLinearAllocations runs kernels at fixed shapes.
func TestLinearAllocations(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, c := range []struct {
		name  string
		attrs ops.Attrs
		in    []*tensor.Tensor
	}{
		{"MatMul", nil, []*tensor.Tensor{randomTensor(r, 2, 3, 4, 32), randomTensor(r, 3, 32, 5)}},
		{"Gemm", ops.Attrs{onnx.NewFloat("alpha", 1), onnx.NewFloat("beta", 2)}, []*tensor.Tensor{randomTensor(r, 4, 8), randomTensor(r, 8, 6), randomTensor(r, 6)}},
		{"Softmax", ops.Attrs{onnx.NewInt("axis", -1)}, []*tensor.Tensor{randomTensor(r, 4, 8)}},
		{"ReduceMean", ops.Attrs{onnx.NewInts("axes", 0, 2)}, []*tensor.Tensor{randomTensor(r, 4, 8, 3)}},
		{"LayerNormalization", ops.Attrs{onnx.NewFloat("epsilon", 1e-5)}, []*tensor.Tensor{randomTensor(r, 4, 8), randomTensor(r, 8), randomTensor(r, 8)}},
		{"BatchNormalization", ops.Attrs{onnx.NewFloat("epsilon", 1)}, []*tensor.Tensor{randomTensor(r, 2, 3, 4), randomTensor(r, 3), randomTensor(r, 3), randomTensor(r, 3), randomTensor(r, 3)}},
		{"Attention", ops.Attrs{onnx.NewInt("is_causal", 1)}, []*tensor.Tensor{randomTensor(r, 2, 4, 70, 8), randomTensor(r, 2, 2, 70, 8), randomTensor(r, 2, 2, 70, 8)}},
	} {
		opset := 13
		switch c.name {
		case "LayerNormalization":
			opset = 17
		case "Attention":
			opset = 23
		}
		run := boundRun(t, ops.Default().Find("", c.name, opset), c.attrs, c.in)
		if n := testing.AllocsPerRun(20, run); n > 0.5 {
			t.Errorf("%s: %v allocations in a run", c.name, n)
		}
	}
}

type packNow struct{}

func (packNow) Packed(_ *tensor.Tensor, _ string, pack func(*ops.Room) any) any { return pack(nil) }

func (packNow) PackedRows(_ *tensor.Tensor, _ string, pack func(*ops.Room) any, _ func(ops.Rows) any) any {
	return pack(nil)
}

func (packNow) ReadRows(*tensor.Tensor, func(ops.Rows)) bool { return false }

func (packNow) Read(t *tensor.Tensor, _ *ops.Spare, f func([]float32)) { f(tensor.Of[float32](t)) }

// boundRun returns a function that runs the operator on inputs that are not constant.
func boundRun(t *testing.T, op *ops.Op, attrs ops.Attrs, in []*tensor.Tensor) func() {
	t.Helper()
	run, _ := boundOut(t, op, attrs, in)
	return run
}

// boundOut is boundRun that also returns where the outputs go.
func boundOut(t *testing.T, op *ops.Op, attrs ops.Attrs, in []*tensor.Tensor) (run func(), out []*tensor.Tensor) {
	t.Helper()
	out, err := op.Eval(attrs, 1, in...)
	if err != nil {
		t.Fatal(err)
	}
	kc := &ops.KernelCtx{Attrs: attrs, Weights: packNow{}, Out: []ops.Value{{Type: ops.TypeOf(out[0])}}}
	for _, x := range in {
		v := ops.Value{}
		if x != nil {
			v.Type = ops.TypeOf(x)
		}
		kc.In = append(kc.In, v)
	}
	k, err := op.Kernel(kc)
	if err != nil {
		t.Fatal(err)
	}
	c := &ops.Call{In: in, Out: out, Threads: 1, Ctx: context.Background(), Memory: ops.Heap{}}
	if k.Scratch != nil {
		c.Scratch = make([]byte, k.Scratch(c)+64)
	}
	return func() {
		if err := k.Run(c); err != nil {
			t.Fatal(err)
		}
	}, out
}
