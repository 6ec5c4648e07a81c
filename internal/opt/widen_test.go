package opt_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/internal/opt"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// TestWrittenCastsRound runs graphs of float16 as they are written and widened to float32: where the model casts
// another type to float16, both round, and both overflow.
func TestWrittenCastsRound(t *testing.T) {
	for _, c := range []struct{ name, nodes, want string }{
		{"there and back", "Cast x to=10 -> h; Cast h to=1 -> y", "Cast Cast"},
		{"from integers", "Mul x 5000 -> m; Cast m to=7 -> i; Cast i to=10 -> h; Cast h to=1 -> y", "Mul Cast Cast Cast"},
		{"beyond the range", "Mul x 100000 -> m; Cast m to=10 -> h; Relu h -> r; Cast r to=1 -> y", "Mul Cast Cast Relu"},
		{"read twice", "Cast x to=10 -> h; Neg h -> n; Sub n h -> s; Cast s to=1 -> y", "Cast Cast Neg Sub"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := parse("x", c.nodes)
			plain, _ := apply(t, m, true)
			widened, kinds := apply(t, m, false)
			if got := strings.Join(kinds, " "); got != c.want {
				t.Errorf("left: %s, want %s", got, c.want)
			}
			if !slices.Equal(plain, widened) {
				t.Errorf("widened: %v, as written: %v", widened, plain)
			}
			if c.name == "beyond the range" && !slices.Contains(widened, float32(math.Inf(1))) {
				t.Errorf("nothing overflows: %v", widened)
			}
		})
	}
}

// TestNumbersAreWrittenAsHalf checks that a graph that writes float16 as strings keeps its type.
func TestNumbersAreWrittenAsHalf(t *testing.T) {
	m := parse("x", "Cast x to=10 -> h; Relu h -> r; Cast r to=8 -> s; Cast s to=1 -> y")
	plain, _ := apply(t, m, true)
	if got, _ := apply(t, m, false); !slices.Equal(plain, got) {
		t.Errorf("optimised: %v, as written: %v", got, plain)
	}
}

// TestMovesStayHalf checks that graphs that only move elements of float16 keep the type, and others do not.
func TestMovesStayHalf(t *testing.T) {
	for nodes, want := range map[string]string{
		"Concat x x axis=0 -> y":              "Concat",
		"Concat x x axis=0 -> c; Relu c -> y": "Cast Concat Relu Cast",
	} {
		m := parse("x", nodes)
		m.Graph.Inputs[0].Type.ElemType, m.Graph.Outputs[0].Type.ElemType = int32(tensor.Float16), int32(tensor.Float16)
		g, err := graph.Build(m, ops.Default())
		if err != nil {
			t.Fatal(err)
		}
		if g, err = opt.Apply(g, opt.Options{}); err != nil {
			t.Fatal(err)
		}
		var kinds []string
		for _, n := range g.Nodes {
			kinds = append(kinds, n.Type)
		}
		if got := strings.Join(kinds, " "); got != want {
			t.Errorf("%s leaves %s, want %s", nodes, got, want)
		}
	}
}
