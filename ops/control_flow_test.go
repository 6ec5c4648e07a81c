package ops

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// fakeBody is a body written in Go.
type fakeBody func(in, out []*tensor.Tensor) error

func (f fakeBody) Run(_ *Call, in, out []*tensor.Tensor) error { return f(in, out) }

// give makes t a tensor with the given elements, in t's storage if it has room, as a compiled body does.
func give[T tensor.Element](t *tensor.Tensor, v []T, shape ...int) {
	if t.DType() == tensor.DTypeOf[T]() && cap(t.Bytes()) >= len(v)*t.DType().Size() && len(v) > 0 {
		b := t.Bytes()[:len(v)*t.DType().Size()]
		t.Reset(t.DType(), shape, b)
		copy(tensor.Of[T](t), v)
		return
	}
	t.ResetTo(tensor.FromSlice(slices.Clone(v), shape...))
}

func flowCall(outs int, bodies []Body, in ...*tensor.Tensor) *Call {
	c := &Call{In: in, Threads: 1, Ctx: context.Background(), Memory: Heap{}, Bodies: bodies}
	for range outs {
		c.Out = append(c.Out, new(tensor.Tensor))
	}
	return c
}

func flowInfer(outs int, sub func(name string, in []Value) ([]Value, error), attrs Attrs, in ...Value) *InferCtx {
	return &InferCtx{Attrs: attrs, In: in, Out: make([]Value, outs), Subgraph: sub, Fresh: freshSymbols()}
}

func flowKernel(t *testing.T, name string, version int, k *KernelCtx) Kernel {
	t.Helper()
	kernel, err := Default().Find("", name, version).Kernel(k)
	if err != nil {
		t.Fatal(err)
	}
	return kernel
}

func TestLoopShapes(t *testing.T) {
	n := sym.Symbol("n")
	sub := func(_ string, in []Value) ([]Value, error) {
		grown := in[2].Type
		grown.Dims = []Dim{grown.Dims[0].Add(sym.Const(1)), grown.Dims[1]}
		return []Value{in[1], {Type: grown}, {Type: in[3].Type}, {Type: TensorType(tensor.Float32, sym.Const(4))}}, nil
	}
	x := TensorType(tensor.Float32, n, sym.Const(3))
	m := Value{Type: TensorType(tensor.Int64), Elems: []Dim{sym.Symbol("m")}}
	c := flowInfer(3, sub, nil, m, Value{}, Value{Type: x}, Value{Type: x})
	if err := loopInfer(c); err != nil {
		t.Fatal(err)
	}
	if got := c.Out[0].Type; got.Rank() != 2 || got.Dims[0].Has("n") || !got.Dims[1].Equal(sym.Const(3)) {
		t.Errorf("a value that grows is %v", got)
	}
	if got := c.Out[1].String(); got != "float32[n,3]" {
		t.Errorf("a value that keeps its shape is %v", got)
	}
	if got := c.Out[2].String(); got != "float32[m,4]" {
		t.Errorf("the stacked value is %v", got)
	}
}

func TestLoopStacksUnknownRounds(t *testing.T) {
	body := fakeBody(func(in, out []*tensor.Tensor) error {
		i, x := tensor.Of[int64](in[0])[0], tensor.Of[float32](in[2])
		give(out[0], []bool{i < 36})
		out[0].SetShape(nil)
		give(out[1], append(slices.Clone(x), float32(i)), len(x)+1)
		give(out[2], []float32{float32(i), -float32(i)}, 2)
		return nil
	})
	k := flowKernel(t, "Loop", 16, &KernelCtx{In: make([]Value, 3), Out: make([]Value, 2), Bodies: []string{"body"}})
	for range 2 { // the second run finds the memory of the first
		c := flowCall(2, []Body{body}, nil, nil, tensor.FromSlice([]float32{5}))
		if err := k.Run(c); err != nil {
			t.Fatal(err)
		}
		x, s := tensor.Of[float32](c.Out[0]), tensor.Of[float32](c.Out[1])
		if len(x) != 38 || x[0] != 5 || x[37] != 36 || !c.Out[1].Shape().Equal([]int{37, 2}) || s[72] != 36 || s[73] != -36 {
			t.Errorf("carried %v, stacked %v %v", x, c.Out[1].Shape(), s)
		}
	}
}

func TestLoopStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	rounds := 0
	body := fakeBody(func(in, out []*tensor.Tensor) error {
		if rounds++; rounds == 3 {
			cancel()
		}
		give(out[0], []bool{true})
		return nil
	})
	k := flowKernel(t, "Loop", 13, &KernelCtx{In: make([]Value, 2), Bodies: []string{"body"}})
	c := flowCall(0, []Body{body}, nil, nil)
	c.Ctx = ctx
	if err := k.Run(c); !errors.Is(err, context.Canceled) || rounds != 3 {
		t.Errorf("%d rounds, error %v", rounds, err)
	}
	zero := flowCall(0, []Body{body}, tensor.Scalar[int64](-4), nil)
	if err := k.Run(zero); err != nil || rounds != 3 {
		t.Errorf("a negative number of rounds: %d more, error %v", rounds-3, err)
	}
}

func TestLoopWithoutRounds(t *testing.T) {
	typ := TensorType(tensor.Float32, sym.Symbol("?1"), sym.Const(7))
	k := flowKernel(t, "Loop", 13, &KernelCtx{In: make([]Value, 2), Out: []Value{{Type: typ}}, Bodies: []string{"body"}})
	c := flowCall(1, nil, tensor.Scalar[int64](0), nil)
	if err := k.Run(c); err != nil || !c.Out[0].Shape().Equal([]int{0, 7}) || c.Out[0].DType() != tensor.Float32 {
		t.Errorf("%v %v, error %v", c.Out[0].DType(), c.Out[0].Shape(), err)
	}
}

func TestLoopRejectsUnevenRounds(t *testing.T) {
	body := fakeBody(func(in, out []*tensor.Tensor) error {
		give(out[0], []bool{true})
		n := int(tensor.Of[int64](in[0])[0]) + 1
		give(out[1], make([]float32, n), n)
		return nil
	})
	k := flowKernel(t, "Loop", 13, &KernelCtx{In: make([]Value, 2), Out: make([]Value, 1), Bodies: []string{"body"}})
	err := k.Run(flowCall(1, []Body{body}, tensor.Scalar[int64](3), nil))
	if err == nil || !strings.Contains(err.Error(), "round 1") {
		t.Errorf("error is %v", err)
	}
}

func TestIfJoinsBranches(t *testing.T) {
	sub := func(name string, _ []Value) ([]Value, error) {
		if name == "then_branch" {
			return []Value{{Type: TensorType(tensor.Float32, sym.Const(2), sym.Symbol("n"))}, {Type: TensorType(tensor.Int64)}}, nil
		}
		return []Value{{Type: TensorType(tensor.Float32, sym.Const(3), sym.Symbol("n"))}, {Type: TensorType(tensor.Int64, sym.Const(1))}}, nil
	}
	c := flowInfer(2, sub, nil, Value{Type: TensorType(tensor.Bool)})
	if err := ifInfer(c); err != nil {
		t.Fatal(err)
	}
	d := c.Out[0].Dims
	if _, known := d[0].Const(); known || !d[1].Equal(sym.Symbol("n")) || c.Out[1].Ranked {
		t.Errorf("outputs are %v and %v", c.Out[0].Type, c.Out[1].Type)
	}
	c = flowInfer(2, sub, nil, ConstValue(tensor.Scalar(false)))
	if err := ifInfer(c); err != nil || c.Out[0].String() != "float32[3,n]" {
		t.Errorf("with a constant condition: %v, error %v", c.Out[0].Type, err)
	}
}

