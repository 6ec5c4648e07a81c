package nhwc

import (
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/panel"
	"github.com/onnxrun/onnxrun/internal/mem"
	"github.com/onnxrun/onnxrun/internal/par"
)

// gradTask is a running gradProducts. Its chunks are rows of frames and panels of a block; then products of a block; or
// transpositions at the end.
type gradTask struct {
	*gradProducts
	a                    *GradWArgs
	phase                gradPhase
	block                gradBlock
	first                bool // the block is the first one
	segs                 []int
	base                 int // of the offsets in segs
	frames, copied, sums []float32
}

type gradPhase uint8

const (
	gradCopies gradPhase = iota
	gradSums
	gradTurns
)

// gradBlock are the outputs of a block: planes [p0, p1), rows [h0, h1) and columns [w0, w1).
type gradBlock struct{ p0, p1, h0, h1, w0, w1 int }

// pixels is the number of outputs.
func (b *gradBlock) pixels() int { return (b.p1 - b.p0) * (b.h1 - b.h0) * (b.w1 - b.w0) }

var gradTasks = sync.Pool{New: func() any { return new(gradTask) }}

func (p *gradProducts) run(a *GradWArgs) {
	t := gradTasks.Get().(*gradTask)
	segs := t.segs
	*t = gradTask{gradProducts: p, a: a, segs: segs}
	s := aligned(a.Scratch)
	t.frames, s = s[:p.frameLen()], s[p.frameLen():]
	t.copied, s = s[:p.panelLen()], s[p.panelLen():]
	chunks := p.g.Groups * p.panels * p.chunkParts()
	if !p.single() {
		t.sums = s[:p.sumsLen()]
	}
	t.first = true
	for i := range p.blocks[0] * p.blocks[1] * p.blocks[2] {
		t.enter(i)
		t.phase = gradCopies
		par.Run(a.Threads, t.frameRows()+t.panelCount(), t)
		t.phase = gradSums
		par.Run(a.Threads, chunks, t)
		t.first = false
	}
	if !p.single() {
		t.phase = gradTurns
		par.Run(a.Threads, p.g.Groups*p.panels*p.parts, t)
	}
	*t = gradTask{segs: t.segs}
	gradTasks.Put(t)
}

// chunkParts is how many chunks of products share a panel: parts of the input channels; with several blocks also the rows of
// kernel elements.
func (p *gradProducts) chunkParts() int {
	if p.single() {
		return p.parts
	}
	return p.parts * p.lines()
}

// lines is the number of rows of kernel elements.
func (p *gradProducts) lines() int { return p.axes[0].Kernel * p.axes[1].Kernel }

// enter sets block i, and where its rows of outputs begin in the frames, or in the input.
func (t *gradTask) enter(i int) {
	b, n := &t.block, t.blocks
	b.w0 = i % n[2] * t.cols
	b.h0 = i / n[2] % n[1] * t.rows
	b.p0 = i / n[2] / n[1] * t.planes
	d, h, w := &t.axes[0], &t.axes[1], &t.axes[2]
	b.p1, b.h1, b.w1 = min(b.p0+t.planes, t.g.Batch*d.Out), min(b.h0+t.rows, h.Out), min(b.w0+t.cols, w.Out)
	t.segs = t.segs[:0]
	if !t.framed {
		t.base = t.inputAt(b.p0, b.h0, b.w0)
	} else {
		t.base = 0
	}
	for p := b.p0; p < b.p1; p++ {
		for r := b.h0; r < b.h1; r++ {
			if t.framed {
				t.segs = append(t.segs, (p-b.p0)*d.Kernel*t.sliceLen()+(r-b.h0)*h.Stride*t.rowLen())
			} else {
				t.segs = append(t.segs, t.inputAt(p, r, b.w0)-t.base)
			}
		}
	}
}

// Chunk does a part of the phase.
func (t *gradTask) Chunk(i int) {
	switch t.phase {
	case gradCopies:
		if n := t.frameRows(); i < n {
			t.fillRow(i)
		} else {
			t.fillPanel(i - n)
		}
	case gradSums:
		t.products(i)
	case gradTurns:
		t.turn(i)
	}
}

// gradWork is what a chunk of products works with.
type gradWork struct {
	args  gemm.Args
	items []gemm.Item
	sums  []float32
}

