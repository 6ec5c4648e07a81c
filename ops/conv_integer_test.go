package ops_test

import (
	"math/rand/v2"
	"testing"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// TestConvIntegerBlocks compares with plain sums where float32 needs several blocks of channels; a constant filter is cut
// elsewhere than one that is given.
func TestConvIntegerBlocks(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	const groups, in, out, n = 2, 1200, 3, 5
	x, w := tensor.New(tensor.Uint8, 1, groups*in, n), tensor.New(tensor.Uint8, groups*out, in, 2)
	for _, v := range []*tensor.Tensor{x, w} {
		for i := range v.Bytes() {
			v.Bytes()[i] = byte(255 - r.IntN(3))
		}
	}
	xz, wz := tensor.Scalar(uint8(1)), tensor.New(tensor.Uint8, groups*out)
	for i := range wz.Bytes() {
		wz.Bytes()[i] = byte(i)
	}
	attrs := ops.Attrs{onnx.NewInt("group", groups)}
	args := []*tensor.Tensor{x, w, xz, wz}
	op := ops.Default().Find("", "ConvInteger", 10)
	constant, err := op.Eval(attrs, 1, args...)
	if err != nil {
		t.Fatal(err)
	}
	run, given := boundOut(t, op, attrs, args)
	if allocs := testing.AllocsPerRun(5, run); allocs > 0.5 {
		t.Errorf("%v allocations in a run", allocs)
	}
	for i, got := range tensor.Of[int32](constant[0]) {
		filter, at := i/(n-1), i%(n-1)
		var want int32
		for c := range in {
			for tap := range 2 {
				a := tensor.Of[uint8](x)[(filter/out*in+c)*n+at+tap]
				b := tensor.Of[uint8](w)[(filter*in+c)*2+tap]
				want += (int32(a) - 1) * (int32(b) - int32(filter))
			}
		}
		if other := tensor.Of[int32](given[0])[i]; got != want || other != want {
			t.Fatalf("element %d: got %d with a constant filter, %d with a given one, want %d", i, got, other, want)
		}
	}
}
