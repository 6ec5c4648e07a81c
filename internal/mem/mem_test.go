package mem

import (
	"testing"
	"unsafe"
)

func TestAligned(t *testing.T) {
	for _, n := range []int{0, 1, 63, 64, 1000, hugePage - 1, hugePage, 2*hugePage + mostly, 3*hugePage + 5} {
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

// TestHugePages checks which parts of storage are asked for in huge pages: those that will be filled, and none beyond.
func TestHugePages(t *testing.T) {
	b := alignedBytes(4*hugePage, hugePage)
	for _, tc := range []struct{ from, n, more, first, last int }{
		{0, hugePage, 0, 0, hugePage},
		{0, hugePage - 1, 0, 0, hugePage},
		{0, mostly - 1, 0, 0, 0},
		{0, mostly - 1, 1, 0, hugePage},
		{64, hugePage, 0, 0, 0},
		{64, hugePage, mostly, hugePage, 2 * hugePage},
		{64, 3 * hugePage, 0, hugePage, 3 * hugePage},
		{3*hugePage + 64, hugePage - 64, hugePage, 0, 0},
		{hugePage, 64, 10 * hugePage, hugePage, 2 * hugePage},
	} {
		first, last := hugePart(b[tc.from:], tc.n, tc.more)
		if last -= first; last != tc.last-tc.first || last > 0 && first+tc.from != tc.first {
			t.Errorf("%d bytes from %d and %d more: %d bytes from %d, want [%d, %d)", tc.n, tc.from, tc.more, last, first+tc.from, tc.first, tc.last)
		}
	}
}

func TestGrow(t *testing.T) {
	var x []float32
	for _, n := range []int{0, 1, 1 << 12, 1<<12 + 1, 100, 1 << 20, 1 << 14} {
		had := cap(x)
		x = Grow(x, n)
		if len(x) != n || n <= had && cap(x) != had {
			t.Errorf("%d elements of %d: length %d, capacity %d", n, had, len(x), cap(x))
		}
		for i := range x {
			x[i] = 1
		}
	}
}

func TestWeights(t *testing.T) {
	defer Settle()
	var all [][]float32
	for n := range 3000 {
		if n%1000 == 500 {
			Expect(n << 13)
		}
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

// TestTake takes reserved storage, which holds zeros.
func TestTake(t *testing.T) {
	for _, n := range []int{0, 1, hugePage / 4, 3*hugePage/4 + 5} {
		x := Reserve(n)
		Take(x)
		for i, v := range x {
			if v != 0 {
				t.Fatalf("%d elements: element %d is %v", n, i, v)
			}
		}
		if len(x) != n {
			t.Errorf("%d elements, want %d", len(x), n)
		}
	}
}
