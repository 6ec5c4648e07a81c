package ops

import (
	"testing"

	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/tensor"
)

// TestPackLarge packs matrices that are packed in parts, in both orders of elements, and compares products with them with those
// of the matrix as it lies.
func TestPackLarge(t *testing.T) {
	const k, n, rows = 1100, 2100, 3
	b := tensor.New(tensor.Float32, 1, k*n)
	for i, x := 0, tensor.Of[float32](b); i < len(x); i++ {
		x[i] = float32(i%97) - 48
	}
	a := make([]float32, rows*k)
	for i := range a {
		a[i] = float32(i%5) - 2
	}
	for _, m := range []matrices{{rows: k, cols: n, rs: n, cs: 1}, {rows: k, cols: n, rs: 1, cs: k}} {
		args := gemm.Args{M: rows, N: n, K: k, A: a, ARS: k, ACS: 1, C: make([]float32, rows*n), LDC: n, B: tensor.Of[float32](b), BRS: m.rs, BCS: m.cs}
		gemm.Run(&args)
		want := args.C
		args.C, args.Packed = make([]float32, rows*n), packMatrices(nil, &m, b)
		gemm.Run(&args)
		for i, x := range args.C {
			if x != want[i] {
				t.Fatalf("strides %d and %d: element %d is %v, want %v", m.rs, m.cs, i, x, want[i])
			}
		}
	}
}
