package nhwc

import (
	"github.com/onnxrun/onnxrun/internal/kernel/panel"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
)

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