func TestIfKeepsPlaces(t *testing.T) {
	value := tensor.FromSlice([]float32{1, 2})
	shares := fakeBody(func(_, out []*tensor.Tensor) error { out[0].ResetTo(value); return nil })
	wrong := fakeBody(func(_, out []*tensor.Tensor) error { give(out[0], []float32{1, 2, 3}, 3); return nil })
	k := flowKernel(t, "If", 16, &KernelCtx{In: make([]Value, 1), Out: make([]Value, 1), Bodies: []string{"else_branch", "then_branch"}})
	c := flowCall(1, []Body{wrong, shares}, tensor.Scalar(true))
	place := tensor.New(tensor.Float32, 2)
	c.Out[0].ResetTo(place)
	if err := k.Run(c); err != nil || !slices.Equal(tensor.Of[float32](place), []float32{1, 2}) {
		t.Errorf("the output's storage holds %v, error %v", tensor.Of[float32](place), err)
	}
	if n := testing.AllocsPerRun(20, func() { _ = k.Run(c) }); n >= 1 {
		t.Errorf("%v allocations", n)
	}
	c.In[0] = tensor.Scalar(false)
	if err := k.Run(c); err == nil {
		t.Error("a branch returned another shape than inferred: want an error")
	}
}

func TestScanAxesAndDirections(t *testing.T) {
	body := fakeBody(func(in, out []*tensor.Tensor) error {
		sum, x := tensor.Of[float32](in[0]), tensor.Of[float32](in[1])
		next := []float32{sum[0] + x[0], sum[1] + x[1]}
		give(out[0], next, 2)
		give(out[1], next, 2)
		return nil
	})
	attrs := Attrs{onnx.NewInt("num_scan_inputs", 1), onnx.NewInts("scan_input_axes", -1), onnx.NewInts("scan_input_directions", 1),
		onnx.NewInts("scan_output_axes", 1), onnx.NewInts("scan_output_directions", 1)}
	k := flowKernel(t, "Scan", 11, &KernelCtx{Attrs: attrs, In: make([]Value, 2), Out: make([]Value, 2), Bodies: []string{"body"}})
	x := tensor.FromSlice([]float32{1, 2, 3, 10, 20, 30}, 2, 3)
	for _, placed := range []bool{false, true} {
		c := flowCall(2, []Body{body}, tensor.FromSlice([]float32{0, 100}), x)
		if placed {
			c.Out[0].ResetTo(tensor.New(tensor.Float32, 2))
			c.Out[1].ResetTo(tensor.New(tensor.Float32, 2, 3))
		}
		if err := k.Run(c); err != nil {
			t.Fatal(err)
		}
		if got := tensor.Of[float32](c.Out[0]); !slices.Equal(got, []float32{6, 160}) {
			t.Errorf("final state %v", got)
		}
		if got := tensor.Of[float32](c.Out[1]); !c.Out[1].Shape().Equal([]int{2, 3}) || !slices.Equal(got, []float32{6, 5, 3, 160, 150, 130}) {
			t.Errorf("stacked %v %v", c.Out[1].Shape(), got)
		}
	}
}

func TestScan8SequenceLengths(t *testing.T) {
	body := fakeBody(func(in, out []*tensor.Tensor) error {
		next := []float32{tensor.Of[float32](in[0])[0] + tensor.Of[float32](in[1])[0]}
		give(out[0], next, 1)
		give(out[1], next, 1)
		return nil
	})
	k := flowKernel(t, "Scan", 8, &KernelCtx{Attrs: Attrs{onnx.NewInt("num_scan_inputs", 1)}, In: make([]Value, 3), Out: make([]Value, 2), Bodies: []string{"body"}})
	c := flowCall(2, []Body{body}, tensor.FromSlice([]int64{1, 3}), tensor.FromSlice([]float32{0, 10}, 2, 1),
		tensor.FromSlice([]float32{1, 2, 3, 4, 5, 6}, 2, 3, 1))
	c.Out[1].ResetTo(tensor.FromSlice([]float32{9, 9, 9, 9, 9, 9}, 2, 3, 1))
	if err := k.Run(c); err != nil {
		t.Fatal(err)
	}
	if got := tensor.Of[float32](c.Out[0]); !slices.Equal(got, []float32{1, 25}) {
		t.Errorf("final states %v", got)
	}
	if got := tensor.Of[float32](c.Out[1]); !slices.Equal(got, []float32{1, 0, 0, 14, 19, 25}) {
		t.Errorf("stacked %v", got)
	}
}