var gradWorks mem.Pool[gradWork]

// products computes the products of chunk i.
func (t *gradTask) products(i int) {
	p := i / t.chunkParts() // the panel
	part, lines, line := i%t.chunkParts(), t.lines(), 0
	if !t.single() {
		line, lines = part%lines, 1
		part /= t.lines()
	}
	w := gradWorks.Get()
	a := &w.args
	c0 := part * t.channels
	c1 := min(c0+t.channels, t.icg)
	group, j := p/t.gradProducts.panels, p%t.gradProducts.panels*t.width
	*a = gemm.Args{
		M: c1 - c0, N: min(t.width, t.ocg-j), K: t.block.pixels(), ARS: 1, ACS: t.axes[2].Stride * t.pitch,
		A: t.a.X, LDC: t.taps() * t.width, Accumulate: !t.first,
	}
	if t.turned {
		a.ARS = t.channelStep()
	}
	if t.framed {
		a.A = t.frames[(group*t.parts+part)*t.partLen():]
	} else {
		a.A = a.A[t.base+group*t.icg+c0:]
	}
	if len(t.segs) > 1 {
		a.Segs = t.segs
	}
	a.B, a.BRS, a.BCS = t.a.Dy[t.pixel()*t.g.OutC+group*t.ocg+j:], t.g.OutC, 1
	if t.packed {
		a.B, a.BRS = t.copied[p*a.K*t.width:], t.width
	}
	if t.single() {
		w.sums = mem.Grow(w.sums, (c1-c0)*t.taps()*t.width)
		a.C = w.sums
	} else {
		a.C = t.sums[(p*t.icg+c0)*t.taps()*t.width:]
	}
	t.items(w, line, lines)
	a.Batch = w.items
	gemm.Run(a)
	if t.single() {
		t.turnSums(w.sums, p, c0, c1)
	}
	*a = gemm.Args{}
	gradWorks.Put(w)
}

// items lists the products of some rows of kernel elements.
func (t *gradTask) items(w *gradWork, line, lines int) {
	w.items = w.items[:0]
	h, x := &t.axes[1], &t.axes[2]
	for l := line; l < line+lines; l++ {
		at := l/h.Kernel*t.sliceLen() + l%h.Kernel*h.Dilation*t.rowLen()
		if t.merged {
			w.args.M, w.args.LDC = x.Kernel*t.icg, t.width
			w.items = append(w.items, gemm.Item{A: at, C: l * x.Kernel * t.icg * t.width})
			continue
		}
		for k := range x.Kernel {
			w.items = append(w.items, gemm.Item{A: at + k*x.Dilation*t.pitch, C: (l*x.Kernel + k) * t.width})
		}
	}
}

// turn writes the gradient of the filter of chunk i: a part of the input channels of a panel.
func (t *gradTask) turn(i int) {
	p, c0 := i/t.parts, i%t.parts*t.channels
	c1 := min(c0+t.channels, t.icg)
	size := t.taps() * t.width
	sums := t.sums[p*t.icg*size:][:t.icg*size]
	if !t.merged {
		t.turnSums(sums[c0*size:], p, c0, c1)
		return
	}
	for c := c0; c < c1; c++ {
		panel.Write(&panel.Args{Dst: t.filterAt(p, c), Src: sums[c*t.width:], Order: t.lanes(p), Rows: t.taps(), RowStep: t.icg * t.width, Count: 1})
	}
}

// turnSums transposes sums [c1-c0, Kernel..., width].
func (t *gradTask) turnSums(sums []float32, p, c0, c1 int) {
	panel.Write(&panel.Args{Dst: t.filterAt(p, c0), Src: sums, Order: t.lanes(p), Rows: (c1 - c0) * t.taps(), RowStep: t.width, Count: 1})
}

// filterAt is the gradient of the filter from input channel c of panel p on.
func (t *gradTask) filterAt(p, c int) []float32 {
	group, j := p/t.gradProducts.panels, p%t.gradProducts.panels*t.width
	return t.a.Dw[((group*t.ocg+j)*t.icg+c)*t.taps():]
}

// lanes is the order of the output channels of panel p.
func (t *gradTask) lanes(p int) panel.Order {
	return t.order.First(min(t.width, t.ocg-p%t.gradProducts.panels*t.width))
}
