package ops

import (
	"math/rand/v2"
	"testing"

	"github.com/onnxrun/onnxrun/internal/kernel/window"
	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

func randomTensor(r *rand.Rand, dims ...int) *tensor.Tensor {
	t := tensor.New(tensor.Float32, dims...)
	for i := range tensor.Of[float32](t) {
		tensor.Of[float32](t)[i] = r.Float32() - 0.5
	}
	return t
}

// TestSymbolicWindows compares the inferred expression with what the geometry says for many lengths.
func TestSymbolicWindows(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		a := window.Attrs{Kernel: []int{1 + r.IntN(4)}, Strides: []int{1 + r.IntN(3)}, Dilations: []int{1 + r.IntN(2)},
			Pads: []int{r.IntN(3), r.IntN(3)}, Ceil: r.IntN(2) == 0, AutoPad: window.AutoPad(r.IntN(4))}
		e := windowDim(&a, 0, sym.Symbol("n"))
		for in := 1; in < 30; in++ {
			x, err := a.Axis(0, in)
			if err != nil {
				continue
			}
			got, ok := e.Value(func(string) (int64, bool) { return int64(in), true })
			if !ok || got != int64(x.Out) {
				t.Fatalf("%+v over %d: inferred %v = %d, want %d", a, in, e, got, x.Out)
			}
		}
	}
}

func convAttrs() Attrs {
	return Attrs{onnx.NewInt("group", 1), onnx.NewInts("pads", 1, 1, 1, 1), onnx.NewString("auto_pad", "NOTSET")}
}

func TestConvHalf(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 3))
	x, w := randomTensor(r, 1, 5, 9, 8), randomTensor(r, 4, 5, 3, 3)
	conv := Default().Find("", "Conv", 22)
	for _, d := range []tensor.DType{tensor.Float16, tensor.BFloat16} {
		xh, wh := tensor.New(d, 1, 5, 9, 8), tensor.New(d, 4, 5, 3, 3)
		narrowTo(xh, x)
		narrowTo(wh, w)
		widenTo(x, xh)
		widenTo(w, wh)
		want, err := conv.Eval(convAttrs(), 1, x, w)
		if err != nil {
			t.Fatal(err)
		}
		rounded := tensor.New(d, want[0].Shape()...)
		narrowTo(rounded, want[0])
		got, err := conv.Eval(convAttrs(), 1, xh, wh)
		if err != nil {
			t.Fatal(err)
		}
		if string(got[0].Bytes()) != string(rounded.Bytes()) {
			t.Errorf("%v: not the rounded float32 result", d)
		}
	}
}

func TestWindowsAllocateNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 4))
	x := randomTensor(r, 1, 8, 12, 12)
	w := randomTensor(r, 8, 8, 3, 3)
	sizes := tensor.FromSlice([]int64{1, 8, 24, 24}, 4)
	pool := Attrs{onnx.NewInts("kernel_shape", 2, 2), onnx.NewInts("strides", 2, 2)}
	for _, c := range []struct {
		op    string
		attrs Attrs
		out   *tensor.Tensor
		in    []*tensor.Tensor
	}{
		{"Conv", convAttrs(), tensor.New(tensor.Float32, 1, 8, 12, 12), []*tensor.Tensor{x, w}},
		{"ConvTranspose", convAttrs(), tensor.New(tensor.Float32, 1, 8, 12, 12), []*tensor.Tensor{x, w}},
		{"MaxPool", pool, tensor.New(tensor.Float32, 1, 8, 6, 6), []*tensor.Tensor{x}},
		{"AveragePool", pool, tensor.New(tensor.Float32, 1, 8, 6, 6), []*tensor.Tensor{x}},
		{"GlobalAveragePool", nil, tensor.New(tensor.Float32, 1, 8, 1, 1), []*tensor.Tensor{x}},
		{"Resize", Attrs{onnx.NewString("mode", "linear")}, tensor.New(tensor.Float32, 1, 8, 24, 24), []*tensor.Tensor{x, nil, nil, sizes}},
		{"Resize", Attrs{onnx.NewString("mode", "nearest")}, tensor.New(tensor.Float32, 1, 8, 24, 24), []*tensor.Tensor{x, nil, nil, sizes}},
	} {
		k := &KernelCtx{Attrs: c.attrs, Weights: noWeights{}, Out: []Value{{Type: TypeOf(c.out)}}}
		for _, v := range c.in {
			if v == nil {
				k.In = append(k.In, Value{})
			} else {
				k.In = append(k.In, Value{Type: TypeOf(v)})
			}
		}
		kernel, err := Default().Find("", c.op, 19).Kernel(k)
		if err != nil {
			t.Fatal(err)
		}
		call := &Call{In: c.in, Out: []*tensor.Tensor{c.out}, Threads: 1, Memory: Heap{}}
		n := testing.AllocsPerRun(50, func() {
			if err := kernel.Run(call); err != nil {
				t.Fatal(err)
			}
		})
		if n >= 1 {
			t.Errorf("%s: %v allocations per run, want 0", c.op, n)
		}
	}
}
