package opt_test

import (
	"testing"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/internal/opt"
	"github.com/onnxrun/onnxrun/ops"
)

// TestGates shows which Sigmoid of a convolution is a gate: one that only multiplies something larger.
func TestGates(t *testing.T) {
	const head = "ReduceMean image axes=2,3 -> m; Conv m K4x4x1x1 -> c; Sigmoid c -> s; "
	for _, c := range []struct{ name, nodes, want string }{
		{"channels", head + "Mul image s -> y", "Gate"},
		{"same size", "Conv image K4x4x1x1 -> c; Sigmoid c -> s; Mul image s -> y", "Sigmoid"},
		{"sum", head + "Add image s -> y", "Sigmoid"},
		{"two readers", head + "Mul image s -> a; Sub a s -> y", "Sigmoid"},
	} {
		g, err := graph.Build(parse("image", c.nodes), ops.Default())
		if err != nil {
			t.Fatal(err)
		}
		if g, err = opt.Apply(g, opt.Options{}); err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, n := range g.Nodes {
			if n.Type == "NhwcConv" || n.Type == "FusedConv" {
				got = n.Attrs.Str("activation")
			}
		}
		if got != c.want {
			t.Errorf("%s: activation %q, want %q", c.name, got, c.want)
		}
	}
}
