package ops_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// TestGridBilinear compares samples of float32 planes with those of float64, which the loop for any rank makes: points inside,
// outside and far away, more than a block of them, two images.
func TestGridBilinear(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, padding := range []string{"zeros", "border", "reflection"} {
		for _, align := range []int64{0, 1} {
			for _, size := range [][2]int{{1, 1}, {3, 5}, {17, 9}} {
				h, w := size[0], size[1]
				attrs := ops.Attrs{{Name: "mode", Type: onnx.AttrString, S: []byte("bilinear")}, {Name: "padding_mode", Type: onnx.AttrString, S: []byte(padding)},
					{Name: "align_corners", Type: onnx.AttrInt, I: align}}
				x, grid := randomTensor(rng, 2, 3, h, w), randomTensor(rng, 2, 7, 11, 2)
				points := tensor.Of[float32](grid)
				for i := range points {
					points[i] *= 2.5
				}
				points[5], points[8], points[9] = float32(math.NaN()), float32(math.Inf(1)), -1e30
				got := eval(t, "GridSample", 16, 1, attrs, x, grid)[0]
				want := eval(t, "GridSample", 16, 1, attrs, double(x), double(grid))[0]
				for i, v := range tensor.Of[float64](want) {
					if g := float64(tensor.Of[float32](got)[i]); !(math.Abs(g-v) <= 1e-5) {
						t.Fatalf("%s align %d %v: sample %d is %v, want %v", padding, align, size, i, g, v)
					}
				}
			}
		}
	}
}

// double is a float32 tensor as float64.
func double(x *tensor.Tensor) *tensor.Tensor {
	y := tensor.New(tensor.Float64, x.Shape()...)
	for i, v := range tensor.Of[float32](x) {
		tensor.Of[float64](y)[i] = float64(v)
	}
	return y
}
