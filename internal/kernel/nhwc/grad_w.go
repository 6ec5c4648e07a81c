package nhwc

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/kernel/conv"
	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
)

// GradW computes the gradient of a convolution with respect to its filter: for each kernel element, the products of the
// inputs that it reads with the gradient of the output, summed over the pixels. It is immutable and may be shared.
type GradW struct {
	g conv.Geom
}

// GradWArgs are the operands of one run: X [Batch, In..., InC], Dy [Batch, Out..., OutC], and Dw [OutC, InC/Groups,
// Kernel...], which is set.
type GradWArgs struct {
	X, Dy, Dw []float32
	Scratch   []float32 // GradW.Scratch() elements of unknown content
	Threads   int
}

// NewGradW prepares the gradient of the filter of the convolution g.
func NewGradW(g conv.Geom) *GradW { return &GradW{g} }

// Scratch returns how many floats of scratch memory a run wants.
func (p *GradW) Scratch() int { return p.g.OutC * p.g.InC / p.g.Groups * p.g.Taps() }

// Run computes the gradient. It allocates nothing in steady state. Slices shorter than the geometry asks for panic.
func (p *GradW) Run(a *GradWArgs) {
	g := &p.g
	n := g.OutC * (g.InC / g.Groups) * g.Taps()
	if len(a.X) < g.Batch*g.InC*g.InSize() || len(a.Dy) < g.Batch*g.OutC*g.OutSize() || len(a.Dw) < n || len(a.Scratch) < p.Scratch() {
		panic(fmt.Sprintf("nhwc: operands of %d, %d, %d and %d elements are too short for %+v", len(a.X), len(a.Dy), len(a.Dw), len(a.Scratch), *g))
	}
	p.products(a, a.Scratch[:n])
}

// products adds up dw [Groups, Kernel..., InC/Groups, OutC/Groups] row of outputs by row.
func (p *GradW) products(a *GradWArgs, dw []float32) {
	g := &p.g
	icg, ocg, taps := g.InC/g.Groups, g.OutC/g.Groups, g.Taps()
	clear(dw)
	last := g.Axes[g.Rank-1]
	rows := 0
	if last.Out > 0 {
		rows = g.Batch * g.OutSize() / last.Out
	}
	for row := range rows {
		for t := range taps {
			x, ok := inputRow(g, row, t)
			if !ok {
				continue
			}
			k := t % last.Kernel * last.Dilation
			lo := min(last.Out, max(0, ceilDiv(last.Lo-k, last.Stride)))
			hi := max(lo, min(last.Out, ceilDiv(last.In+last.Lo-k, last.Stride)))
			if lo == hi {
				continue
			}
			for i := range g.Groups {
				gemm.Run(&gemm.Args{
					M: icg, N: ocg, K: hi - lo, Accumulate: true,
					A: a.X[(x+lo*last.Stride+k-last.Lo)*g.InC+i*icg:], ARS: 1, ACS: last.Stride * g.InC,
					B: a.Dy[(row*last.Out+lo)*g.OutC+i*ocg:], BRS: g.OutC, BCS: 1,
					C: dw[(i*taps+t)*icg*ocg:], LDC: ocg, Threads: a.Threads,
				})
			}
		}
	}
	for i := range g.Groups {
		for t := range taps {
			from := dw[(i*taps+t)*icg*ocg:][:icg*ocg]
			for c := range icg {
				for o := range ocg {
					a.Dw[((i*ocg+o)*icg+c)*taps+t] = from[c*ocg+o]
				}
			}
		}
	}
}

// inputRow returns the pixel at which the row of inputs begins that kernel element t of a row of outputs reads; ok is false
// if it lies outside.
func inputRow(g *conv.Geom, row, t int) (pixel int, ok bool) {
	last := g.Rank - 1
	size := g.Axes[last].In
	t /= g.Axes[last].Kernel
	for i := last - 1; i >= 0; i-- {
		x := g.Axes[i]
		at := row%x.Out*x.Stride + t%x.Kernel*x.Dilation - x.Lo
		if at < 0 || at >= x.In {
			return 0, false
		}
		pixel += at * size
		size *= x.In
		row, t = row/x.Out, t/x.Kernel
	}
	return pixel + row*size, true
}
