package nhwc

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/kernel/conv"
)

// GradW computes the gradient of a convolution with respect to its filter: for each kernel element, the products of the
// inputs that it reads with the gradient of the output, summed over the pixels. It is immutable and may be shared.
type GradW struct {
	g    conv.Geom
	name string
	alg  filterGrad
}

// filterGrad is one way to compute the gradient of a filter, bound to a geometry with outputs. Sums are cut by sizes only,
// and their parts are added in a fixed order.
type filterGrad interface {
	// scratch is how many floats run wants in GradWArgs.Scratch, whatever the number of threads.
	scratch() int
	// run sets GradWArgs.Dw. It allocates nothing in steady state.
	run(a *GradWArgs)
}

// GradWArgs are the operands of one run: X [Batch, In..., InC], Dy [Batch, Out..., OutC], and Dw [OutC, InC/Groups,
// Kernel...], which is set.
type GradWArgs struct {
	X, Dy, Dw []float32
	Scratch   []float32 // GradW.Scratch() elements of unknown content
	Threads   int
}

// gradChoices lists the algorithms, the best first. The last takes everything, the first what has no inputs or no outputs.
var gradChoices = []struct {
	name string
	make func(g conv.Geom) filterGrad
}{
	{"nothing", newNoGrad},
	{"slides", newGradSlides},
	{"depthwise", newGradDepthwise},
	{"winograd", newGradTiled},
	{"pointwise", newGradPointwise},
	{"products", newGradProducts},
	{"rows", newGradRows},
}

// noGrad is the gradient where there are no inputs, or no outputs: Run sets it to zero.
type noGrad struct{}

func newNoGrad(g conv.Geom) filterGrad {
	if g.Batch*g.InSize()*g.OutSize() > 0 {
		return nil
	}
	return noGrad{}
}

func (noGrad) scratch() int   { return 0 }
func (noGrad) run(*GradWArgs) {}

// NewGradW chooses the algorithm for the gradient of the filter of the convolution g.
func NewGradW(g conv.Geom) *GradW {
	for _, c := range gradChoices {
		if a := c.make(g); a != nil {
			return &GradW{g, c.name, a}
		}
	}
	panic("nhwc: rows take every geometry")
}

// Algorithm names the way the gradient is computed.
func (p *GradW) Algorithm() string { return p.name }

// Scratch returns how many floats of scratch memory a run wants.
func (p *GradW) Scratch() int { return p.alg.scratch() }

// Run computes the gradient. It allocates nothing in steady state. Slices shorter than the geometry asks for panic.
func (p *GradW) Run(a *GradWArgs) {
	g := &p.g
	n := g.OutC * (g.InC / g.Groups) * g.Taps()
	switch in, out := g.Batch*g.InC*g.InSize(), g.Batch*g.OutC*g.OutSize(); {
	case len(a.X) < in || len(a.Dy) < out || len(a.Dw) < n:
		panic(fmt.Sprintf("nhwc: operands of %d, %d and %d elements are too short for %+v", len(a.X), len(a.Dy), len(a.Dw), *g))
	case len(a.Scratch) < p.Scratch():
		panic(fmt.Sprintf("nhwc: scratch memory of %d elements, want %d", len(a.Scratch), p.Scratch()))
	case in == 0 || out == 0:
		clear(a.Dw[:n])
	default:
		p.alg.run(a)
	}
}
