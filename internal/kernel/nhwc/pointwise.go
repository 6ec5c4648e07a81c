package nhwc

import (
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
	g     conv.Geom
	items []gemm.Item
}

func newPointwise(g conv.Geom) algorithm {
	for _, a := range g.Axes[:g.Rank] {
		if a.Kernel != 1 || a.Stride != 1 || a.Lo != 0 || a.Hi != 0 {
			return nil
		}
	}
	if g.Depthwise() {
		return nil
	}
	return &pointwise{g: g, items: groupItems(&g)}
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

func (p *pointwise) format() string { return "matrices" }

func (p *pointwise) pack(room *mem.Room, w []float32) (any, int) { return packMatrices(room, &p.g, w) }

func (p *pointwise) scratch() int { return 0 }

func (p *pointwise) run(a *Args) {
	r := products.Get().(*product)
	r.args = gemm.Args{A: a.X, ARS: p.g.InC, ACS: 1}
	r.run(&p.g, p.items, a)
}

// product is a running convolution by matrix products; it is what PackRows reads.
type product struct {
	args  gemm.Args
	d     *dense
	x     []float32
	first int // output position of the first row
}

var products = sync.Pool{New: func() any { return new(product) }}

// run completes the arguments, whose left side is set, computes the products and hands r back.
func (r *product) run(g *conv.Geom, items []gemm.Item, a *Args) {
	t := &r.args
	t.M, t.N, t.K = g.Batch*g.OutSize(), g.OutC/g.Groups, g.InC/g.Groups*g.Taps()
	t.Packed, t.Batch = a.Filter.packed.(*gemm.Packed), items
	t.C, t.LDC, t.Threads = a.Y, g.OutC, a.Threads
	t.Epilogue = gemm.Epilogue{ColBias: a.Bias, Residual: a.Residual, LDR: g.OutC, AddLast: a.AddLast, Act: a.Act}
	gemm.Run(t)
	*r = product{}
	products.Put(r)
}

// packMatrices packs the filter w [OutC, InC/Groups, Kernel...] as one matrix [Kernel..., InC/Groups, OutC/Groups] for each
// group.
func packMatrices(room *mem.Room, g *conv.Geom, w []float32) (any, int) {
	icg, ocg, taps := g.InC/g.Groups, g.OutC/g.Groups, g.Taps()
	k := icg * taps
	p := gemm.NewPackedIn(room, g.Groups, k, ocg)
	if room.Filled() {
		return p, p.Bytes()
	}
	data, width := p.Panels()
	if width == 0 {
		rows := make([]float32, k*ocg)
		for i := range g.Groups {
			transpose(rows, w[i*k*ocg:], ocg, icg, taps)
			p.Set(i, rows, 1, k)
		}
		return p, p.Bytes()
	}
	order := panel.Interleaved(icg, taps, width)
	for range g.Groups {
		for oc := 0; oc < ocg; oc += width {
			n := min(width, ocg-oc)
			panel.Write(&panel.Args{Dst: data, Src: w, Order: order, Rows: n, RowStep: k, Count: 1})
			data, w = data[k*width:], w[k*n:]
		}
	}
	return p, p.Bytes()
}

// axes returns the last three axes of g, whose rank is at most 3; the ones it lacks have length 1.
func axes(g *conv.Geom) [3]window.Axis {
	list := [3]window.Axis{window.One, window.One, window.One}
	copy(list[3-g.Rank:], g.Axes[:g.Rank])
	return list
}
