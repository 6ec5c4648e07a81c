package nhwc

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
)

// TestRunOnce compares runs that pack the filter in memory of any content, or not at all, with those of a packed filter, to the last bit.
func TestRunOnce(t *testing.T) {
	forms(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(31, 32))
		for _, p := range problems() {
			for _, c := range choices {
				if plan := newPlan(p.geom(), c.name); plan != nil {
					compareOnce(t, rng, plan)
				}
			}
			compareOnce(t, rng, NewPlan(p.geom()))
			compareOnce(t, rng, NewGradXPlan(p.geom()))
		}
		large := problem{1, 1, 300, 400, [][6]int{{3, 1, 1, 1, 0, 0}, {2, 1, 1, 1, 0, 0}}}
		compareOnce(t, rng, NewPlan(large.geom()))
		wide := transposedProblem{x: []int{1, 96, 9, 8}, w: []int{96, 140, 4, 4}, groups: 1, attrs: window.Attrs{Strides: []int{2, 2}, Pads: []int{1, 1, 1, 1}}}
		for _, p := range append(transposedProblems(), wide) {
			for _, c := range transposedChoices {
				if a := c.make(p.geom(t)); a != nil {
					compareOnce(t, rng, bind(p.geom(t), c.name, a))
				}
			}
		}
	})
}

func compareOnce(t *testing.T, rng *rand.Rand, p *Plan) {
	g := p.Geom()
	w := randoms(rng, g.OutC*g.InC/g.Groups*g.Taps())
	a := Args{X: randoms(rng, g.Batch*g.InC*g.InSize()), Bias: randoms(rng, g.OutC), Filter: p.Pack(w), Threads: 2,
		Act: gemm.Activation{Kind: gemm.Relu}, Scratch: randoms(rng, p.Scratch())}
	a.Y = make([]float32, g.Batch*g.OutC*g.OutSize())
	b := a
	p.Run(&a)
	b.Filter, b.Y, b.Scratch = nil, make([]float32, len(a.Y)), randoms(rng, p.Scratch())
	p.RunOnce(&b, new(Filter), w, randoms(rng, p.OnceLen()))
	if !slices.Equal(a.Y, b.Y) {
		t.Errorf("%s of %+v: other bits than with a packed filter", p.Algorithm(), g)
	}
	if !p.TakesRows() {
		return
	}
	rows := func(dst []float32, first int) { copy(dst, w[first*p.alg.(rowed).rowLen():][:len(dst)]) }
	p.RunOnceRows(&b, new(Filter), rows, randoms(rng, p.FilterLen()))
	if !slices.Equal(a.Y, b.Y) {
		t.Errorf("%s of %+v: other bits with computed rows", p.Algorithm(), g)
	}
	clear(b.Y)
	b.Filter = p.PackRows(nil, rows)
	if p.Run(&b); !slices.Equal(a.Y, b.Y) {
		t.Errorf("%s of %+v: other bits with a filter of computed rows", p.Algorithm(), g)
	}
}
