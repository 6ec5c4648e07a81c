package ops_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// TestRealDFT compares transforms of real signals, padded and cut off too, with those of the same numbers as complex ones.
func TestRealDFT(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 9))
	for _, n := range []int{1, 2, 5, 16, 37, 62, 128} {
		for _, length := range []int{n, n + 3, max(1, n-3)} {
			for _, onesided := range []int64{0, 1} {
				real, full := tensor.New(tensor.Float64, 3, n, 2, 1), tensor.New(tensor.Float64, 3, n, 2, 2)
				for i := range tensor.Of[float64](real) {
					v := rng.Float64() - 0.5
					tensor.Of[float64](real)[i], tensor.Of[float64](full)[2*i] = v, v
				}
				attrs := func(onesided int64) ops.Attrs {
					return ops.Attrs{{Name: "onesided", Type: onnx.AttrInt, I: onesided}, {Name: "axis", Type: onnx.AttrInt, I: 1}}
				}
				got := eval(t, "DFT", 17, 1, attrs(onesided), real, tensor.Scalar(int64(length)))[0]
				want := eval(t, "DFT", 17, 1, attrs(0), full, tensor.Scalar(int64(length)))[0]
				bins := got.Shape()[1]
				for i, v := range tensor.Of[float64](got) {
					at := i/(bins*4)*length*4 + i%(bins*4)
					if w := tensor.Of[float64](want)[at]; math.Abs(v-w) > 1e-12 {
						t.Fatalf("%d of %d, onesided %d: element %d is %v, want %v", length, n, onesided, i, v, w)
					}
				}
			}
		}
	}
}
