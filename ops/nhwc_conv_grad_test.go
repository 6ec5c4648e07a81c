package ops_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// nhwcGradCases are convolutions: shapes of the input, the filter and the output, and attributes.
var nhwcGradCases = []struct {
	x, w, y    []int
	transposed bool
	attrs      ops.Attrs
}{
	{[]int{2, 5, 9, 8}, []int{7, 5, 3, 3}, []int{2, 7, 9, 8}, false, ops.Attrs{onnx.NewInts("pads", 1, 1, 1, 1)}},
	{[]int{2, 16, 9, 8}, []int{32, 16, 1, 1}, []int{2, 32, 5, 4}, false, ops.Attrs{onnx.NewInts("strides", 2, 2)}},
	{[]int{2, 4, 9, 8}, []int{4, 1, 3, 3}, []int{2, 4, 5, 4}, false, ops.Attrs{onnx.NewInts("strides", 2, 2), onnx.NewInts("pads", 1, 1, 1, 1), onnx.NewInt("group", 4)}},
	{[]int{4, 40, 9, 8}, []int{40, 1, 3, 3}, []int{4, 40, 9, 8}, false, ops.Attrs{onnx.NewInts("pads", 1, 1, 1, 1), onnx.NewInt("group", 40)}},
	{[]int{1, 4, 7}, []int{6, 2, 3}, []int{1, 6, 3}, false, ops.Attrs{onnx.NewInts("dilations", 2), onnx.NewInt("group", 2)}},
	{[]int{2, 3, 5, 4}, []int{3, 6, 4, 4}, []int{2, 6, 10, 8}, true, ops.Attrs{onnx.NewInts("strides", 2, 2), onnx.NewInts("pads", 1, 1, 1, 1)}},
	{[]int{2, 9, 1, 1}, []int{9, 6, 4, 4}, []int{2, 6, 4, 4}, true, nil},
	{[]int{1, 4, 3}, []int{4, 2, 2}, []int{1, 4, 6}, true, ops.Attrs{onnx.NewInts("strides", 2), onnx.NewInt("group", 2)}},
	{[]int{1, 2, 3, 2}, []int{2, 3, 3, 2}, []int{1, 3, 6, 5}, true, ops.Attrs{onnx.NewInts("strides", 2, 2), onnx.NewInts("output_shape", 6, 5)}},
}

// TestNhwcConvGrad compares the gradients with the channels last with those that have them second.
func TestNhwcConvGrad(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 9))
	for _, c := range nhwcGradCases {
		x, w, dy := normal(rng, c.x), normal(rng, c.w), normal(rng, c.y)
		xs, ws := shapeOf(c.x), shapeOf(c.w)
		attrs := c.attrs
		if c.transposed {
			attrs = append(attrs, onnx.NewInt("transposed", 1))
		}
		check := func(name string, got, want *tensor.Tensor) {
			if !got.Shape().Equal(want.Shape()) {
				t.Fatalf("%s %v: shape %v, want %v", name, c, got.Shape(), want.Shape())
			}
			for i, v := range tensor.Of[float32](want) {
				if d := float64(tensor.Of[float32](got)[i] - v); !(math.Abs(d) <= 1e-4) {
					t.Fatalf("%s %v: element %d is off by %g", name, c, i, d)
				}
			}
		}
		last := toLast(t, dy)
		dx := gradOf(t, "NhwcConvGradX", attrs, last, w, xs, ws)
		check("NhwcConvGradX", dx, toLast(t, gradOf(t, "ConvGradX", attrs, dy, w, xs, ws)))
		dw := gradOf(t, "NhwcConvGradW", attrs, last, toLast(t, x), xs, ws)
		check("NhwcConvGradW", dw, gradOf(t, "ConvGradW", attrs, dy, x, xs, ws))
		both := gradsOf(t, "NhwcConvGrad", 2, attrs, last, toLast(t, x), w, xs, ws)
		check("NhwcConvGrad", both[0], dx)
		check("NhwcConvGrad", both[1], dw)
	}
}

func gradOf(t *testing.T, name string, attrs ops.Attrs, in ...*tensor.Tensor) *tensor.Tensor {
	t.Helper()
	return gradsOf(t, name, 1, attrs, in...)[0]
}

func gradsOf(t *testing.T, name string, outputs int, attrs ops.Attrs, in ...*tensor.Tensor) []*tensor.Tensor {
	t.Helper()
	out, err := ops.Default().Find("onnxrun", name, 1).Eval(attrs, outputs, in...)
	if err != nil {
		t.Fatal(fmt.Errorf("%s: %w", name, err))
	}
	return out
}

func normal(rng *rand.Rand, shape []int) *tensor.Tensor {
	x := tensor.New(tensor.Float32, shape...)
	for i := range tensor.Of[float32](x) {
		tensor.Of[float32](x)[i] = float32(rng.NormFloat64())
	}
	return x
}

func shapeOf(dims []int) *tensor.Tensor {
	x := tensor.New(tensor.Int64, len(dims))
	for i, d := range dims {
		tensor.Of[int64](x)[i] = int64(d)
	}
	return x
}

// toLast moves the channels of x to the end.
func toLast(t *testing.T, x *tensor.Tensor) *tensor.Tensor {
	t.Helper()
	perm := []int64{0}
	for i := 2; i < x.Rank(); i++ {
		perm = append(perm, int64(i))
	}
	out, err := ops.Default().Find("", "Transpose", 13).Eval(ops.Attrs{onnx.NewInts("perm", append(perm, 1)...)}, 1, x)
	if err != nil {
		t.Fatal(err)
	}
	return out[0]
}
