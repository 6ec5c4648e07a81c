package nhwc

import (
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/conv"
	"github.com/onnxrun/onnxrun/internal/kernel/depthwise"
	"github.com/onnxrun/onnxrun/internal/kernel/panel"
	"github.com/onnxrun/onnxrun/internal/par"
)

// gradSlides computes the gradients of depthwise filters with an output per channel where the tensors lie: for a vector of channels,
// some rows of outputs and one row of kernel elements after the other, whose sums stay in registers. Channels that do not fill a
// vector end in one that overlaps the vector before. The sums of parts of the images are added at the end.
type gradSlides struct {
	filterParts
	line, all    func(a *depthwise.SlideArgs) // for a row of kernel elements, and for all; there may be none of the latter
	inside, edge int                          // outputs of a row: see depthwise.SlideArgs
	rest         int
	rows, stack  int // rows of outputs, and planes of them, that one call takes: they stay in the nearest cache for the next
	lanes        panel.Order
}

const (
	// slideElems bounds the elements of a vector of channels that stay in the nearest cache.
	slideElems = 7 << 10
	// ahead is how many rows of outputs before the one at hand is asked for.
	ahead = 2
	// slideChunks is about how many chunks there are, unless a part had no plane then.
	slideChunks = 32
)

func newGradSlides(g conv.Geom) filterGrad {
	k := depthwise.Best()
	if g.Rank > 3 || g.Groups != g.InC || g.OutC != g.InC || g.InC < k.Lanes || g.Batch*g.OutSize() == 0 {
		return nil
	}
	d := &gradSlides{filterParts: filterParts{g: g, axes: axes(&g), k: k, multiplier: 1}}
	h, w := &d.axes[1], &d.axes[2]
	d.line, d.all = k.Slide(1, w.Kernel, w.Stride), k.Slide(h.Kernel, w.Kernel, w.Stride)
	if d.line == nil || w.Dilation > 1 || w.Lo > w.Kernel-w.Stride {
		return nil
	}
	left := w.In - (w.Kernel - w.Stride - w.Lo) // columns that the first output does not hold already
	if left < 0 {
		return nil
	}
	d.inside = min(w.Out, left/w.Stride)
	if d.edge = w.Out - d.inside; d.edge > 0 {
		d.rest = left % w.Stride
	}
	line := (w.In*h.Stride + w.Out) * k.Lanes
	d.rows = even(h.Out, min(h.Out, max(1, slideElems/line)))
	d.stack = 1
	if g.Rank < 3 && d.rows == h.Out {
		d.stack = max(1, slideElems/(line*d.rows))
	}
	d.together = even(d.blocks(), max(1, gradTogether/k.Lanes))
	d.cut(ceilDiv(slideChunks, ceilDiv(d.blocks(), d.together)))
	d.lanes = d.lanesOrder()
	return d
}

// channel is the first channel of a vector.
func (d *gradSlides) channel(block int) int { return min(block*d.k.Lanes, d.g.InC-d.k.Lanes) }

// gradSlidesTask is a running gradSlides; chunks are some vectors of channels of a part.
type gradSlidesTask struct {
	*gradSlides
	a *GradWArgs
}

var gradSlidesTasks = sync.Pool{New: func() any { return new(gradSlidesTask) }}

func (d *gradSlides) run(a *GradWArgs) {
	t := gradSlidesTasks.Get().(*gradSlidesTask)
	t.gradSlides, t.a = d, a
	par.Run(a.Threads, d.chunks(), t)
	*t = gradSlidesTask{}
	gradSlidesTasks.Put(t)
	d.addUp(a.Scratch)
	taps := d.g.Taps()
	for b := range d.blocks() {
		panel.Write(&panel.Args{
			Dst: a.Dw[d.channel(b)*taps:], Src: a.Scratch[b*d.blockLen():],
			Order: d.lanes, Rows: taps, RowStep: d.k.Lanes, Count: 1,
		})
	}
}

var slideArgs = sync.Pool{New: func() any { return new(depthwise.SlideArgs) }}

// Chunk computes the sums of some vectors of channels over the planes of a part.
func (t *gradSlidesTask) Chunk(i int) {
	first, last, from, to, sums := t.chunk(i, t.a.Scratch)
	a := slideArgs.Get().(*depthwise.SlideArgs)
	for p := from; p < to; p += t.stack {
		for h := 0; h < t.axes[1].Out; h += t.rows {
			for b := first; b < last; b++ {
				t.vector(a, p, min(t.stack, to-p), h, t.channel(b), sums[(b-first)*t.blockLen():])
			}
		}
	}
	*a = depthwise.SlideArgs{}
	slideArgs.Put(a)
}

// vector adds what the rows of outputs from o on of some planes from p on contribute to the channels from c on.
func (t *gradSlidesTask) vector(a *depthwise.SlideArgs, p, planes, o, c int, sums []float32) {
	d, h, w, channels := &t.axes[0], &t.axes[1], &t.axes[2], t.g.InC
	row := w.In * channels
	*a = depthwise.SlideArgs{
		Planes: planes, XPlane: h.In * row, XRow: h.Stride * row, XCol: channels, Line: h.Dilation * row,
		YPlane: h.Out * w.Out * channels, YRow: w.Out * channels, YCol: channels,
		Lo: w.Lo, Inside: t.inside, Edge: t.edge, Rest: t.rest,
	}
	for k := range d.Kernel {
		id := p%d.Out*d.Stride + k*d.Dilation - d.Lo
		if id < 0 || id >= d.In {
			continue
		}
		x, y := t.a.X[(p/d.Out*d.In+id)*a.XPlane+c:], t.a.Dy[p*a.YPlane+c:]
		t.lines(a, x, y, sums[k*h.Kernel*w.Kernel*t.k.Lanes:], o)
	}
}

// lines adds the rows of outputs from o on to the sums of all rows of kernel elements: together where there is such a kernel, and none
// of them lies in the padding, else one by one.
func (t *gradSlidesTask) lines(a *depthwise.SlideArgs, x, y, sums []float32, o int) {
	h, lanes := &t.axes[1], t.k.Lanes
	a.YAhead = ahead * a.YRow
	run := func(f func(*depthwise.SlideArgs), l, lo, hi int) {
		a.XAhead = (h.Kernel-h.Stride-l)*a.Line + ahead*a.XRow
		if a.Rows = hi - lo; a.Rows > 0 {
			a.X, a.Y, a.Sums = x[(lo*h.Stride+l*h.Dilation-h.Lo)*t.axes[2].In*t.g.InC:], y[lo*a.YRow:], sums[l*t.axes[2].Kernel*lanes:]
			f(a)
		}
	}
	end := min(o+t.rows, h.Out)
	from, to := end, end // rows of outputs that are done
	if t.all != nil {
		from, _ = t.seeing(0, o, end)
		_, to = t.seeing(h.Kernel-1, o, end)
		to = max(from, to)
		run(t.all, 0, from, to)
	}
	for l := range h.Kernel {
		lo, hi := t.seeing(l, o, end)
		run(t.line, l, lo, min(hi, from))
		run(t.line, l, max(lo, to), hi)
	}
}

// seeing returns the rows of outputs from o to end for which row l of kernel elements does not lie in the padding.
func (t *gradSlidesTask) seeing(l, o, end int) (lo, hi int) {
	h := &t.axes[1]
	shift := l*h.Dilation - h.Lo // of the row of inputs against the first of an output
	lo = min(end, max(o, ceilDiv(max(0, -shift), h.Stride)))
	return lo, max(lo, min(end, ceilDiv(max(0, h.In-shift), h.Stride)))
}
