package nhwc

import (
	"math/rand/v2"
	"testing"

	"github.com/onnxrun/onnxrun/internal/cpu"
	"github.com/onnxrun/onnxrun/internal/kernel/depthwise"
)

// paddedProblem is one with more padding than windows reach over, so that some see nothing else.
func paddedProblem(rng *rand.Rand) problem {
	p := randomProblem(rng)
	for i := range p.axes {
		a := &p.axes[i]
		a[0] = 1 + rng.IntN(20)
		most := a[3]*(a[1]-1) + 4
		a[4], a[5] = rng.IntN(most+1), rng.IntN(most+1)
		if a[0]+a[4]+a[5] < most {
			a[4] = most
		}
	}
	return p
}

// TestWidePadding compares convolutions, their gradients and first runs where some windows see nothing but padding.
func TestWidePadding(t *testing.T) {
	rng := rand.New(rand.NewPCG(41, 42))
	for i := range 70 {
		p := paddedProblem(rng)
		g := p.geom()
		for _, c := range choices {
			if plan := newPlan(g, c.name); plan != nil && c.name != "reference" {
				compare(t, plan, p, i)
				compareOnce(t, rng, plan, 2)
			}
		}
		compare(t, NewPlan(g), p, i)
		compareGradX(t, "", g, i)
		compareGradW(t, g, i)
	}
}

// TestDepthwiseWithoutTaps computes rows of outputs that see nothing but padding before any that see something.
func TestDepthwiseWithoutTaps(t *testing.T) {
	for _, multiplier := range []int{1, 2} {
		p := problem{2, 12, 12, 12 * multiplier, [][6]int{{3, 3, 1, 1, 4, 5}, {20, 3, 1, 1, 4, 1}}}
		for _, k := range depthwise.All() {
			undo := cpu.Set(k.Needs)
			rowScratches.Drop() // no spans are left of other runs
			compare(t, newPlan(p.geom(), "depthwise"), p, 1)
			undo()
		}
	}
}
