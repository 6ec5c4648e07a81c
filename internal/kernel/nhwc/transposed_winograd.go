package nhwc

import (
	"fmt"
	"slices"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/conv"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
	"github.com/onnxrun/onnxrun/internal/kernel/winograd"
	"github.com/onnxrun/onnxrun/internal/mem"
)

// transposedTiled computes transposed convolutions phase by phase (see transposedPhases), where each is a convolution of
// windows of 3×3 or 2×2 at stride 1, by Winograd's transforms.
type transposedTiled struct {
	g      conv.Geom
	phases []*tiled
}

// newTransposedWinograd takes strides along two axes where transforms are expected to win.
func newTransposedWinograd(g conv.Geom) algorithm {
	if g.Groups > 1 || g.Rank != 2 || g.Axes[0].Stride*g.Axes[1].Stride < 2 {
		return nil
	}
	taps := tileTaps(&g)
	if taps == 0 || min(g.InC, g.OutC) < 16 {
		return nil
	}
	for _, a := range g.Axes[:2] {
		if a.Out < a.Stride {
			return nil
		}
	}
	phases := g.Axes[0].Stride * g.Axes[1].Stride
	tiling := func(m int) tiling { // of the first phase, which has the most outputs
		high, wide := phaseAxis(g.Axes[0], 0), phaseAxis(g.Axes[1], 0)
		return tiling{g.Batch * stripCount(high, m) * stripCount(wide, m), g.InC}
	}
	filter := g.Taps() * g.InC * g.OutC
	direct := productTime(filter*g.Batch*g.InSize(), g.InC*g.Taps()/phases, filter)
	size, fresh, ok := chooseSize(&g, taps, direct/float64(phases), tiling)
	if !ok {
		return nil
	}
	return newTransposedTiled(g, size, fresh)
}

func newTransposedTiled(g conv.Geom, size winograd.Size, fresh bool) *transposedTiled {
	t := &transposedTiled{g: g}
	for i := range g.Axes[0].Stride * g.Axes[1].Stride {
		t.phases = append(t.phases, newTiledPhase(g, size, fresh, i/g.Axes[1].Stride, i%g.Axes[1].Stride))
	}
	return t
}

// newTiledPhase lays out the outputs whose positions are h and w modulo the strides.
func newTiledPhase(g conv.Geom, size winograd.Size, fresh bool, h, w int) *tiled {
	y, x := g.Axes[0], g.Axes[1]
	t := emptyTiled(g, size, 1, fresh)
	t.turned = true
	t.inStep, t.outStep = [2]int{1, 1}, [2]int{y.Stride, x.Stride}
	t.views = []view{{t.strips([]line{phaseLine(y, h)}), t.strips([]line{phaseLine(x, w)})}}
	t.tiles = g.Batch * len(t.views[0].h) * len(t.views[0].w)
	t.places = slices.Repeat([]int{-1}, g.Taps())
	high, wide := phaseTaps(y, h), phaseTaps(x, w)
	t.gaps = len(high)*len(wide) < t.window
	for i, k := range high {
		for j, l := range wide {
			t.places[k*x.Kernel+l] = i*size.Taps + j
		}
	}
	return t
}

// phaseLine is the outputs at residue at of an axis.
func phaseLine(a window.Axis, at int) line {
	p := phaseAxis(a, at)
	return line{in: -p.Lo, inStep: 1, size: a.In, out: at, outStep: a.Stride, outs: p.Out}
}

func (t *transposedTiled) format() string {
	return fmt.Sprint("phases ", t.phases[0].format(), len(t.phases))
}

func (t *transposedTiled) filterLen() int {
	return len(t.phases) * (lineFloats + t.phases[0].filterLen())
}

func (t *transposedTiled) scratch() int {
	n := 0
	for _, p := range t.phases {
		n = max(n, p.scratch())
	}
	return n
}

// pack makes the filter of each phase.
func (t *transposedTiled) pack(f *packed, w []float32, room *mem.Room) {
	phases := f.emptyPhases(len(t.phases))
	for i, p := range t.phases {
		p.pack(&phases[i], w, room)
	}
}

// tiledPhase is what a run hands to the phases.
type tiledPhase struct {
	args   Args
	filter Filter
	room   mem.Room
}

var tiledPhases = sync.Pool{New: func() any { return new(tiledPhase) }}

func (t *transposedTiled) run(a *Args) {
	r := tiledPhases.Get().(*tiledPhase)
	f := &a.Filter.packed
	for i, p := range t.phases {
		r.args = *a
		r.args.Filter = &r.filter
		r.filter.packed = f.phases[i]
		if f.turns != nil {
			r.room.Within(f.turns)
			p.pack(&r.filter.packed, f.late.elems, &r.room)
		}
		p.run(&r.args)
	}
	*r = tiledPhase{}
	tiledPhases.Put(r)
}
