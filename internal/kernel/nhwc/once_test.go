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
					compareOnce(t, rng, plan, 2)
				}
			}
			compareOnce(t, rng, NewPlan(p.geom()), 2)
			compareOnce(t, rng, NewGradXPlan(p.geom()), 2)
		}
		large := problem{1, 1, 300, 400, [][6]int{{3, 1, 1, 1, 0, 0}, {2, 1, 1, 1, 0, 0}}}
		compareOnce(t, rng, NewPlan(large.geom()), 2)
		wide := transposedProblem{x: []int{1, 96, 9, 8}, w: []int{96, 140, 4, 4}, groups: 1, attrs: window.Attrs{Strides: []int{2, 2}, Pads: []int{1, 1, 1, 1}}}
		for _, p := range append(transposedProblems(), wide) {
			for _, c := range transposedChoices {
				if a := c.make(p.geom(t)); a != nil {
					compareOnce(t, rng, bind(p.geom(t), c.name, a), 2)
				}
			}
		}
	})
}

// onceRows is what RunOnceRows wants where OnceLen is 0.
func onceRows(p *Plan) int {
	if p.OnceLen(1) > 0 {
		return 0
	}
	return p.FilterLen()
}

// TestParts runs plans of many output channels by parts, and compares them with a packed filter as TestRunOnce does.
func TestParts(t *testing.T) {
	forms(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(33, 34))
		for _, c := range []struct {
			name  string
			p     problem
			parts int
		}{
			{"tapwise", problem{1, 1, 200, 260, [][6]int{{7, 3, 1, 1, 1, 1}, {7, 3, 1, 1, 1, 1}}}, 4},
			{"dense", problem{2, 1, 300, 200, [][6]int{{9, 3, 2, 1, 1, 1}, {8, 2, 2, 1, 0, 1}}}, 3},
			{"direct", problem{1, 1, 250, 135, [][6]int{{9, 3, 1, 1, 1, 1}, {11, 3, 1, 1, 1, 1}}}, 2},
			{"dense", problem{1, 1, 300, 128, [][6]int{{4, 3, 1, 6, 6, 6}, {9, 5, 1, 1, 2, 2}}}, 2},
			{"direct", problem{1, 1, 20, 600, [][6]int{{9, 3, 1, 1, 1, 1}, {11, 3, 1, 1, 1, 1}}}, 0},
			{"direct", problem{1, 2, 500, 600, [][6]int{{9, 3, 1, 1, 1, 1}, {11, 3, 1, 1, 1, 1}}}, 0},
		} {
			i := slices.IndexFunc(choices, func(row choice) bool { return row.name == c.name })
			g := c.p.geom()
			inside, kept := reached(squeezed(g))
			a := choices[i].bind(g, inside, kept)
			if a == nil {
				t.Fatalf("%s does not take %v", c.name, c.p)
			}
			p := bind(g, c.name, a)
			if p.parts = newParts(g, choices[i], a); p.parts == nil && c.parts > 0 || p.parts != nil && p.parts.count != c.parts {
				t.Errorf("%s of %v: parts %+v, want %d", c.name, c.p, p.parts, c.parts)
			}
			for _, threads := range []int{1, 2, 7} {
				compareOnce(t, rng, p, threads)
			}
		}
	})
}

func compareOnce(t *testing.T, rng *rand.Rand, p *Plan, threads int) {
	g := p.Geom()
	w := randoms(rng, g.OutC*g.InC/g.Groups*g.Taps())
	a := Args{X: randoms(rng, g.Batch*g.InC*g.InSize()), Bias: randoms(rng, g.OutC), Filter: p.Pack(w), Threads: threads,
		Act: gemm.Activation{Kind: gemm.Relu}, Scratch: randoms(rng, p.Scratch())}
	a.Y = make([]float32, g.Batch*g.OutC*g.OutSize())
	a.Residual, a.Scale, a.Shift = randoms(rng, len(a.Y)), randoms(rng, g.OutC), randoms(rng, g.OutC)
	b := a
	p.Run(&a)
	b.Filter, b.Y, b.Scratch = nil, make([]float32, len(a.Y)), randoms(rng, p.Scratch())
	p.RunOnce(&b, new(Filter), w, randoms(rng, p.OnceLen(b.Threads)))
	if !slices.Equal(a.Y, b.Y) {
		t.Errorf("%s of %+v: other bits than with a packed filter", p.Algorithm(), g)
	}
	if !p.TakesRows() {
		return
	}
	rows := func(dst []float32, first int) { copy(dst, w[first*p.alg.(rowed).rowLen():][:len(dst)]) }
	p.RunOnceRows(&b, new(Filter), rows, randoms(rng, max(p.OnceLen(b.Threads), onceRows(p))))
	if !slices.Equal(a.Y, b.Y) {
		t.Errorf("%s of %+v: other bits with computed rows", p.Algorithm(), g)
	}
	clear(b.Y)
	b.Filter = p.PackRows(nil, rows)
	if p.Run(&b); !slices.Equal(a.Y, b.Y) {
		t.Errorf("%s of %+v: other bits with a filter of computed rows", p.Algorithm(), g)
	}
}
