package finetune_test

import (
	"math"
	"slices"
	"testing"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// TestReinitialize gives a layer new values of the same shape, equal for equal seeds, and leaves the others.
func TestReinitialize(t *testing.T) {
	s := sketch{feeds: tensors{"x": f32(1, 2, 9)}, weights: tensors{"a.weight": f32(2, 16, 9), "g": f32(6, 16), "s": f32(7, 16), "b.weight": f32(3, 16, 4),
		"b.bias": f32(4, 4)}, output: "y", nodes: []*onnx.Node{node("Gemm(x, a.weight) = h", onnx.NewInt("transB", 1)),
		node("LayerNormalization(h, g, s) = n"), node("MatMul(n, b.weight) = m"), node("Add(m, b.bias) = y")}}
	one, two := s.model(), s.model()
	names, err := finetune.Reinitialize(one, "last", 5)
	if err != nil || !slices.Equal(names, []string{"b.weight", "b.bias"}) {
		t.Fatalf("got %q: %v", names, err)
	}
	if _, err := finetune.Reinitialize(two, "all", 5); err != nil {
		t.Fatal(err)
	}
	near(t, "a.weight of last", tensorOf(t, one, "a.weight"), s.weights["a.weight"], 0)
	near(t, "b.weight of both", tensorOf(t, one, "b.weight"), tensorOf(t, two, "b.weight"), 0)
	for name, inputs := range map[string]float64{"a.weight": 9, "b.weight": 16, "b.bias": 16} {
		v := tensorOf(t, two, name)
		x := tensor.Float64s(v, v.Len())
		if bound := 1 / math.Sqrt(inputs); slices.Max(x) > bound || slices.Min(x) < -bound || slices.Max(x) < bound/3 {
			t.Errorf("%s is from %v to %v, want within %v", name, slices.Min(x), slices.Max(x), bound)
		}
	}
	if g, b := tensor.Of[float32](tensorOf(t, two, "g")), tensor.Of[float32](tensorOf(t, two, "s")); slices.Min(g) != 1 || slices.Max(g) != 1 || slices.Max(b) != 0 {
		t.Errorf("the normalisation is %v and %v", g, b)
	}
	evaluate(t, two, s.feeds)
	if _, err := finetune.Reinitialize(one, "none", 5); err == nil {
		t.Error("no error for a weight that is not there")
	}
}
