package nhwc

import (
	"math/rand/v2"
	"testing"

	"github.com/onnxrun/onnxrun/internal/kernel/window"
	"github.com/onnxrun/onnxrun/internal/kernel/winograd"
)

// TestLate compares runs that pack windows while they read them with those of a packed filter, to the last bit: strides, gaps in the
// windows, panels that are not full, filters that are turned, and phases of transposed convolutions, one after the
// other where they are packed as a whole.
func TestLate(t *testing.T) {
	forms(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(41, 42))
		square := func(in, kernel, stride, pad int) [][6]int {
			return [][6]int{{in, kernel, stride, 1, pad, pad}, {in + 1, kernel, stride, 1, pad, pad}}
		}
		for _, c := range []struct {
			p    problem
			size winograd.Size
			late bool
		}{
			{problem{1, 1, 64, 120, square(7, 3, 1, 1)}, winograd.Four, true},
			{problem{2, 1, 320, 72, square(5, 3, 1, 1)}, winograd.Two, true},
			{problem{1, 1, 80, 56, square(8, 4, 2, 1)}, winograd.Pair, true},
			{problem{1, 1, 72, 64, square(9, 5, 2, 2)}, winograd.Two, true},
			{problem{1, 1, 64, 64, square(7, 3, 1, 1)}, winograd.Four, false},
			{problem{40, 1, 128, 64, square(30, 3, 1, 1)}, winograd.Two, false},
		} {
			plan := func(turned bool) *Plan {
				a := newTiled(c.p.geom(), c.size, true)
				a.turned = turned
				return bind(c.p.geom(), "winograd", a)
			}
			if late := plan(false).late() != nil; late != c.late {
				t.Errorf("%v: packed late is %v, want %v", c.p, late, c.late)
			}
			if !c.late {
				continue
			}
			for threads := range 3 {
				compareOnce(t, rng, plan(false), 1+threads)
				if a := plan(true); a.alg.(*tiled).places == nil {
					compareOnce(t, rng, a, 1+threads)
				}
			}
		}
		wide := transposedProblem{x: []int{1, 160, 9, 8}, w: []int{160, 140, 4, 4}, groups: 1, attrs: window.Attrs{Strides: []int{2, 2}, Pads: []int{1, 1, 1, 1}}}
		for _, fresh := range []bool{true, false} {
			alg := newTransposedTiled(wide.geom(t), winograd.Pair, fresh)
			phases := bind(wide.geom(t), "transposed winograd", alg)
			if alg.byPanels() != fresh {
				t.Errorf("phases are packed panel by panel: %v, want %v", alg.byPanels(), fresh)
			}
			if n := phases.FilterLen(); n > phases.wholeLen()/3 {
				t.Errorf("%d elements for a filter of four phases, of which all take %d", n, phases.wholeLen())
			}
			for threads := range 3 {
				compareOnce(t, rng, phases, 1+threads)
			}
		}
	})
}
