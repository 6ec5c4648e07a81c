package nhwc

import (
	"sync"

	"github.com/onnxrun/onnxrun/internal/mem"
	"github.com/onnxrun/onnxrun/internal/par"
)

// tiledRun is one run, cut into chunks that each take a block of tiles through all steps; or first into parts of a block's
// input transform, then into panels of the filter and parts of the block that see them.
type tiledRun struct {
	*tiled
	a      *Args
	filter tiledFilter
	phase  phase
	block  int       // tiles in a chunk
	whole  tileBlock // what the last two phases work on
}

type phase uint8

const (
	allSteps phase = iota
	inputOnly
	panelsOnly
)

var tiledRuns = sync.Pool{New: func() any { return new(tiledRun) }}

func (t *tiled) run(a *Args) {
	r := tiledRuns.Get().(*tiledRun)
	r.tiled, r.a, r.filter = t, a, t.newFilter(&a.Filter.packed)
	if t.fresh || a.Threads > 1 && t.tiles <= fewTiles && t.g.Groups == 1 {
		most := sharedTiles(t.tiles, t.n*t.n*t.inC)
		for lo := 0; lo < t.tiles; lo += most {
			r.shared(lo, min(lo+most, t.tiles))
		}
	} else {
		r.phase, r.block = allSteps, t.blockTiles(a.Threads)
		par.Run(a.Threads, ceilDiv(t.tiles, r.block)*ceilDiv(t.g.Groups, t.span), r)
	}
	*r = tiledRun{}
	tiledRuns.Put(r)
}

// shared runs the tiles [lo, hi) with all threads.
func (r *tiledRun) shared(lo, hi int) {
	r.whole.place(lo, hi, 0, r.inC, aligned(r.a.Scratch))
	r.phase, r.block = inputOnly, max(1, (hi-lo)/(2*max(1, r.a.Threads)))
	par.Run(r.a.Threads, ceilDiv(hi-lo, r.block), r)
	parts := 1
	if r.a.Threads > 1 {
		most := ceilDiv(hi-lo, leastBlock/2)
		if parts = min(ceilDiv(2*r.a.Threads, r.filter.panels), most); uneven(parts*r.filter.panels, r.a.Threads) {
			parts = min(2*parts, most)
		}
	}
	r.phase, r.block = panelsOnly, ceilDiv(hi-lo, parts)
	par.Run(r.a.Threads, ceilDiv(hi-lo, r.block)*r.filter.panels, r)
}

// uneven tells whether so many chunks leave threads without one at the end, for more than a tenth of the time.
func uneven(chunks, threads int) bool {
	return 10*ceilDiv(chunks, threads)*threads > 11*chunks
}

// Chunk runs the i-th part of the phase.
func (r *tiledRun) Chunk(i int) {
	w := tileWorks.Get()
	switch r.phase {
	case allSteps:
		parts := ceilDiv(r.g.Groups, r.span)
		lo, g0 := i/parts*r.block, i%parts*r.span
		w.steps(r, lo, min(lo+r.block, r.tiles), g0, min(g0+r.span, r.g.Groups))
	case inputOnly:
		lo := r.whole.lo + i*r.block
		w.input(r, &r.whole, lo, min(lo+r.block, r.whole.hi))
	case panelsOnly:
		lo, c := r.whole.lo+i/r.filter.panels*r.block, i%r.filter.panels*r.filter.width
		w.channels(r, &r.whole, lo, min(lo+r.block, r.whole.hi), c, min(c+r.filter.width, r.g.OutC))
		w.panel(r, i%r.filter.panels)
		w.output(r)
	}
	w.release()
}

// steps takes the tiles [lo, hi) of the groups [g0, g1) through all steps.
func (w *tileWork) steps(r *tiledRun, lo, hi, g0, g1 int) {
	b := &w.block
	w.v = mem.Grow(w.v, r.n*r.n*blockLen(hi-lo, (g1-g0)*r.icg))
	b.place(lo, hi, g0*r.icg, g1*r.icg, w.v)
	w.input(r, b, lo, hi)
	w.channels(r, b, lo, hi, g0*r.ocg, g1*r.ocg)
	w.product(r, b, g0, g1)
	w.output(r)
}
