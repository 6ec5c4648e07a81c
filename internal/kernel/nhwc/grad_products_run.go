package nhwc

import (
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/panel"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
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

// inputAt is where the window of an output begins in the input, which has no padding.
func (t *gradTask) inputAt(p, h, w int) int {
	d, y, x := &t.axes[0], &t.axes[1], &t.axes[2]
	return (((p/d.Out*d.In+p%d.Out*d.Stride)*y.In+h*y.Stride)*x.In + w*x.Stride) * t.g.InC
}

// rowLen and sliceLen are the distances of rows and of kernel elements along the first axis, in frames or in the input.
func (t *gradTask) rowLen() int {
	if !t.framed {
		return t.axes[2].In * t.pitch
	}
	_, wide := t.frame(t.block.h1-t.block.h0, t.block.w1-t.block.w0)
	return wide * t.pitch
}

func (t *gradTask) sliceLen() int {
	if !t.framed {
		return t.axes[0].Dilation * t.axes[1].In * t.rowLen()
	}
	high, _ := t.frame(t.block.h1-t.block.h0, t.block.w1-t.block.w0)
	return high * t.rowLen()
}

// frameRows is the number of rows of the frames of the block, of all chunks of channels.
func (t *gradTask) frameRows() int {
	if !t.framed {
		return 0
	}
	high, _ := t.frame(t.block.h1-t.block.h0, 1)
	return t.g.Groups * t.parts * (t.block.p1 - t.block.p0) * t.axes[0].Kernel * high
}

// panelCount is the number of panels of the block.
func (t *gradTask) panelCount() int {
	if !t.packed {
		return 0
	}
	return t.g.Groups * t.gradProducts.panels
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

// fillRow copies row i of the frames: the inputs, and zeros around them.
func (t *gradTask) fillRow(i int) {
	b, n := &t.block, t.g.Groups*t.parts
	d, h, w := &t.axes[0], &t.axes[1], &t.axes[2]
	high, wide := t.frame(b.h1-b.h0, b.w1-b.w0)
	part, row := i%n, i/n
	p, k, r := b.p0+row/high/d.Kernel, row/high%d.Kernel, row%high
	id, ih, iw := p%d.Out*d.Stride+k*d.Dilation-d.Lo, b.h0*h.Stride+r-h.Lo, b.w0*w.Stride-w.Lo
	lo := min(wide, max(0, -iw)) // columns [lo, hi) of the frame are inputs
	hi := max(lo, min(wide, w.In-iw))
	if id < 0 || id >= d.In || ih < 0 || ih >= h.In {
		lo, hi = wide, wide
	}
	from, cols := t.partChannels(part)
	var src []float32
	if lo < hi {
		src = t.a.X[((p/d.Out*d.In+id)*h.In+ih)*w.In*t.g.InC+(iw+lo)*t.g.InC+from:]
	}
	to := t.frames[part*t.partLen()+row*wide*t.pitch:]
	if t.turned {
		t.turnRow(to, src, lo, hi, wide, cols)
		return
	}
	clear(to[:lo*t.pitch])
	if lo < hi {
		copyRows(to[lo*t.pitch:hi*t.pitch], t.pitch, hi-lo, cols, src, t.g.InC)
	}
	clear(to[hi*t.pitch : wide*t.pitch])
}

// turnRow writes a row of wide pixels of so many channels to turned frames: pixels [lo, hi) are inputs, the others zeros.
func (t *gradTask) turnRow(to, src []float32, lo, hi, wide, channels int) {
	step := t.channelStep()
	if lo > 0 || hi < wide {
		for c := range channels {
			row := to[c*step:][:wide]
			clear(row[:lo])
			clear(row[hi:])
		}
	}
	if lo < hi {
		panel.Write(&panel.Args{Dst: to[lo:], Src: src, Order: t.turns.First(channels), Rows: hi - lo, RowStep: t.g.InC, Count: 1})
	}
}

// partChannels returns the first channel of a chunk of those of all groups, and how many it has.
func (t *gradTask) partChannels(part int) (from, n int) {
	c := part % t.parts * t.channels
	return part/t.parts*t.icg + c, min(t.channels, t.icg-c)
}

// copyRows copies rows of so many elements.
func copyRows(dst []float32, dstStep, rows, cols int, src []float32, srcStep int) {
	if cols == dstStep && cols == srcStep {
		copy(dst, src[:rows*cols])
		return
	}
	s := window.GetScratch(0)
	s.Row = window.RowArgs{Dst: dst, DstStep: dstStep, Rows: rows, Cols: cols, Src: src, SrcStep: srcStep}
	window.Best().CopyRows(&s.Row)
	s.Release()
}

// pixel is the number of the first output of the block; the others follow it.
func (t *gradTask) pixel() int {
	b := &t.block
	return (b.p0*t.axes[1].Out+b.h0)*t.axes[2].Out + b.w0
}

// fillPanel copies the gradients of panel i.
func (t *gradTask) fillPanel(i int) {
	n := t.block.pixels()
	group, j := i/t.gradProducts.panels, i%t.gradProducts.panels*t.width
	cols := min(t.width, t.ocg-j)
	to := t.copied[i*n*t.width:][:n*t.width]
	if cols < t.width {
		clear(to)
	}
	copyRows(to, t.width, n, cols, t.a.Dy[t.pixel()*t.g.OutC+group*t.ocg+j:], t.g.OutC)
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
