package ops

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// TestMaskOfStates: for one sequence, a mask of the states is the same as weights R whose columns are multiplied by it.
func TestMaskOfStates(t *testing.T) {
	const steps, inputs, hidden = 4, 3, 5
	for _, c := range []struct {
		cell  string
		gates int
		attrs Attrs
	}{{"RNN", 1, nil}, {"LSTM", 4, nil}, {"GRU", 3, nil}, {"GRU", 3, Attrs{onnx.NewInt("linear_before_reset", 1)}}} {
		r := rand.New(rand.NewPCG(5, 5))
		random := func(dims ...int) *tensor.Tensor {
			x := make([]float64, tensor.Shape(dims).Len())
			for i := range x {
				x[i] = r.NormFloat64()
			}
			return tensor.FromSlice(x, dims...)
		}
		n := c.gates * hidden
		in := []*tensor.Tensor{random(steps, 1, inputs), random(2, n, inputs), random(2, n, hidden), random(2, 2*n), nil, random(2, 1, hidden), nil, nil}
		mask := random(2, 1, hidden)
		attrs := append(Attrs{onnx.NewString("direction", "bidirectional"), onnx.NewInt("hidden_size", hidden)}, c.attrs...)
		for _, d := range []tensor.DType{tensor.Float64, tensor.Float32} {
			of := func(list []*tensor.Tensor) []*tensor.Tensor {
				out := make([]*tensor.Tensor, len(list))
				for i, v := range list {
					if v != nil {
						out[i], _ = tensor.FromFloat64s(d, v.Shape(), tensor.Float64s(v, v.Len()))
					}
				}
				return out
			}
			masked, err := Default().Find("onnxrun", c.cell, 1).Eval(attrs, 2, of(append(in[:8:8], mask))...)
			if err != nil {
				t.Fatal(err)
			}
			scaled := in[2].Clone()
			w, m := tensor.Of[float64](scaled), tensor.Of[float64](mask)
			for i := range w {
				w[i] *= m[i/(n*hidden)*hidden+i%hidden]
			}
			plain, err := Default().Find("", c.cell, 14).Eval(attrs, 2, of(append(append(in[:2:2], scaled), in[3:6]...))...)
			if err != nil {
				t.Fatal(err)
			}
			for i := range plain {
				got, want := tensor.Float64s(masked[i], masked[i].Len()), tensor.Float64s(plain[i], plain[i].Len())
				for j := range want {
					if !(math.Abs(got[j]-want[j]) < 1e-5) {
						t.Fatalf("%s %v: output %d, element %d is %v, want %v", c.cell, d, i, j, got[j], want[j])
					}
				}
			}
		}
	}
}

// TestMaskOfWrongShape: the mask has the shape of a state.
func TestMaskOfWrongShape(t *testing.T) {
	x := func(dims ...int) *tensor.Tensor { return tensor.New(tensor.Float32, dims...) }
	_, err := Default().Find("onnxrun", "RNN", 1).Eval(nil, 1, x(2, 3, 4), x(1, 5, 4), x(1, 5, 5), nil, nil, nil, nil, nil, x(1, 1, 5))
	if want := "ops: input 8 (mask) has shape [1 1 5], want [1 3 5]"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
