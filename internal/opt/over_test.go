package opt_test

import (
	"testing"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/internal/opt"
	"github.com/onnxrun/onnxrun/internal/plan"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// overs are convolutions with a residual, and how many values of [1, 4, 6, 6] are in use at once: two where they are written over it.
var overs = []struct {
	name, nodes string
	values      int
}{
	{"single pixels", "Conv image K4x4x1x1 -> a; Conv a K4x4x1x1 -> b; Conv b K4x4x1x1 -> c; Add c a -> d; Conv d K4x4x1x1 -> e; Conv e K4x4x1x1 -> f; Add f d -> g; Conv g K4x4x1x1 -> h; Transpose h perm=0,2,3,1 -> y", 2},
	{"the residual is the input", "Conv image K4x4x1x1 -> a; Conv a K4x4x1x1 -> b; Add b a -> c; Conv c K4x4x1x1 -> d; Conv d K4x4x1x1 -> e; Transpose e perm=0,2,3,1 -> y", 2},
	{"read later", "Conv image K4x4x1x1 -> a; Conv a K4x4x1x1 -> b; Conv b K4x4x1x1 -> c; Add c a -> d; Conv d K4x4x1x1 -> e; Conv e K4x4x1x1 -> f; Add f d -> g; Add g a -> h; Conv h K4x4x1x1 -> i; Transpose i perm=0,2,3,1 -> y", 3},
	{"windows", "Conv image K4x4x1x1 -> a; Conv a K4x4x1x1 -> b; C4 b -> c; Add c a -> d; Conv d K4x4x1x1 -> e; Transpose e perm=0,2,3,1 -> y", 3},
}

// TestOverResidual runs them, in the ways of TestViews, and looks at the memory.
func TestOverResidual(t *testing.T) {
	for _, f := range overs {
		t.Run(f.name, func(t *testing.T) {
			m := parse("image", convolutions(f.nodes))
			compareViews(t, m)
			g, err := graph.Build(m, ops.Default())
			if err != nil {
				t.Fatal(err)
			}
			if g, err = opt.Apply(g, opt.Options{}); err != nil {
				t.Fatal(err)
			}
			p, err := plan.Compile(g, plan.Options{})
			if err != nil {
				t.Fatal(err)
			}
			runViews(t, p, []*tensor.Tensor{random("input", tensor.Shape{1, 4, 6, 6})}, 1)
			const value = 4 * 4 * 6 * 6
			if got := p.Memory()[0].Live / value; got != f.values {
				t.Errorf("%d values in use at once, want %d", got, f.values)
			}
		})
	}
}
