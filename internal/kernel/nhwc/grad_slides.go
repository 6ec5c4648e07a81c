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
	line, all   func(a *depthwise.SlideArgs) // for a row of kernel elements, and for all; there may be none of the latter
	args        depthwise.SlideArgs          // what all calls have in common
	rows, stack int                          // rows of outputs, and planes of them, that one call takes: they stay in the nearest cache for the next
	calls       [][]slideCall                // of so many rows of outputs
	lanes       panel.Order
}

// slideCall is a call of a kernel for rows of outputs [lo, lo+rows) of some planes, of which the first and the last may lack a row of inputs.
type slideCall struct {
	run          func(a *depthwise.SlideArgs)
	lo, rows     int
	above, below int
	at, sums     int // where it begins in the rows of inputs, and in the sums, in elements
	ahead        int
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
	line := (w.In*h.Stride + w.Out) * k.Lanes
	d.rows = even(h.Out, min(h.Out, max(1, slideElems/line)))
	d.stack = 1
	if g.Rank < 3 && d.rows == h.Out {
		d.stack = max(1, slideElems/(line*d.rows))
	}
	d.together = even(d.blocks(), max(1, gradTogether/k.Lanes))
	d.cut(ceilDiv(slideChunks, ceilDiv(d.blocks(), d.together)))
	d.lanes = d.lanesOrder()
	d.prepare(left)
	d.bands()
	return d
}

// bands lists the calls for all rows of outputs.
func (d *gradSlides) bands() {
	d.calls = nil
	for o := 0; o < d.axes[1].Out; o += d.rows {
		d.calls = append(d.calls, d.lines(o))
	}
}

// prepare sets what calls have in common; left is the number of columns that the first output of a row does not hold already.
func (d *gradSlides) prepare(left int) {
	h, w, channels := &d.axes[1], &d.axes[2], d.g.InC
	row := w.In * channels
	d.args = depthwise.SlideArgs{
		XPlane: h.In * row, XRow: h.Stride * row, XCol: channels, Line: h.Dilation * row,
		YPlane: h.Out * w.Out * channels, YRow: w.Out * channels, YCol: channels, YAhead: ahead * w.Out * channels,
		Lo: w.Lo, Inside: min(w.Out, left/w.Stride),
	}
	if d.args.Edge = w.Out - d.args.Inside; d.args.Edge > 0 {
		d.args.Rest = left % w.Stride
	}
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
	d.total(a.Dw, a.Scratch)
}

// total writes the filter's gradient from the sums of all parts.
func (d *gradSlides) total(dw, sums []float32) {
	d.addUp(sums)
	taps := d.g.Taps()
	for b := range d.blocks() {
		panel.Write(&panel.Args{
			Dst: dw[d.channel(b)*taps:], Src: sums[b*d.blockLen():],
			Order: d.lanes, Rows: taps, RowStep: d.k.Lanes, Count: 1,
		})
	}
}

var slideArgs = sync.Pool{New: func() any { return new(depthwise.SlideArgs) }}

// Chunk computes the sums of some vectors of channels over the planes of a part.
func (t *gradSlidesTask) Chunk(i int) {
	first, last, from, to, sums := t.chunk(i, t.a.Scratch)
	a := slideArgs.Get().(*depthwise.SlideArgs)
	*a = t.args
	for p := from; p < to; p += t.stack {
		for i := range t.calls {
			t.band(a, p, min(t.stack, to-p), i, first, last, sums)
		}
	}
	*a = depthwise.SlideArgs{}
	slideArgs.Put(a)
}

// band adds what band i of rows of outputs of planes from p on contributes to the vectors [first, last).
func (t *gradSlidesTask) band(a *depthwise.SlideArgs, p, planes, i, first, last int, sums []float32) {
	for b := first; b < last; b++ {
		t.vector(a, p, planes, t.calls[i], t.channel(b), sums[(b-first)*t.blockLen():])
	}
}

// vector adds what some rows of outputs of planes from p on contribute to the channels from c on.
func (t *gradSlidesTask) vector(a *depthwise.SlideArgs, p, planes int, calls []slideCall, c int, sums []float32) {
	d, size := &t.axes[0], t.axes[1].Kernel*t.axes[2].Kernel*t.k.Lanes
	a.Planes = planes
	for k := range d.Kernel {
		id := p%d.Out*d.Stride + k*d.Dilation - d.Lo
		if id < 0 || id >= d.In {
			continue
		}
		a.X = t.a.X[(p/d.Out*d.In+id)*a.XPlane+c:]
		y := t.a.Dy[p*a.YPlane+c:]
		for i := range calls {
			s := &calls[i]
			a.At, a.Y, a.Sums, a.Rows = s.at, y[s.lo*a.YRow:], sums[k*size+s.sums:], s.rows
			a.Above, a.Below, a.XAhead = s.above, s.below, s.ahead
			s.run(a)
		}
	}
}

// lines lists the calls for the rows of outputs from o on: one for all rows of kernel elements where there is such a kernel, for which the
// first row of outputs may lack the first of these, and the last row the last; what is left, one by one.
func (d *gradSlides) lines(o int) (calls []slideCall) {
	h := &d.axes[1]
	add := func(c slideCall, l, lo, hi int) {
		if c.lo, c.rows = lo, hi-lo; c.rows > 0 {
			c.at, c.sums = (lo*h.Stride+l*h.Dilation-h.Lo)*d.axes[2].In*d.g.InC, l*d.axes[2].Kernel*d.k.Lanes
			c.ahead = (h.Kernel-h.Stride-l)*d.args.Line + ahead*d.args.XRow
			calls = append(calls, c)
		}
	}
	end := min(o+d.rows, h.Out)
	from, to := end, end // rows of outputs that are done
	if c := (slideCall{run: d.all}); d.all != nil {
		from, _ = d.seeing(0, o, end)
		_, to = d.seeing(h.Kernel-1, o, end)
		if first, _ := d.seeing(1, o, end); from == o+1 && first == o {
			from, c.above = o, 1
		}
		if _, last := d.seeing(h.Kernel-2, o, end); to == end-1 && last == end {
			to, c.below = end, 1
		}
		to = max(from, to)
		add(c, 0, from, to)
	}
	for l := range h.Kernel {
		lo, hi := d.seeing(l, o, end)
		add(slideCall{run: d.line}, l, lo, min(hi, from))
		add(slideCall{run: d.line}, l, max(lo, to), hi)
	}
	return calls
}

// seeing returns the rows of outputs from o to end for which row l of kernel elements does not lie in the padding.
func (d *gradSlides) seeing(l, o, end int) (lo, hi int) {
	h := &d.axes[1]
	shift := l*h.Dilation - h.Lo // of the row of inputs against the first of an output
	lo = min(end, max(o, ceilDiv(max(0, -shift), h.Stride)))
	return lo, max(lo, min(end, ceilDiv(max(0, h.In-shift), h.Stride)))
}
