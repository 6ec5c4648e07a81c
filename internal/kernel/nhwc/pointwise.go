package nhwc

import (
	"slices"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/conv"
	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/panel"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
	"github.com/onnxrun/onnxrun/internal/mem"
)

// pointwise computes convolutions of single elements at stride 1: products of the pixels as they lie with the filter, one
// for each group.
type pointwise struct {
	g      conv.Geom
	items  []gemm.Item // B counts matrices
	turned bool
}

func newPointwise(g conv.Geom) algorithm {
	if g.Depthwise() || !isPointwise(g.Axes[:g.Rank]) {
		return nil
	}
	return &pointwise{g: g, items: groupItems(&g)}
}

// isPointwise reports whether windows along these axes are single elements at stride 1, without padding.
func isPointwise(list []window.Axis) bool {
	return !slices.ContainsFunc(list, func(a window.Axis) bool { return a.Kernel != 1 || a.Stride != 1 || a.Lo != 0 || a.Out != a.In })
}

// groupItems lists the products of the groups.
func groupItems(g *conv.Geom) []gemm.Item {
	icg, ocg := g.InC/g.Groups, g.OutC/g.Groups
	items := make([]gemm.Item, g.Groups)
	for i := range items {
		items[i] = gemm.Item{A: i * icg, B: i, C: i * ocg, Residual: i * ocg, ColBias: i * ocg}
	}
	return items
}

func (p *pointwise) format() string {
	if p.turned {
		return "turned matrices"
	}
	return "matrices"
}

func (p *pointwise) filterLen() int { return matricesLen(&p.g) }

// pack packs the filter [Groups, OutC/Groups, InC/Groups], or if it is turned one [Groups, InC/Groups, OutC/Groups].
func (p *pointwise) pack(f *packed, w []float32, room *mem.Room) {
	k, n := p.g.InC/p.g.Groups, p.g.OutC/p.g.Groups
	if !p.turned {
		p.packRows(f, filterRows{elems: w, each: p.rowLen()}, room)
		return
	}
	f.matrices.Place(room, p.g.Groups, k, n)
	if room.Filled() {
		return
	}
	for i := range p.g.Groups {
		f.matrices.Set(i, w[i*k*n:][:k*n], n, 1)
	}
}

func (p *pointwise) rowLen() int { return p.g.InC / p.g.Groups }

// packRows packs a filter that is not turned.
func (p *pointwise) packRows(f *packed, w filterRows, room *mem.Room) {
	k, n := p.g.InC/p.g.Groups, p.g.OutC/p.g.Groups
	f.matrices.Place(room, p.g.Groups, k, n)
	if room.Filled() {
		return
	}
	s := window.GetScratch(0)
	defer s.Release()
	step := ceilDiv(rowElems, k*f.matrices.Width()) * f.matrices.Width()
	for i := range p.g.Groups {
		for oc := 0; oc < n; oc += step {
			count := min(step, n-oc)
			f.matrices.SetColumns(i, oc, count, w.of(s, i*n+oc, count), 1, k)
		}
	}
}

func (p *pointwise) scratch() int { return 0 }

func (p *pointwise) run(a *Args) {
	r := products.Get().(*product)
	r.args = gemm.Args{A: a.X, ARS: a.XStep, ACS: 1}
	r.run(&p.g, p.items, a)
}

// product is a running convolution by matrix products; it is what PackRows reads.
type product struct {
	args  gemm.Args
	d     *dense
	x     []float32
	step  int // from one pixel of x to the next
	first int // output position of the first row
	items []gemm.Item
}

var products = sync.Pool{New: func() any { return new(product) }}

// run completes the arguments, whose left side is set, computes the products and hands r back.
func (r *product) run(g *conv.Geom, items []gemm.Item, a *Args) {
	t := &r.args
	t.M, t.N, t.K = g.Batch*g.OutSize(), g.OutC/g.Groups, g.InC/g.Groups*g.Taps()
	if t.Batch = items; !t.AsPacked {
		t.Packed = &a.Filter.packed.matrices
	}
	t.C, t.LDC, t.Threads = a.Y, a.YStep, a.Threads
	t.Epilogue = gemm.Epilogue{ColBias: a.Bias, Residual: a.Residual, LDR: a.ResidualStep, AddLast: a.AddLast, Act: a.Act, ColScale: a.Scale, ColShift: a.Shift}
	gemm.Run(t)
	*r = product{}
	products.Put(r)
}

// matricesLen is how many elements packMatrices takes.
func matricesLen(g *conv.Geom) int {
	return gemm.PackedLen(g.Groups, g.InC/g.Groups*g.Taps(), g.OutC/g.Groups)
}

// packMatrices packs the filter w [OutC, InC/Groups, Kernel...] as one matrix [Kernel..., InC/Groups, OutC/Groups] for each
// group.
func (d *dense) packMatrices(f *packed, w filterRows, room *mem.Room) {
	g := &d.g
	icg, ocg, taps := g.InC/g.Groups, g.OutC/g.Groups, g.Taps()
	k := icg * taps
	f.matrices.Place(room, g.Groups, k, ocg)
	if room.Filled() {
		return
	}
	rows := window.GetScratch(0)
	defer rows.Release()
	data, width := f.matrices.Panels()
	if width == 0 {
		s := window.GetScratch(k * ocg)
		for i := range g.Groups {
			transpose(s.Buf, w.of(rows, i*ocg, ocg), ocg, icg, taps)
			f.matrices.Set(i, s.Buf, 1, k)
		}
		s.Release()
		return
	}
	order := d.order.of(icg, taps, width)
	for i := range g.Groups {
		for oc := 0; oc < ocg; oc += width {
			n := min(width, ocg-oc)
			panel.Write(&panel.Args{Dst: data, Src: w.of(rows, i*ocg+oc, n), Order: order, Rows: n, RowStep: k, Count: 1})
			data = data[k*width:]
		}
	}
}

// interleaving keeps an order from one packing to the next.
type interleaving struct {
	lock  sync.Mutex
	width int
	order panel.Order
}

// of returns the order of rows [outer, inner] for panels of that width; the other two are always the same.
func (i *interleaving) of(outer, inner, width int) panel.Order {
	return i.keep(width, func() panel.Order { return panel.Interleaved(outer, inner, width) })
}

// keep returns the order for panels of that width, which is made if another was asked for before.
func (i *interleaving) keep(width int, of func() panel.Order) panel.Order {
	i.lock.Lock()
	defer i.lock.Unlock()
	if i.width != width {
		i.order, i.width = of(), width
	}
	return i.order
}

// axes returns the last three axes of g, whose rank is at most 3; the ones it lacks have length 1.
func axes(g *conv.Geom) [3]window.Axis {
	list := [3]window.Axis{window.One, window.One, window.One}
	copy(list[3-g.Rank:], g.Axes[:g.Rank])
	return list
}
