package opt_test

import (
	"slices"
	"testing"
)

// TestSubexpressions checks which nodes are merged, and that results stay.
func TestSubexpressions(t *testing.T) {
	for _, c := range []struct {
		nodes string
		kind  string
		want  int
	}{
		{"ReduceSum x #1 -> a; ReduceSum x #1 -> b; ReduceMax a axes=0 -> c; ReduceMax b axes=0 -> d; Concat c d axis=0 -> y", "ReduceMax", 1},
		{"ReduceMax x axes=1 -> a; ReduceMax x axes=2 -> b; Mul a b -> y", "ReduceMax", 2},
		{"ReduceMax x axes=1 -> a; ReduceMax x axes=1 keepdims=1 -> b; Mul a b -> y", "ReduceMax", 1},
		{"Dropout x -> a; Softmax a axis=1 -> b; Softmax x axis=1 -> c; Mul b c -> y", "Softmax", 1},
	} {
		m := parse("x", c.nodes)
		plain, _ := apply(t, m, true)
		merged, kinds := apply(t, m, false)
		n := 0
		for _, k := range kinds {
			if k == c.kind {
				n++
			}
		}
		if n != c.want || !slices.Equal(plain, merged) {
			t.Errorf("%s: left %v, want %d %s, and equal results", c.nodes, kinds, c.want, c.kind)
		}
	}
}
