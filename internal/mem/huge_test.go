package mem

import (
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
