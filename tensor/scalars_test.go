package tensor

import "testing"

func TestScalars(t *testing.T) {
	x := []float32{1, 2, 3}
	for i, s := range Scalars(x) {
		if v := Of[float32](s); s.Rank() != 0 || len(v) != 1 || v[0] != x[i] {
			t.Errorf("element %d: %v of shape %v", i, v, s.Shape())
		}
	}
	if s := Scalars([]string{"a", "b"}); len(s) != 2 || s[1].Strings()[0] != "b" || s[1].Len() != 1 {
		t.Errorf("strings: %v", s)
	}
	if s := Scalar("c"); s.Rank() != 0 || s.Strings()[0] != "c" {
		t.Errorf("scalar: %v", s)
	}
}
