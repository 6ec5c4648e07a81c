package ops_test

import (
	"testing"
	"unsafe"

	"github.com/onnxrun/onnxrun/internal/mem"
	"github.com/onnxrun/onnxrun/ops"
)

// TestSpare takes pieces that neither overlap nor move, also beyond what was reserved, and the same memory again after Reset.
func TestSpare(t *testing.T) {
	var s ops.Spare
	s.Reserve(64, nil)
	var first *float32
	for round := range 3 {
		var pieces [][]float32
		for i, n := range []int{5, 16, 0, 17, 1000} {
			x := s.Floats(n)
			if len(x) != n || n > 0 && uintptr(unsafe.Pointer(&x[0]))%mem.Alignment != 0 {
				t.Fatalf("%d elements: %d that start at %p", n, len(x), x)
			}
			for k := range x {
				x[k] = float32(i)
			}
			pieces = append(pieces, x)
		}
		for i, p := range pieces {
			for _, v := range p {
				if v != float32(i) {
					t.Fatalf("piece %d holds %v", i, v)
				}
			}
		}
		if round > 1 && first != &pieces[0][0] {
			t.Error("new memory in the third round")
		}
		first = &pieces[0][0]
		s.Reset()
	}
	s.Free()
	if x := s.Floats(3); len(x) != 3 {
		t.Errorf("%d elements after Free, want 3", len(x))
	}
	var none *ops.Spare
	if x := none.Floats(3); len(x) != 3 {
		t.Errorf("%d elements of no spare memory, want 3", len(x))
	}
	none.Reset()
}
