package ops

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// TestKeptGates: gradients by what the forward node has kept, of all steps or between spans, are those of a layer that runs once more, bit
// for bit, and near those of plain loops in float64.
func TestKeptGates(t *testing.T) {
	for _, size := range [][4]int{{5, 3, 4, 19}, {7, 90, 3, 5}} {
		testKeptGates(t, size[0], size[1], size[2], size[3])
	}
}

func testKeptGates(t *testing.T, steps, batch, inputs, hidden int) {
	for _, c := range []struct {
		cell  string
		gates int
		attrs Attrs
	}{{"RNN", 1, nil}, {"LSTM", 4, nil}, {"GRU", 3, nil}, {"GRU", 3, Attrs{onnx.NewInt("linear_before_reset", 1)}}} {
		for _, layout := range []int{0, 1} {
			for _, masked := range []bool{false, true} {
				t.Run(fmt.Sprint(steps, c.cell, len(c.attrs), layout, masked), func(t *testing.T) {
					r := rand.New(rand.NewPCG(5, 6))
					random := func(dims ...int) *tensor.Tensor {
						x := make([]float32, tensor.Shape(dims).Len())
						for i := range x {
							x[i] = float32(r.NormFloat64()) * 0.4
						}
						return tensor.FromSlice(x, dims...)
					}
					order := func(dims ...int) []int { // of a sequence or a state, whose batch comes first with layout 1
						if layout == 1 {
							return append([]int{batch, dims[0]}, append(slices.Clone(dims[1:len(dims)-2]), dims[len(dims)-1])...)
						}
						return dims
					}
					state := func() *tensor.Tensor { return random(order(2, batch, hidden)...) }
					n, lens := c.gates*hidden, make([]int32, batch)
					for i := range lens {
						lens[i] = int32((steps + 3*i) % (steps + 1))
					}
					in := []*tensor.Tensor{random(order(steps, batch, inputs)...), random(2, n, inputs), random(2, n, hidden), random(2, 2*n),
						tensor.FromSlice(lens), state(), nil, nil, nil}
					dy := []*tensor.Tensor{random(order(steps, 2, batch, hidden)...), state(), nil}
					if c.cell == "LSTM" {
						in[6], dy[2] = state(), state()
					}
					if masked {
						in[8] = state()
					}
					attrs := append(Attrs{onnx.NewString("direction", "bidirectional"), onnx.NewInt("hidden_size", int64(hidden)), onnx.NewInt("layout", int64(layout))}, c.attrs...)
					compareKept(t, c.cell, attrs, in, dy)
				})
			}
		}
	}
}

func compareKept(t *testing.T, cell string, attrs Attrs, in, dy []*tensor.Tensor) {
	eval := func(op string, attrs Attrs, outputs int, in []*tensor.Tensor) []*tensor.Tensor {
		out, err := Default().Find("onnxrun", op, 1).Eval(attrs, outputs, in...)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	kept := eval(cell, attrs, KeptGates+1, in)
	plain := attrs
	attrs = append(slices.Clip(attrs), onnx.NewString("cell", cell))
	args := slices.Concat(in, dy)
	again := eval("RNNGrad", attrs, 8, args)
	all := kept[KeptGates].Len()
	got := eval("RNNGrad", attrs, 8, append(slices.Clip(args), kept[KeptGates]))
	skipped := eval("RNNGrad", append(slices.Clip(attrs), onnx.NewInt("skip_x", 1)), 8, append(slices.Clip(args), kept[KeptGates]))
	if n, _ := SpansOfGates(cell, plain, in[0].Shape(), in[2].Shape()); n > 0 {
		spans := onnx.NewInt(KeptSpans, int64(n))
		between := eval(cell, append(slices.Clip(plain), spans), KeptGates+1, in)
		if n := between[KeptGates].Len(); n > all {
			t.Errorf("%d elements of spans, %d of all steps", n, all)
		}
		sameBytes(t, between[:KeptGates], kept[:KeptGates])
		grads := 7
		if in[rnnMask] != nil {
			grads++
		}
		sameBytes(t, eval("RNNGrad", append(slices.Clip(attrs), spans), grads, append(slices.Clip(args), between[KeptGates])), got[:grads])
	}
	wide := make([]*tensor.Tensor, len(args))
	for i, v := range args {
		if wide[i] = v; v != nil && v.DType() == tensor.Float32 {
			wide[i], _ = tensor.FromFloat64s(tensor.Float64, v.Shape(), tensor.Float64s(v, v.Len()))
		}
	}
	want := eval("RNNGrad", attrs, 8, wide)
	for i, w := range want {
		if i == 5 && cell != "LSTM" || i == 6 || i == 7 && in[rnnMask] == nil {
			continue // no such gradient
		}
		g, a, s := tensor.Of[float32](got[i]), tensor.Of[float32](again[i]), tensor.Of[float32](skipped[i])
		if i == 0 && len(s) != 0 {
			t.Errorf("gradient of X with skip_x has %d elements", len(s))
		}
		for j, v := range tensor.Of[float64](w) {
			if g[j] != a[j] || i > 0 && g[j] != s[j] {
				t.Fatalf("gradient %d, element %d: %v, run again %v", i, j, g[j], a[j])
			}
			if !(math.Abs(float64(g[j])-v) < 1e-4) {
				t.Fatalf("gradient %d, element %d is %v, want %v", i, j, g[j], v)
			}
		}
	}
}

// sameBits compares results as bytes.
func sameBytes(t *testing.T, got, want []*tensor.Tensor) {
	t.Helper()
	for i, w := range want {
		if w != nil && !slices.Equal(got[i].Bytes(), w.Bytes()) {
			t.Errorf("output %d has other bits", i)
		}
	}
}
