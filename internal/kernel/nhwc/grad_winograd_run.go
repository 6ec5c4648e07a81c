package nhwc

import (
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/panel"
	"github.com/onnxrun/onnxrun/internal/kernel/winograd"
	"github.com/onnxrun/onnxrun/internal/mem"
	"github.com/onnxrun/onnxrun/internal/par"
)

// gradTiles is a running gradTiled. Its chunks are transforms of some tiles of a block, of the input and of the panels of the
// gradients; then products of a block; or transpositions at the end.
type gradTiles struct {
	*gradTiled
	a            *GradWArgs
	phase        gradPhase
	input        Args
	run          tiledRun // of the input's transform
	whole        tileBlock
	spread, sums []float32
	step         int // tiles of a chunk of the transforms
	first        bool
}

var gradTileTasks = sync.Pool{New: func() any { return new(gradTiles) }}

func (p *gradTiled) run(a *GradWArgs) {
	t := gradTileTasks.Get().(*gradTiles)
	t.gradTiled, t.a, t.first = p, a, true
	t.input = Args{X: a.X, XStep: p.g.InC}
	t.run.tiled, t.run.a = p.tiled, &t.input
	s := aligned(a.Scratch)
	v, s := s[:p.inputLen()], s[p.inputLen():]
	t.spread, s = s[:p.spreadLen()], s[lineRound(p.spreadLen()):]
	if !p.single() {
		t.sums = s[:p.sumsLen()]
	}
	for lo := 0; lo < p.tiles; lo += p.block {
		hi := min(lo+p.block, p.tiles)
		t.whole.place(lo, hi, 0, p.inC, v)
		t.phase, t.step = gradCopies, max(1, (hi-lo)/(2*max(1, a.Threads)))
		par.Run(a.Threads, 2*ceilDiv(hi-lo, t.step), t)
		t.phase = gradSums
		par.Run(a.Threads, p.panels*p.parts, t)
		t.first = false
	}
	if !p.single() {
		t.phase = gradTurns
		par.Run(a.Threads, p.panels*p.parts, t)
	}
	*t = gradTiles{}
	gradTileTasks.Put(t)
}

// Chunk does a part of the phase.
func (t *gradTiles) Chunk(i int) {
	w := tileWorks.Get()
	defer w.release()
	p, c0 := i/t.parts, i%t.parts*t.part
	c1 := min(c0+t.part, t.g.InC)
	switch t.phase {
	case gradCopies:
		lo := t.whole.lo + i/2*t.step
		hi := min(lo+t.step, t.whole.hi)
		if i%2 == 0 {
			w.input(&t.run, &t.whole, lo, hi)
		} else {
			t.spreadTiles(w, lo, hi)
		}
	case gradSums:
		t.products(w, p, c0, c1)
	case gradTurns:
		t.turn(t.sums[(p*t.g.InC+c0)*t.g.Taps()*t.width:], p, c0, c1)
	}
}

// columns is the number of output channels of panel p.
func (t *gradTiles) columns(p int) int { return min(t.width, t.g.OutC-p*t.width) }

// spreadTiles transforms the gradients of the tiles [lo, hi) to panels [elements, tiles, width].
func (t *gradTiles) spreadTiles(w *tileWork, lo, hi int) {
	g, a := &t.g, &w.in
	y, x := &g.Axes[0], &g.Axes[1]
	count := t.whole.hi - t.whole.lo
	kernel := t.kernels.Of(t.size).Spread
	for p := range t.panels {
		to := t.spread[p*t.n*t.n*count*t.width:]
		*a = winograd.InputArgs{X: t.a.Dy, C: t.columns(p), ElemStep: count * t.width, TileRoom: t.width, Tmp: w.tmp}
		a.RowStep, a.ColStep = t.outStep[0]*x.Out*g.OutC, t.outStep[1]*g.OutC
		a.TileStep = t.m * a.ColStep
		t.views[0].runs(lo, hi, a.C, func(at, image int, sy, sx *strip, tiles int) {
			a.At = ((image*y.Out+sy.out)*x.Out+sx.out)*g.OutC + p*t.width
			a.Rows, a.Cols, a.Tiles = 1<<sy.count-1, 1<<sx.count-1, tiles
			a.V = to[(at-t.whole.lo)*t.width:]
			kernel(a)
		})
	}
}

// products computes the gradients of panel p for the input channels [c0, c1).
func (t *gradTiles) products(w *tileWork, p, c0, c1 int) {
	g := &t.g
	tiles, cols, size := t.whole.hi-t.whole.lo, t.columns(p), g.Taps()*t.width
	plane := matrixStep((c1 - c0) * cols)
	w.m = mem.Grow(w.m, t.n*t.n*plane)
	sums := t.sums
	if t.single() {
		w.u = mem.Grow(w.u, (c1-c0)*size)
		sums = w.u
	} else {
		sums = sums[(p*g.InC+c0)*size:]
	}
	for v := range t.views {
		w.items = w.items[:0]
		for e := range t.n * t.n {
			w.items = append(w.items, gemm.Item{A: e * t.whole.step, B: e * tiles * t.width, C: e * plane})
		}
		w.args = gemm.Args{M: c1 - c0, N: cols, K: tiles, A: t.whole.v[v*g.InC+c0:], ARS: 1, ACS: t.whole.room,
			B: t.spread[p*t.n*t.n*tiles*t.width:], BRS: t.width, BCS: 1, C: w.m, LDC: cols, Batch: w.items}
		gemm.Run(&w.args)
		t.windows(w, v, plane, c1-c0, cols, sums)
	}
	if t.single() {
		t.turn(sums, p, c0, c1)
	}
}

// windows takes the gradients of the elements of a view's windows, of so many input channels, to those of the kernel elements.
func (t *gradTiles) windows(w *tileWork, v, plane, channels, cols int, sums []float32) {
	y, x := &t.g.Axes[0], &t.g.Axes[1]
	i, j := v/x.Stride, v%x.Stride
	a := &w.win
	*a = winograd.WindowArgs{U: w.m, Plane: plane, Width: cols, C: channels, W: sums[(i*x.Kernel+j)*t.width:], Step: t.g.Taps() * t.width,
		RowStep: y.Stride * x.Kernel * t.width, ColStep: x.Stride * t.width, Rows: ceilDiv(y.Kernel-i, y.Stride), Cols: ceilDiv(x.Kernel-j, x.Stride)}
	if !t.first {
		a.Add = 1
	}
	t.kernels.Of(t.size).Window(a)
}

// turn writes the gradient of the filter of panel p for the input channels [c0, c1), whose sums are [c1-c0, Kernel..., width].
func (t *gradTiles) turn(sums []float32, p, c0, c1 int) {
	taps := t.g.Taps()
	panel.Write(&panel.Args{Dst: t.a.Dw[(p*t.width*t.g.InC+c0)*taps:], Src: sums, Order: t.turns.First(t.columns(p)),
		Rows: (c1 - c0) * taps, RowStep: t.width, Count: 1})
}
