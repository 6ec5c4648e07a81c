package opt_test

import (
	"testing"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/internal/opt"
	"github.com/onnxrun/onnxrun/ops"
)

// TestExact shows that the option reaches every convolution, also those with activations and residuals.
func TestExact(t *testing.T) {
	const nodes = "Conv image K4x4x3x3 pads=1,1,1,1 -> c; Relu c -> r; Conv r L4x4x3x3 pads=1,1,1,1 -> d; Add d c -> e; ConvTranspose e M4x4x2x2 strides=2,2 -> y"
	for _, exact := range []bool{false, true} {
		g, err := graph.Build(parse("image", nodes), ops.Default())
		if err != nil {
			t.Fatal(err)
		}
		if g, err = opt.Apply(g, opt.Options{Exact: exact}); err != nil {
			t.Fatal(err)
		}
		count := 0
		for _, n := range g.Nodes {
			if n.Type == "NhwcConv" || n.Type == "NhwcConvTranspose" {
				if count++; n.Attrs.Bool("exact") != exact {
					t.Errorf("exact %v: node %s does not say so", exact, n.Name)
				}
			}
		}
		if count != 3 {
			t.Errorf("%d convolutions, want 3", count)
		}
	}
}
