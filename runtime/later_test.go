package runtime_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// laterModel has convolutions of several algorithms, most of them scaled by a BatchNormalization, and products.
func laterModel() *onnx.Model {
	rng := rand.New(rand.NewPCG(1, 2))
	g := &onnx.Graph{Name: "g", Outputs: []*onnx.ValueInfo{{Name: "y"}, {Name: "z"}}}
	weight := func(name string, dims ...int) {
		x := tensor.New(tensor.Float32, dims...)
		for i := range tensor.Of[float32](x) {
			tensor.Of[float32](x)[i] = rng.Float32()/8 + 0.01
		}
		g.Initializers = append(g.Initializers, tensor.NewProto(name, x))
	}
	node := func(op, out string, attrs []*onnx.Attribute, in ...string) {
		g.Nodes = append(g.Nodes, &onnx.Node{OpType: op, Inputs: in, Outputs: []string{out}, Attributes: attrs})
	}
	last := "x"
	conv := func(name, op string, channels int, attrs []*onnx.Attribute, dims ...int) {
		weight(name, dims...)
		node(op, name+"c", attrs, last, name)
		for _, p := range []string{"s", "b", "m", "v"} {
			weight(name+p, channels)
		}
		node("BatchNormalization", name+"n", nil, name+"c", name+"s", name+"b", name+"m", name+"v")
		node("Relu", name+"r", nil, name+"n")
		last = name + "r"
	}
	pads := onnx.NewInts("pads", 1, 1, 1, 1)
	conv("a", "Conv", 32, []*onnx.Attribute{pads}, 32, 3, 3, 3)
	conv("b", "Conv", 32, []*onnx.Attribute{pads, onnx.NewInt("group", 32)}, 32, 1, 3, 3)
	conv("c", "Conv", 48, nil, 48, 32, 1, 1)
	conv("d", "Conv", 64, []*onnx.Attribute{pads}, 64, 48, 3, 3)
	conv("e", "Conv", 64, []*onnx.Attribute{onnx.NewInt("group", 2), onnx.NewInts("strides", 2, 2)}, 64, 32, 2, 2)
	conv("f", "ConvTranspose", 16, []*onnx.Attribute{onnx.NewInts("strides", 2, 2)}, 64, 16, 2, 2)
	node("GlobalAveragePool", "p", nil, last)
	node("Flatten", "q", nil, "p")
	weight("w", 100, 16)
	node("Gemm", "y", []*onnx.Attribute{onnx.NewInt("transB", 1)}, "q", "w")
	weight("u", 100, 300)
	node("MatMul", "z", nil, "y", "u")
	g.Inputs = []*onnx.ValueInfo{{Name: "x", Type: onnx.NewTensorType(tensor.Float32, onnx.FixedDim(2), onnx.FixedDim(3), onnx.FixedDim(20), onnx.FixedDim(20))}}
	return &onnx.Model{IRVersion: 10, Opsets: []onnx.OpsetID{{Version: 21}}, Graph: g}
}

// TestLater runs a model whose weights are packed when it is opened, or in the second run: all runs give the same bits, at any
// number of threads, and the first one keeps nothing.
func TestLater(t *testing.T) {
	model := onnx.Encode(laterModel())
	in := laterInput()
	var want map[string]*tensor.Tensor
	packed := 0
	for _, o := range []runtime.Options{{Prepack: true, Threads: 1}, {Threads: 1}, {Threads: 3}} {
		s, err := runtime.OpenBytes(model, &o)
		if err != nil {
			t.Fatal(err)
		}
		for run := range 3 {
			out, err := s.Run(context.Background(), in)
			if err != nil {
				t.Fatal(err)
			}
			_, packs, _, _, _ := s.Counts()
			if want == nil {
				want, packed = out, packs
			}
			equalBits(t, out, want)
			switch keeps := o.Prepack || run > 0; {
			case keeps && (packs != packed || packs == 0):
				t.Errorf("%+v: %d packed weights after run %d, want %d", o, packs, run, packed)
			case !keeps && packs > 0:
				t.Errorf("%+v: %d packed weights after the first run, want none", o, packs)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestLaterTogether begins many runs of a new session at once.
func TestLaterTogether(t *testing.T) {
	model, in := onnx.Encode(laterModel()), laterInput()
	for range 4 {
		s, err := runtime.OpenBytes(model, &runtime.Options{Threads: 2})
		if err != nil {
			t.Fatal(err)
		}
		var outs [8]map[string]*tensor.Tensor
		var all sync.WaitGroup
		for i := range outs {
			all.Go(func() {
				var err error
				if outs[i], err = s.Run(context.Background(), in); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		for _, out := range outs[1:] {
			equalBits(t, out, outs[0])
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func laterInput() map[string]*tensor.Tensor {
	x := tensor.New(tensor.Float32, 2, 3, 20, 20)
	for i := range tensor.Of[float32](x) {
		tensor.Of[float32](x)[i] = float32(i%37)/37 - 0.4
	}
	return map[string]*tensor.Tensor{"x": x}
}

func equalBits(t *testing.T, got, want map[string]*tensor.Tensor) {
	t.Helper()
	for name, w := range want {
		if got[name] == nil || !bytes.Equal(got[name].Bytes(), w.Bytes()) {
			t.Errorf("output %q has other bits", name)
		}
	}
}
