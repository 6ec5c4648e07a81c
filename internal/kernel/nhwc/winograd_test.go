package nhwc

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/onnxrun/onnxrun/internal/kernel/winograd"
)

// TestWinograd compares both tile sizes with the plain loops: every border, dilation and cut into blocks and groups.
func TestWinograd(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	problems := 60
	if testing.Short() {
		problems = 20
	}
	for i := range problems {
		groups := []int{1, 1, 2, 5}[rng.IntN(4)]
		p := problem{batch: 1 + rng.IntN(2), groups: groups, inC: 8 * groups * (1 + rng.IntN(6)), outC: 8 * groups * (1 + rng.IntN(6))}
		for range 2 {
			d := []int{1, 1, 2, 3}[rng.IntN(4)]
			p.axes = append(p.axes, [6]int{2*d + 1 + rng.IntN(25), 3, 1, d, rng.IntN(2*d + 1), rng.IntN(2*d + 1)})
		}
		for _, m := range []int{2, 4} {
			for _, fresh := range []bool{false, true} {
				if fresh && groups > 1 {
					continue
				}
				t.Run(fmt.Sprintf("%d/%v/%v", m, fresh, p), func(t *testing.T) {
					g := p.geom()
					compare(t, &Plan{g: g, name: "winograd", alg: newTiled(g, winograd.Size{Pixels: m, Taps: 3}, fresh)}, p, i)
				})
			}
		}
	}
}

// TestWinogradStrides does so for the views that windows see with strides, and for windows of 2×2.
func TestWinogradStrides(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	problems := 40
	if testing.Short() {
		problems = 12
	}
	for i := range problems {
		p := problem{batch: 1 + rng.IntN(3), groups: 1, inC: 8 * (1 + rng.IntN(5)), outC: 8 * (1 + rng.IntN(6))}
		taps := 2 + rng.IntN(2)
		for range 2 {
			stride := 1 + rng.IntN(3)
			k := taps*stride - rng.IntN(stride)
			p.axes = append(p.axes, [6]int{k + rng.IntN(25), k, stride, 1, rng.IntN(k), rng.IntN(k)})
		}
		sizes := []winograd.Size{winograd.Four, winograd.Two}
		if taps == 2 {
			sizes = []winograd.Size{winograd.Pair}
		}
		g := p.geom()
		if got := tileTaps(&g); got != taps {
			t.Fatalf("%v: windows of %d taps, want %d", p, got, taps)
		}
		for _, size := range sizes {
			for _, fresh := range []bool{false, true} {
				t.Run(fmt.Sprintf("%v/%v/%v", size, fresh, p), func(t *testing.T) {
					compare(t, &Plan{g: g, name: "winograd", alg: newTiled(g, size, fresh)}, p, i)
				})
			}
		}
	}
}

// TestTransposedWinograd compares all phases with the plain loops.
func TestTransposedWinograd(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	problems := 30
	if testing.Short() {
		problems = 10
	}
	for i := range problems {
		taps := 2 + rng.IntN(2)
		p := transposedProblem{x: []int{1 + rng.IntN(3), 8 * (1 + rng.IntN(5))}, w: []int{0, 8 * (1 + rng.IntN(6))}, groups: 1}
		p.w[0] = p.x[1]
		for range 2 {
			stride := 1 + rng.IntN(3)
			k := taps*stride - rng.IntN(stride)
			p.x, p.w = append(p.x, 2+rng.IntN(12)), append(p.w, k)
			p.attrs.Strides = append(p.attrs.Strides, stride)
			p.attrs.Pads = append(p.attrs.Pads, rng.IntN(2), rng.IntN(2))
		}
		p.attrs.Pads[1], p.attrs.Pads[2] = p.attrs.Pads[2], p.attrs.Pads[1]
		sizes := []winograd.Size{winograd.Four, winograd.Two}
		if taps == 2 {
			sizes = []winograd.Size{winograd.Pair}
		}
		g := p.geom(t)
		for _, size := range sizes {
			for _, fresh := range []bool{false, true} {
				t.Run(fmt.Sprintf("%v/%v/%v", size, fresh, p), func(t *testing.T) {
					compareTransposed(t, bind(g, "transposed winograd", newTransposedTiled(g, size, fresh)), i)
				})
			}
		}
	}
}

