package graph

import (
	"slices"
	"testing"

	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

func TestDerived(t *testing.T) {
	const n = 1 << 16
	src := make([]float32, n)
	for i := range src {
		src[i] = float32(i)
	}
	fills := 0
	from := &Value{Value: ops.ConstValue(tensor.FromSlice(src, n/2, 2))}
	twice := func(dst, src []float32, _ int) {
		fills++
		for i, x := range src {
			dst[i] = 2 * x
		}
	}
	v := Derive("v", from, twice)
	w := Derive("w", v, twice)
	if fills != 0 {
		t.Fatalf("%d fills before anything was read", fills)
	}
	want := slices.Clone(tensor.Of[float32](w.Const))
	if want[5] != 20 || fills != 2 {
		t.Fatalf("element 5 is %v after %d fills", want[5], fills)
	}
	v.Derived.Discard()
	w.Derived.Discard()
	for range 2 {
		w.Read(func() {
			if !slices.Equal(tensor.Of[float32](w.Const), want) {
				t.Error("other elements after they were given back")
			}
		})
	}
	from.Read(func() {})
}

// TestDerivedRows computes some rows apart from the others.
func TestDerivedRows(t *testing.T) {
	from := &Value{Value: ops.ConstValue(tensor.FromSlice([]float32{1, 2, 3, 4, 5, 6}, 3, 2))}
	v := Derive("v", from, func(dst, src []float32, first int) {
		for i, x := range src {
			dst[i] = x * float32(first+i/2+1)
		}
	})
	two, last := make([]float32, 4), make([]float32, 2)
	if !v.Derived.ReadRows(func(rows func([]float32, int)) { rows(two, 0); rows(last, 2) }) {
		t.Fatal("no rows")
	}
	if got, want := append(two, last...), tensor.Of[float32](v.Const); !slices.Equal(got, want) || want[5] != 18 {
		t.Errorf("rows %v, want %v", got, want)
	}
	if w := Derive("w", v, nil); w.Derived.ReadRows(func(func([]float32, int)) {}) {
		t.Error("rows of what is computed from all of another computed constant")
	}
}

func TestDeriveSum(t *testing.T) {
	a := &Value{Value: ops.ConstValue(tensor.FromSlice([]float32{1, 2, 3}))}
	b := Derive("b", a, func(dst, src []float32, _ int) { copy(dst, src) })
	add := func(dst, src []float32, i int) {
		for k, x := range src {
			dst[k] += float32(i+1) * x
		}
	}
	v := DeriveSum("v", []*Value{a, b, b}, tensor.Shape{3}, add)
	if got, want := tensor.Of[float32](v.Const), []float32{6, 12, 18}; !slices.Equal(got, want) {
		t.Errorf("elements %v, want %v", got, want)
	}
	again := []float32{9, 9, 9}
	if v.Derived.Fill(again); again[1] != 12 {
		t.Errorf("made anew over other content: %v", again)
	}
}
