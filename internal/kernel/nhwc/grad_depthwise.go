package nhwc

import (
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/conv"
	"github.com/onnxrun/onnxrun/internal/kernel/depthwise"
	"github.com/onnxrun/onnxrun/internal/kernel/panel"
	"github.com/onnxrun/onnxrun/internal/mem"
	"github.com/onnxrun/onnxrun/internal/par"
)

// gradDepthwise computes the gradients of depthwise filters: for a vector of channels, it copies the inputs that some rows
// of outputs see, with the padding around them, and the gradients of these outputs to memory of its own, and adds up their
// products for all kernel elements at once. The sums of parts of the images are added at the end.
type gradDepthwise struct {
	filterParts
	sum        depthwise.SumKernel
	rows       int // of outputs that are copied at once
	high, wide int // rows and columns of inputs that they see
	lanes      panel.Order
}

// gradRowElems bounds the inputs that are copied at once, a tenth of a second-level cache.
const gradRowElems = 24 << 10

func newGradDepthwise(g conv.Geom) filterGrad {
	if g.Rank > 3 || g.Groups != g.InC || g.InC == 1 || g.OutC > maxMultiplier*g.InC {
		return nil
	}
	d := &gradDepthwise{filterParts: filterParts{g: g, axes: axes(&g), k: depthwise.Best(), multiplier: g.OutC / g.InC}}
	h, w := &d.axes[1], &d.axes[2]
	for _, a := range d.axes {
		if !a.Framed() {
			return nil
		}
	}
	if d.sum = d.k.Sums(h.Kernel, w.Kernel); w.Dilation > 1 {
		d.sum = d.k.Sums(1, 1)
	}
	d.wide = (w.Out-1)*w.Stride + w.Extent()
	line := d.axes[0].Kernel * d.wide * d.k.Lanes
	d.rows = even(h.Out, max(1, (gradRowElems/line-h.Extent())/h.Stride+1))
	d.high = (d.rows-1)*h.Stride + h.Extent()
	d.cut(gradParts)
	d.together = even(d.blocks(), max(1, gradTogether/d.k.Lanes))
	d.lanes = d.lanesOrder()
	return d
}

// gradDepthwiseTask is a running gradDepthwise; chunks are some vectors of channels of a part.
type gradDepthwiseTask struct {
	*gradDepthwise
	a *GradWArgs
}

var gradDepthwiseTasks = sync.Pool{New: func() any { return new(gradDepthwiseTask) }}

func (d *gradDepthwise) run(a *GradWArgs) {
	t := gradDepthwiseTasks.Get().(*gradDepthwiseTask)
	t.gradDepthwise, t.a = d, a
	par.Run(a.Threads, d.chunks(), t)
	*t = gradDepthwiseTask{}
	gradDepthwiseTasks.Put(t)
	d.addUp(a.Scratch)
	taps, lanes := d.g.Taps(), d.k.Lanes
	for b := range d.blocks() {
		order := d.lanes.First(min(lanes, d.g.InC-b*lanes))
		for j := range d.multiplier {
			panel.Write(&panel.Args{
				Dst: a.Dw[(b*lanes*d.multiplier+j)*taps:], Src: a.Scratch[b*d.blockLen()+j*taps*lanes:],
				Order: order, Rows: taps, RowStep: lanes, Count: 1,
			})
		}
	}
}

// gradRowsWork is what a chunk works with.
type gradRowsWork struct {
	x, y  []float32
	sum   depthwise.SumArgs
	frame depthwise.FrameArgs
}

var gradRowsWorks mem.Pool[gradRowsWork]