// TestWinogradChoice holds the choice to what was measured.
func TestWinogradChoice(t *testing.T) {
	square := func(c, out, n, d int) problem {
		return problem{1, 1, c, out, [][6]int{{n, 3, 1, d, d, d}, {n, 3, 1, d, d, d}}}
	}
	strided := func(c, out, n int) problem {
		return problem{1, 1, c, out, [][6]int{{n, 3, 2, 1, 1, 1}, {n, 3, 2, 1, 1, 1}}}
	}
	grouped := func(groups, c, n int) problem {
		p := square(c, c, n, 1)
		p.groups = groups
		return p
	}
	for _, c := range []struct {
		p                      problem
		halves, wholes, narrow string
	}{
		{square(64, 64, 56, 1), "4 fresh", "4 fresh", "4"},
		{square(32, 32, 80, 1), "4", "4", "4"},
		{square(128, 128, 28, 1), "4 fresh", "4 fresh", "4 fresh"},
		{square(256, 256, 14, 1), "4 fresh", "2 fresh", "4 fresh"},
		{square(128, 128, 10, 1), "2 fresh", "2 fresh", "2 fresh"},
		{square(512, 512, 28, 4), "4 fresh", "4 fresh", "4 fresh"},
		{square(512, 512, 7, 1), "", "", ""},
		{square(64, 12, 56, 1), "", "", ""},
		{square(8, 64, 56, 1), "", "", ""},
		{square(64, 64, 3, 1), "", "", ""},
		{grouped(4, 64, 56), "4", "4", "4"},
		{grouped(32, 1024, 14), "2", "", "2"},
		{grouped(32, 256, 28), "", "", ""},
		{strided(128, 128, 56), "4 fresh", "", ""},
		{strided(16, 32, 160), "4", "", ""},
	} {
		for _, m := range []struct {
			costs *unitCosts
			want  string
		}{{&halves, c.halves}, {&wholes, c.wholes}, {&narrow, c.narrow}} {
			undo := withCosts(m.costs)
			got := ""
			if a, ok := newWinograd(c.p.geom()).(*tiled); ok {
				if got = fmt.Sprint(a.m); a.fresh {
					got += " fresh"
				}
			}
			if undo(); got != m.want {
				t.Errorf("%v: %q with %v, want %q", c.p, got, *m.costs, m.want)
			}
		}
	}
}

// withCosts lets the cost model count with those until undo is called.
func withCosts(c *unitCosts) (undo func()) {
	old, cache := costs, secondLevel
	costs, secondLevel = func() *unitCosts { return c }, 512<<10
	return func() { costs, secondLevel = old, cache }
}

// TestWinogradAllocates shows that runs allocate nothing, in all forms and with several threads.
func TestWinogradAllocates(t *testing.T) {
	g := problem{1, 1, 32, 64, [][6]int{{21, 3, 1, 1, 1, 1}, {22, 3, 1, 1, 1, 1}}}.geom()
	for _, threads := range []int{1, 2} {
		for _, alg := range []*tiled{newTiled(g, winograd.Four, false), newTiled(g, winograd.Two, false), newTiled(g, winograd.Four, true)} {
			p := &Plan{g: g, name: "winograd", alg: alg}
			w := make([]float32, 9*g.InC*g.OutC)
			a := Args{X: make([]float32, g.InC*g.InSize()), Y: make([]float32, g.OutC*g.OutSize()), Filter: p.Pack(w), Scratch: make([]float32, p.Scratch()), Threads: threads}
			if n := allocations(50, func() { p.Run(&a) }); n >= 1 {
				t.Errorf("tiles of %d, fresh %v, %d threads: %v allocations", alg.m, alg.fresh, threads, n)
			}
		}
	}
}

// TestExactPlan shows that such plans do without transforms.
func TestExactPlan(t *testing.T) {
	defer withCosts(&halves)()
	g := problem{1, 1, 64, 64, [][6]int{{56, 3, 1, 1, 1, 1}, {56, 3, 1, 1, 1, 1}}}.geom()
	if got := NewExactPlan(g).Algorithm(); got == "winograd" || NewPlan(g).Algorithm() != "winograd" {
		t.Errorf("exact plan takes %q, the other %q", got, NewPlan(g).Algorithm())
	}
	back := problem{1, 1, 64, 64, [][6]int{{56, 4, 2, 1, 1, 1}, {56, 4, 2, 1, 1, 1}}}.geom()
	back = back.Flipped()
	if got := NewExactTransposedPlan(back).Algorithm(); got == "transposed winograd" || NewTransposedPlan(back).Algorithm() != "transposed winograd" {
		t.Errorf("exact transposed plan takes %q, the other %q", got, NewTransposedPlan(back).Algorithm())
	}
}
