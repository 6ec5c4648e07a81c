package nhwc

import (
	"slices"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/conv"
	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
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

func (p *pointwise) pack(w []float32) (any, int) { return packMatrices(&p.g, w) }

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
func packMatrices(g *conv.Geom, w []float32) (any, int) {
	icg, ocg, taps := g.InC/g.Groups, g.OutC/g.Groups, g.Taps()
	k := icg * taps
	p := gemm.NewPacked(g.Groups, k, ocg)
	if taps == 1 {
		for i := range g.Groups {
			p.Set(i, w[i*k*ocg:][:k*ocg], 1, k)
		}
		return p, p.Bytes()
	}
	rows := packRows.Get().(*[]float32) // some [Kernel..., InC/Groups] at a time
	forRows(p, ocg, k, rows, func(first, n int, rows []float32) {
		for i := range g.Groups {
			transpose(rows, w[(i*ocg+first)*k:][:n*k], n, icg, taps)
			p.SetColumns(i, first, n, rows, 1, k)
		}
	})
	packRows.Put(rows)
	return p, p.Bytes()
}

// packRows are the buffers of packing, which for a whole filter would take as much memory as that.
var packRows = sync.Pool{New: func() any { return new([]float32) }}

// rowElems is about how many elements of a filter are transformed before they are packed: half a second cache.
const rowElems = 128 << 10

// forRows calls pack for groups of the rows of a filter [rows, size], of which p makes columns, with a buffer of n*size
// elements.
func forRows(p *gemm.Packed, rows, size int, buf *[]float32, pack func(first, n int, buf []float32)) {
	step := max(1, rowElems/max(size*p.Width(), 1)) * p.Width()
	*buf = slices.Grow((*buf)[:0], min(step, rows)*size)
	for first := 0; first < rows; first += step {
		n := min(step, rows-first)
		pack(first, n, (*buf)[:n*size])
	}
}

// axes returns the last three axes of g, whose rank is at most 3; the ones it lacks have length 1.
func axes(g *conv.Geom) [3]window.Axis {
	list := [3]window.Axis{window.One, window.One, window.One}
	copy(list[3-g.Rank:], g.Axes[:g.Rank])
	return list
}
