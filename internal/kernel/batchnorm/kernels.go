package batchnorm

import (
	"unsafe"

	"github.com/onnxrun/onnxrun/internal/cpu"
)

// A panel is the argument of a kernel: rows of a matrix whose columns are channels, and vectors with an element for each
// column. The generator knows the offsets of its fields.
type panel struct {
	x, dy, dx        *float32
	ld, rows, cols   int // elements between rows; rows > 0
	mean             *float32
	scale, bias      *float32 // the activation's input is (x-mean)*scale + bias
	sum, dot         *float32 // what is added up goes to these, which have room for whole vectors
	ofDY, ofX, fixed *float32 // dx = dy*ofDY + (x-mean)*ofX + fixed
	low, high, slope float32  // the activation's gradient is 1 between low and high, slope elsewhere
}

// A kernels is one row of the table: the variants of one instruction set.
type kernels struct {
	name                    string
	needs                   cpu.Feature
	moments                 func(*byte) // sum of x-mean, dot of its squares
	products, productsGated func(*byte) // sum of dy, dot of its products with x-mean
	combine, combineGated   func(*byte) // dx
	normalize, normalizeAdd func(*byte) // dx = (x-mean)*scale + bias, or that + dy, between low and high
}

var generic = kernels{
	name: "generic", moments: momentsGo, products: productsGo, productsGated: productsGatedGo, combine: combineGo, combineGated: combineGatedGo,
	normalize: normalizeGo, normalizeAdd: normalizeAddGo,
}

// active holds the kernels in use: the last row of the table that the processor can run.
var active = choose()

func choose() *kernels {
	k := &generic
	for i := range assembly {
		if cpu.Has(assembly[i].needs) {
			k = &assembly[i]
		}
	}
	return k
}

// maxLanes is the number of elements of the widest vectors.
const maxLanes = 16

// argument is how kernels see a panel, and panelAt what it is.
func (p *panel) argument() *byte { return (*byte)(unsafe.Pointer(p)) }
func panelAt(b *byte) *panel     { return (*panel)(unsafe.Pointer(b)) }

// row returns the elements of row i of a matrix.
func (p *panel) row(m *float32, i int) []float32 {
	return unsafe.Slice((*float32)(unsafe.Add(unsafe.Pointer(m), 4*i*p.ld)), p.cols)
}

// vector returns the elements of a vector.
func (p *panel) vector(v *float32) []float32 { return unsafe.Slice(v, p.cols) }

func momentsGo(b *byte) {
	p := panelAt(b)
	mean, sum, dot := p.vector(p.mean), p.vector(p.sum), p.vector(p.dot)
	for i := range p.rows {
		for j, v := range p.row(p.x, i) {
			d := v - mean[j]
			sum[j] += d
			dot[j] += d * d
		}
	}
}

// gate is the gradient in front of the activation for a column, at d = x-mean.
func (p *panel) gate(dy, d, scale, bias float32) float32 {
	if v := float32(d*scale) + bias; v > p.low && v < p.high {
		return dy
	}
	return dy * p.slope
}

func productsGo(b *byte)      { panelAt(b).products(false) }
func productsGatedGo(b *byte) { panelAt(b).products(true) }

func (p *panel) products(gated bool) {
	mean, sum, dot := p.vector(p.mean), p.vector(p.sum), p.vector(p.dot)
	for i := range p.rows {
		dy := p.row(p.dy, i)
		for j, v := range p.row(p.x, i) {
			g, d := dy[j], v-mean[j]
			if gated {
				g = p.gate(g, d, p.vector(p.scale)[j], p.vector(p.bias)[j])
			}
			sum[j] += g
			dot[j] += g * d
		}
	}
}

func combineGo(b *byte)      { panelAt(b).combine(false) }
func combineGatedGo(b *byte) { panelAt(b).combine(true) }

func (p *panel) combine(gated bool) {
	mean, ofDY, ofX, fixed := p.vector(p.mean), p.vector(p.ofDY), p.vector(p.ofX), p.vector(p.fixed)
	for i := range p.rows {
		dy, dx := p.row(p.dy, i), p.row(p.dx, i)
		for j, v := range p.row(p.x, i) {
			g, d := dy[j], v-mean[j]
			if gated {
				g = p.gate(g, d, p.vector(p.scale)[j], p.vector(p.bias)[j])
			}
			dx[j] = g*ofDY[j] + d*ofX[j] + fixed[j]
		}
	}
}

func normalizeGo(b *byte)    { panelAt(b).normalize(false) }
func normalizeAddGo(b *byte) { panelAt(b).normalize(true) }

func (p *panel) normalize(add bool) {
	mean, scale, bias := p.vector(p.mean), p.vector(p.scale), p.vector(p.bias)
	for i := range p.rows {
		y := p.row(p.dx, i)
		for j, v := range p.row(p.x, i) {
			v = float32((v-mean[j])*scale[j]) + bias[j]
			if add {
				v += p.row(p.dy, i)[j]
			}
			y[j] = min(max(v, p.low), p.high)
		}
	}
}
