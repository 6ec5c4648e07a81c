package mem

import (
	"testing"
	"unsafe"
)

func TestAligned(t *testing.T) {
	for _, n := range []int{0, 1, 63, 64, 1000, large - 1, large, 3*hugePage + 5} {
		b := Bytes(n)
		if len(b) != n || cap(b) != n {
			t.Errorf("%d bytes: length %d, capacity %d", n, len(b), cap(b))
		}
		if at := uintptr(unsafe.Pointer(unsafe.SliceData(b))); at%Alignment != 0 {
			t.Errorf("%d bytes start at %#x", n, at)
		}
		for i := range b {
			if b[i] != 0 {
				t.Fatalf("%d bytes: byte %d is not zero", n, i)
			}
			b[i] = 1
		}
		if f := Floats(n); len(f) != n {
			t.Errorf("%d elements: length %d", n, len(f))
		}
	}
}

func TestAround(t *testing.T) {
	b := Bytes(3 * hugePage)[100 : 100+hugePage]
	at := uintptr(unsafe.Pointer(&b[0]))
	start, n := around(b)
	if start%hugePage != 0 || n%hugePage != 0 || start > at || start+n < at+uintptr(len(b)) || n > 2*hugePage {
		t.Errorf("%d bytes at %#x: pages at %#x, %d bytes", len(b), at, start, n)
	}
}

func TestWeights(t *testing.T) {
	var all [][]float32
	for n := range 3000 {
		w := Weights(n)
		if len(w) != n || cap(w) != n || n > 0 && uintptr(unsafe.Pointer(&w[0]))%Alignment != 0 {
			t.Fatalf("%d elements: length %d, capacity %d", n, len(w), cap(w))
		}
		for i := range w {
			if w[i] != 0 {
				t.Fatalf("%d elements: element %d is not zero", n, i)
			}
			w[i] = float32(n)
		}
		all = append(all, w)
	}
	for n, w := range all {
		for _, x := range w {
			if x != float32(n) {
				t.Fatalf("the piece of %d elements holds %v", n, x)
			}
		}
	}
}