// Chunk computes the sums of some vectors of channels over the planes of a part.
func (t *gradDepthwiseTask) Chunk(i int) {
	first, last, from, to, sums := t.chunk(i, t.a.Scratch)
	w := gradRowsWorks.Get()
	w.x = mem.Grow(w.x, t.axes[0].Kernel*t.high*t.wide*t.k.Lanes)
	w.y = mem.Grow(w.y, t.rows*t.axes[2].Out*t.k.Lanes)
	for p := from; p < to; p++ {
		for h := 0; h < t.axes[1].Out; h += t.rows {
			rows := min(t.rows, t.axes[1].Out-h)
			for b := first; b < last; b++ {
				c := b * t.k.Lanes
				t.inputs(w, p, h, rows, c)
				for j := range t.multiplier {
					t.gradients(w, p, h, rows, c, j)
					t.add(w, sums[(b-first)*t.blockLen()+j*t.g.Taps()*t.k.Lanes:], rows)
				}
			}
		}
	}
	w.sum, w.frame = depthwise.SumArgs{}, depthwise.FrameArgs{}
	gradRowsWorks.Put(w)
}

// inputs copies what rows outputs from row o of plane p on see of the channels from c on, for each kernel element along the
// first axis.
func (t *gradDepthwiseTask) inputs(w *gradRowsWork, p, o, rows, c int) {
	d, h, x := &t.axes[0], &t.axes[1], &t.axes[2]
	pitch := t.wide * t.k.Lanes
	high := (rows-1)*h.Stride + h.Extent()
	lo := min(t.wide, x.Lo) // columns [lo, hi) are inputs
	hi := max(lo, min(t.wide, x.In+x.Lo))
	first := o*h.Stride - h.Lo
	top := min(high, max(0, -first)) // rows [top, end) are inputs
	end := max(top, min(high, h.In-first))
	for k := range d.Kernel {
		to := w.x[k*t.high*pitch:][:high*pitch]
		id := p%d.Out*d.Stride + k*d.Dilation - d.Lo
		if id < 0 || id >= d.In || top == end || lo == hi {
			clear(to)
			continue
		}
		clear(to[:top*pitch])
		w.frame = depthwise.FrameArgs{
			Dst: to[top*pitch:], Rows: end - top, Cols: hi - lo, Lo: lo, Hi: t.wide - hi, Channels: min(t.k.Lanes, t.g.InC-c),
			Src: t.a.X[((p/d.Out*d.In+id)*h.In+first+top)*x.In*t.g.InC+c:], Row: x.In * t.g.InC, Pixel: t.g.InC,
		}
		t.k.Frame(&w.frame)
		clear(to[end*pitch:])
	}
}

// gradients copies those of output j of each channel from c on.
func (t *gradDepthwiseTask) gradients(w *gradRowsWork, p, o, rows, c, j int) {
	lanes, m, n := t.k.Lanes, t.multiplier, min(t.k.Lanes, t.g.InC-c)
	h, x := &t.axes[1], &t.axes[2]
	src := t.a.Dy[(p*h.Out+o)*x.Out*t.g.OutC+c*m+j:]
	if m == 1 {
		w.frame = depthwise.FrameArgs{Dst: w.y, Src: src, Rows: 1, Cols: rows * x.Out, Pixel: t.g.OutC, Channels: n}
		t.k.Frame(&w.frame)
		return
	}
	for i := range rows * x.Out {
		to := w.y[i*lanes:][:n]
		for k := range to {
			to[k] = src[i*t.g.OutC+k*m]
		}
	}
}

// add adds the products of what has been copied to the sums.
func (t *gradDepthwiseTask) add(w *gradRowsWork, sums []float32, rows int) {
	h, x, lanes := &t.axes[1], &t.axes[2], t.k.Lanes
	pitch := t.wide * lanes
	for line := 0; line < t.axes[0].Kernel*h.Kernel; line += t.sum.Lines {
		at := (line/h.Kernel*t.high + line%h.Kernel*h.Dilation) * pitch
		for k := 0; k < x.Kernel; k += t.sum.Taps {
			w.sum = depthwise.SumArgs{
				X: w.x[at+k*x.Dilation*lanes:], Y: w.y, Sums: sums[(line*x.Kernel+k)*lanes:], Rows: rows, Cols: x.Out,
				XRow: h.Stride * pitch, XCol: x.Stride * lanes, Line: h.Dilation * pitch,
			}
			t.sum.Run(&w.sum)
		}
	}
}
