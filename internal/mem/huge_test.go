package mem

import (
	"slices"
	"sync"
	"testing"
	"time"
)

// TestPause checks that a huge page which took long is followed by ordinary ones, and one that did not is not.
func TestPause(t *testing.T) {
	var p pause
	if p.after(delay); p.now() {
		t.Error("a pause after a page that came in time")
	}
	if p.after(delay + time.Hour); !p.now() {
		t.Error("no pause after a page that took long")
	}
	if p.end.Store(int64(time.Since(began))); p.now() {
		t.Error("the pause does not end")
	}
}

// TestOrdinary takes storage amid a pause: it holds zeros, too, from and to any byte.
func TestOrdinary(t *testing.T) {
	was := ordinary.end.Load()
	defer func() { ordinary.end.Store(was) }()
	ordinary.after(time.Hour)
	for _, n := range []int{hugePage, hugePage + 1, 3*hugePage + 4097, 2*hugePage + mostly} {
		for i, x := range Bytes(n) {
			if x != 0 {
				t.Fatalf("%d bytes: byte %d is %d", n, i, x)
			}
		}
		if b := Partly(n, 100); len(b) != n || cap(b) != n {
			t.Errorf("%d bytes, few of them used: length %d, capacity %d", n, len(b), cap(b))
		}
	}
	TestWeights(t)
}

// TestRunner takes storage on several threads: it holds zeros, and pieces cover it once.
func TestRunner(t *testing.T) {
	was := ordinary.end.Load()
	defer func() { ordinary.end.Store(was) }()
	parts := 0
	run := func(n int, part func(i int)) {
		var all sync.WaitGroup
		for i := range n {
			all.Go(func() { part(i) })
		}
		all.Wait()
		parts = n
	}
	for _, n := range []int{100, hugePage - 1, hugePage + 4097, 4 * hugePage, 5*hugePage + 100, 6*hugePage + mostly} {
		for _, slow := range []bool{false, true} {
			for _, take := range []func(int, Runner) []byte{BytesBy, Ordinary} {
				if ordinary.end.Store(0); slow {
					ordinary.after(time.Hour)
				}
				parts = 0
				b := take(n, run)
				if len(b) != n || cap(b) < n || int(address(b))%Alignment != 0 || n >= 4*hugePage && parts < 2 {
					t.Fatalf("%d bytes: length %d at %#x by %d parts", n, len(b), address(b), parts)
				}
				if i := slices.IndexFunc(b, func(x byte) bool { return x != 0 }); i >= 0 {
					t.Fatalf("%d bytes: byte %d is %d", n, i, b[i])
				}
			}
		}
	}
	for _, n := range []int{1, 9, 10, 11, 25, 30} {
		at := 0
		Runner(func(n int, part func(int)) {
			for i := range n {
				part(i)
			}
		}).pieces(n, 10, func(from, to int) {
			if from != at || to <= from {
				t.Errorf("%d bytes in pieces of 10: %d to %d after %d", n, from, to, at)
			}
			at = to
		})
		if at != n {
			t.Errorf("pieces of %d bytes end at %d", n, at)
		}
	}
}

// TestTouchedInside takes pieces of storage whose rest is in use already: getting their huge pages ready writes to no byte of it.
func TestTouchedInside(t *testing.T) {
	was := ordinary.end.Load()
	defer func() { ordinary.end.Store(was) }()
	for _, from := range []int{0, Alignment, hugePage - Alignment} {
		for _, n := range []int{Alignment, hugePage - from, hugePage, 2 * hugePage, 2*hugePage - from, 2*hugePage + mostly, 3 * hugePage} {
			b := hugeBytes(5 * hugePage)[from:]
			rest := b[n:]
			for i := range rest {
				rest[i] = 1
			}
			ordinary.end.Store(0)
			preferHuge(b[:n], n, len(rest))
			for i, x := range rest {
				if x != 1 {
					t.Fatalf("%d bytes from %d on: byte %d behind them has become %d", n, from, i, x)
				}
			}
		}
	}
}

// TestEnlarge takes ordinary storage for some time, and then huge pages in its place: it holds zeros, and what lies around it stays.
func TestEnlarge(t *testing.T) {
	was := ordinary.end.Load()
	defer func() { ordinary.end.Store(was) }()
	for _, n := range []int{100, hugePage, hugePage + 1, 3*hugePage + 4097, 2*hugePage + mostly} {
		for _, slow := range []bool{false, true} {
			b := Ordinary(n, nil)
			if len(b) != n || int(address(b))%Alignment != 0 {
				t.Fatalf("%d bytes: length %d at %#x", n, len(b), address(b))
			}
			for i, x := range b {
				if x != 0 {
					t.Fatalf("%d bytes: byte %d is %d", n, i, x)
				}
				b[i] = 1
			}
			if ordinary.end.Store(0); slow {
				ordinary.after(time.Hour)
			}
			Enlarge(b)
			for i, x := range b {
				if x > 1 || slow && x != 1 {
					t.Fatalf("%d bytes: byte %d has become %d", n, i, x)
				}
				b[i] = 2
			}
		}
	}
}
