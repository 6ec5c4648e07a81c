package mem

import "testing"

func TestRoom(t *testing.T) {
	var none *Room
	if x := none.Floats(5); len(x) != 5 || none.Filled() {
		t.Errorf("no room: %d elements, filled %v", len(x), none.Filled())
	}
	fresh := &Room{}
	a, b := fresh.Floats(3), fresh.Floats(100)
	a[2], b[99] = 1, 2
	if fresh.Filled() || len(fresh.Parts()) != 2 {
		t.Fatalf("%d parts of a fresh room", len(fresh.Parts()))
	}
	for _, tc := range []struct {
		ask  []int
		want bool
	}{{[]int{3, 100}, true}, {[]int{3}, false}, {[]int{3, 100, 1}, false}, {[]int{100, 3}, false}, {nil, false}} {
		r := Filled(fresh.Parts())
		for _, n := range tc.ask {
			if x := r.Floats(n); len(x) != n {
				t.Fatalf("%d elements, want %d", len(x), n)
			}
		}
		if r.Fits() != tc.want {
			t.Errorf("requests %v: fits %v", tc.ask, r.Fits())
		}
	}
	if r := Filled(fresh.Parts()); !r.Filled() || &r.Floats(3)[0] != &a[0] || r.Floats(100)[99] != 2 {
		t.Error("a filled room gives other elements")
	}
}
