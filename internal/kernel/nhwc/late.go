package nhwc

import (
	"slices"

	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
	"github.com/onnxrun/onnxrun/internal/mem"
)

// late is an algorithm that can pack a filter while it reads it, in the memory of its threads: what a filter takes that is packed for one
// run is neither there as a whole nor written to memory and read again. The bits are the same.
type late interface {
	algorithm
	readsLate() bool
	lateLen() int                                     // floats that packLate wants
	packLate(f *packed, w filterRows, room []float32) // of w only elems or fill are there
}

// late returns the algorithm if it packs filters late, or nil.
func (p *Plan) late() late {
	if alg, ok := p.alg.(late); ok && alg.readsLate() {
		return alg
	}
	return nil
}

// lateRows returns the algorithm if it packs computed rows late, or nil.
func (p *Plan) lateRows() *tiled {
	if t, ok := p.late().(*tiled); ok && !t.turned {
		return t
	}
	return nil
}

// lateElems is the least number of elements of a filter that is packed late: there are panels for all threads.
const lateElems = 64 << 10

// readsLate holds where each panel of windows is transformed once in a run.
func (t *tiled) readsLate() bool {
	return t.fresh && t.g.Groups == 1 && t.filterLen() >= lateElems && t.tiles <= sharedTiles(t.tiles, t.n*t.n*t.inC)
}

func (t *tiled) lateLen() int { return 0 }

func (t *tiled) packLate(f *packed, w filterRows, _ []float32) {
	w.each = t.rowLen()
	f.late = w
}

// readsLate: phases that do not pack their panels late are packed one after the other, in the same place.
func (t *transposedTiled) readsLate() bool { return true }

func (t *transposedTiled) byPanels() bool {
	return !slices.ContainsFunc(t.phases, func(p *tiled) bool { return !p.readsLate() })
}

func (t *transposedTiled) lateLen() (n int) {
	if t.byPanels() {
		return 0
	}
	for _, p := range t.phases {
		n = max(n, p.filterLen())
	}
	return n
}

func (t *transposedTiled) packLate(f *packed, w filterRows, room []float32) {
	phases := f.emptyPhases(len(t.phases))
	if t.byPanels() {
		for i, p := range t.phases {
			p.packLate(&phases[i], w, nil)
		}
		return
	}
	f.late, f.turns = w, room
}

// newLateFilter is newFilter for a filter that is packed late.
func (t *tiled) newLateFilter(w filterRows) tiledFilter {
	width := gemm.Width()
	f := tiledFilter{tiled: t, width: width, panels: ceilDiv(t.g.OutC, width), size: t.inC * width}
	f.packing = windowPacking{tiled: t, w: w, width: width, panels: f.panels, step: t.channels, order: t.order.of(t, t.channels, width), c1: t.channels}
	return f
}

// packPanel returns panel i of a filter that is packed late, in the memory of w.
func (w *tileWork) packPanel(f *tiledFilter, i int) []float32 {
	p := &w.packing
	*p = f.packing
	w.windows = mem.Grow(w.windows, f.window*f.size)
	p.u, p.from = w.windows, i*p.width
	buf := window.GetScratch(0)
	if p.turned {
		p.rows = p.w.elems
	}
	p.panel(0, p.from, buf, w)
	buf.Release()
	return w.windows
}
