package ops_test

import (
	"math/rand/v2"
	"testing"

	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// TestMatMulInteger compares with sums of integers over an inner dimension that float32 could not add exactly.
func TestMatMulInteger(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	const batch, m, k, n = 2, 3, 1000, 17
	a, b := tensor.New(tensor.Uint8, batch, m, k), tensor.New(tensor.Int8, k, n)
	for i := range a.Bytes() {
		a.Bytes()[i] = byte(255 - r.IntN(3))
	}
	for i := range b.Bytes() {
		b.Bytes()[i] = byte(r.IntN(256))
	}
	az, bz := tensor.Scalar(uint8(7)), tensor.New(tensor.Int8, n)
	for i := range bz.Bytes() {
		bz.Bytes()[i] = byte(r.IntN(256))
	}
	op := ops.Default().Find("", "MatMulInteger", 10)
	out, err := op.Eval(nil, 1, a, b, az, bz)
	if err != nil {
		t.Fatal(err)
	}
	if allocs := testing.AllocsPerRun(5, boundRun(t, op, nil, []*tensor.Tensor{a, b, az, bz})); allocs > 0.5 {
		t.Errorf("%v allocations in a run", allocs)
	}
	for i, got := range tensor.Of[int32](out[0]) {
		row, col := i/n, i%n
		var want int32
		for l := range k {
			want += (int32(tensor.Of[uint8](a)[row*k+l]) - 7) * (int32(tensor.Of[int8](b)[l*n+col]) - int32(tensor.Of[int8](bz)[col]))
		}
		if got != want {
			t.Fatalf("element %d: got %d, want %d", i, got, want)
		}
	}
}
