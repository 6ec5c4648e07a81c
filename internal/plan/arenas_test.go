package plan

import "testing"

// TestArenas takes pieces and gives them back: the smallest that fits comes again, and the largest makes place for a larger one.
func TestArenas(t *testing.T) {
	a := new(Arenas)
	small, large := a.take(100), a.take(1000)
	a.give(large)
	a.give(small)
	if b := a.take(80); &b[0] != &small[0] {
		t.Error("80 bytes do not lie in the piece of 100")
	}
	a.give(small)
	if b := a.take(2000); len(b) < 2000 {
		t.Errorf("%d bytes, want 2000", len(b))
	}
	if len(a.idle) != 1 || &a.idle[0][0] != &small[0] {
		t.Errorf("%d pieces are idle, want the one of 100", len(a.idle))
	}
}
