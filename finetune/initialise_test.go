package finetune_test

import (
	"bytes"
	"math"
	"slices"
	"testing"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// TestInitialise draws weights anew: matrices within the bound of their fan, whichever axis counts the outputs, biases zero
// and gains one, in the stored element type; equal seeds give equal bits, and other weights stay as they are.
func TestInitialise(t *testing.T) {
	model := func() *onnx.Model {
		return sketch{feeds: tensors{"x": f32(1, 4, 50)}, output: "y", weights: tensors{
			"tall": f32(2, 50, 8), "bias": f32(3, 8), "gain": f32(4, 8), "shift": f32(5, 8), "wide": f32(6, 300, 8),
			"half": normal(tensor.Float16, 7, 300, 2), "keep": f32(8, 2)},
			nodes: []*onnx.Node{node("Gemm(x, tall, bias) = h"), node("LayerNormalization(h, gain, shift) = n"),
				node("Gemm(n, wide) = g", onnx.NewInt("transB", 1)),
				node("Cast(half) = f", onnx.NewInt("to", 1)), node("Gemm(g, f, keep) = y")}}.model()
	}
	draw := func(seed uint64) *onnx.Model {
		m := model()
		layers, err := finetune.Layers(m)
		if err != nil {
			t.Fatal(err)
		}
		weights, err := finetune.Select(layers, "tall,bias,gain,shift,wide,half")
		if err != nil {
			t.Fatal(err)
		}
		if err := finetune.Initialise(m, layers, weights, finetune.KaimingInit{}, seed); err != nil {
			t.Fatal(err)
		}
		return m
	}
	m := draw(1)
	for name, in := range map[string]float64{"tall": 50, "wide": 8, "half": 300} {
		w := tensorOf(t, m, name)
		x := tensor.Float64s(w, w.Len())
		bound := 1 / math.Sqrt(in) // that of PyTorch.s kaiming_uniform_ with the slope sqrt(5), as its Linear has it
		if got := max(slices.Max(x), -slices.Min(x)); got > bound*1.001 || got < 0.95*bound {
			t.Errorf("%s goes up to %v, want a little below %v", name, got, bound)
		}
	}
	for name, want := range map[string]float64{"bias": 0, "gain": 1, "shift": 0} {
		w := tensorOf(t, m, name)
		if x := tensor.Float64s(w, w.Len()); slices.Max(x) != want || slices.Min(x) != want {
			t.Errorf("%s is %v, want %v", name, x, want)
		}
	}
	if d := tensorOf(t, m, "half").DType(); d != tensor.Float16 {
		t.Errorf("half is %v now", d)
	}
	if !bytes.Equal(tensorOf(t, m, "keep").Bytes(), f32(8, 2).Bytes()) {
		t.Error("a weight that was not chosen has changed")
	}
	if !bytes.Equal(onnx.Encode(m), onnx.Encode(draw(1))) || bytes.Equal(onnx.Encode(m), onnx.Encode(draw(2))) {
		t.Error("weights do not follow the seed")
	}
}
