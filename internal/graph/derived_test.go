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
	from := &Value{Value: ops.ConstValue(tensor.FromSlice(src))}
	twice := func(dst, src []float32) {
		fills++
		for i, x := range src {
			dst[i] = 2 * x
		}
	}
	v := Derive("v", from, tensor.Shape{n / 2, 2}, twice)
	w := Derive("w", v, tensor.Shape{n}, twice)
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

func TestDeriveSum(t *testing.T) {
	a := &Value{Value: ops.ConstValue(tensor.FromSlice([]float32{1, 2, 3}))}
	b := Derive("b", a, tensor.Shape{3}, func(dst, src []float32) { copy(dst, src) })
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
