package ops

import (
	"math"
	"testing"

	"github.com/onnxrun/onnxrun/onnx"
)

// TestGate shows that a Gate is a Sigmoid down to 2**-60, and that NaN and infinities come out as there.
func TestGate(t *testing.T) {
	activations := map[string][]float32{}
	for _, name := range []string{"Gate", "Sigmoid"} {
		a, err := fusedActivation(Attrs{onnx.NewString("activation", name)})
		if err != nil {
			t.Fatal(err)
		}
		x := []float32{0, 1, -1, 20, -20, -41.5, float32(math.Inf(1)), float32(math.NaN()), -42, -80, -1e30, float32(math.Inf(-1))}
		a.Apply(x)
		activations[name] = x
	}
	gate, sigmoid := activations["Gate"], activations["Sigmoid"]
	for i, v := range gate {
		want := sigmoid[i]
		if i >= 8 {
			want = gate[8]
		}
		if v != want && (v == v || want == want) {
			t.Errorf("%d: %g, want %g", i, v, want)
		}
	}
	if least := float64(gate[8]); math.Abs(least*0x1p60-1) > 1e-5 {
		t.Errorf("the least gate is %g, want 2**-60", least)
	}
}
