package nhwc

import (
	"slices"

	"github.com/onnxrun/onnxrun/internal/kernel/conv"
	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/panel"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
	"github.com/onnxrun/onnxrun/internal/mem"
)

// tapwise computes convolutions most of whose windows lie in the padding, because their dilation is large or the map is small:
// for each kernel element a product of the pixels that it sees, which is added to their outputs.
type tapwise struct {
	g     conv.Geom
	taps  []tap // those that reach few outputs first, one that reaches all last
	order interleaving
}

// tap is a kernel element: the rows of outputs that it reaches, of the same length, with the pixels that it sees there.
type tap struct {
	rows  []gemm.Item // for pixels that lie together
	width int
	step  int // pixels from one of the input to the next
}

// outputs is how many outputs the element reaches.
func (t *tap) outputs() int { return len(t.rows) * t.width }

const (
	// tapwiseShare is the most of its windows that a convolution may see of the input; tapwiseK the least length of a product: sums
	// are read and written again for each kernel element.
	tapwiseShare, tapwiseK = 0.9, 32
)

func newTapwise(g conv.Geom) algorithm {
	if g.Rank > 3 || !sparse(&g) {
		return nil
	}
	t := &tapwise{g: g}
	list := axes(&g)
	for k := range g.Taps() {
		if tap := newTap(&g, list, k); tap.outputs() > 0 {
			t.taps = append(t.taps, tap)
		}
	}
	slices.SortStableFunc(t.taps, func(a, b tap) int { return a.outputs() - b.outputs() })
	if n := len(t.taps); n == 0 || t.taps[n-1].outputs() < g.Batch*g.OutSize() {
		return nil
	}
	return t
}

// sparse tells whether products for each kernel element pay for g.
func sparse(g *conv.Geom) bool {
	return g.Groups == 1 && g.InC >= tapwiseK && g.Taps() > 1 && g.OutSize() > 0 && seen(g) <= tapwiseShare
}

// seen is the part of its windows in which a convolution sees input.
func seen(g *conv.Geom) float64 {
	share := 1.0
	for _, a := range g.Axes[:g.Rank] {
		n := 0
		for k := range a.Kernel {
			lo, hi := reach(a, k)
			n += hi - lo
		}
		share *= float64(n) / float64(a.Out*a.Kernel)
	}
	return share
}

// newTap lists the rows of kernel element k.
func newTap(g *conv.Geom, list [3]window.Axis, k int) tap {
	d, h, w := list[0], list[1], list[2]
	kd, kh, kw := k/w.Kernel/h.Kernel, k/w.Kernel%h.Kernel, k%w.Kernel
	d0, d1 := reach(d, kd)
	h0, h1 := reach(h, kh)
	w0, w1 := reach(w, kw)
	t := tap{width: w1 - w0, step: w.Stride}
	for n := range g.Batch {
		for od := d0; od < d1; od++ {
			for oh := h0; oh < h1; oh++ {
				in := ((n*d.In+at(d, od, kd))*h.In+at(h, oh, kh))*w.In + at(w, w0, kw)
				out := ((n*d.Out+od)*h.Out+oh)*w.Out + w0
				t.rows = append(t.rows, gemm.Item{A: in * g.InC, B: k, C: out * g.OutC, Residual: out * g.OutC})
			}
		}
	}
	return t
}

// at is the input that element k of the window of output o reads.
func at(a window.Axis, o, k int) int { return o*a.Stride + k*a.Dilation - a.Lo }

// reach returns the outputs [lo, hi) whose element k sees input.
func reach(a window.Axis, k int) (lo, hi int) {
	first := k*a.Dilation - a.Lo // of output 0
	lo = max(0, ceilDiv(-first, a.Stride))
	hi = min(a.Out, ceilDiv(a.In-first, a.Stride))
	return lo, max(lo, hi)
}

func (t *tapwise) format() string { return "matrices of kernel elements" }

func (t *tapwise) filterLen() int { return gemm.PackedLen(t.g.Taps(), t.g.InC, t.g.OutC) }

// pack packs the filter [OutC, InC, Kernel...] as one matrix [InC, OutC] for each kernel element.
func (t *tapwise) pack(f *packed, w []float32, room *mem.Room) {
	g := &t.g
	taps, k := g.Taps(), g.InC*g.Taps()
	f.matrices.Place(room, taps, g.InC, g.OutC)
	if room.Filled() {
		return
	}
	data, width := f.matrices.Panels()
	if width == 0 {
		for i := range taps {
			f.matrices.Set(i, w[i:], taps, k)
		}
		return
	}
	matrix := len(data) / taps
	order := t.order.keep(width, func() panel.Order { return tapOrder(g.InC, taps, width, matrix) })
	for oc := 0; oc < g.OutC; oc += width {
		panel.Write(&panel.Args{Dst: data[oc*g.InC:], Src: w[oc*k:], Order: order, Rows: min(width, g.OutC-oc), RowStep: k, Count: 1})
	}
}

// tapOrder is the order that makes rows [channels, taps] columns of panels [channels, width] in matrices of so many elements, one
// for each tap.
func tapOrder(channels, taps, width, matrix int) panel.Order {
	places := make([]int32, 0, channels*taps)
	for c := range channels {
		for k := range taps {
			places = append(places, int32(k*matrix+c*width))
		}
	}
	return panel.NewOrder(places)
}

func (t *tapwise) scratch() int { return 0 }

func (t *tapwise) run(a *Args) {
	g := &t.g
	e := gemm.Epilogue{ColBias: a.Bias, Residual: a.Residual, LDR: a.ResidualStep, AddLast: a.AddLast, Act: a.Act, ColScale: a.Scale, ColShift: a.Shift}
	if a.Residual == nil || &a.Residual[0] != &a.Y[0] {
		a.clear(g.Batch*g.OutSize(), g.OutC)
	} else {
		e.Residual = nil // the sums begin with it
	}
	r := products.Get().(*product)
	r.args = gemm.Args{N: g.OutC, K: g.InC, A: a.X, ACS: 1, Packed: &a.Filter.packed.matrices, C: a.Y, LDC: a.YStep, Threads: a.Threads, Accumulate: true}
	p, last := &r.args, len(t.taps)-1
	for i := range t.taps {
		if i == last {
			p.Epilogue = e
		}
		p.M, p.ARS, p.Batch = t.taps[i].width, t.taps[i].step*a.XStep, t.rows(r, i, a)
		gemm.Run(p)
	}
	*r = product{items: r.items}
	products.Put(r)
}

// rows are those of tap i for pixels that lie as in a.
func (t *tapwise) rows(r *product, i int, a *Args) []gemm.Item {
	g, rows := &t.g, t.taps[i].rows
	if a.XStep == g.InC && a.YStep == g.OutC && a.ResidualStep == g.OutC {
		return rows
	}
	r.items = r.items[:0]
	for _, it := range rows {
		r.items = append(r.items, gemm.Item{A: it.A / g.InC * a.XStep, B: it.B, C: it.C / g.OutC * a.YStep, Residual: it.Residual / g.OutC * a.ResidualStep})
	}
	return r.items
}
