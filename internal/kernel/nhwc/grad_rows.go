package nhwc

import (
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/conv"
	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/par"
)

// gradRows computes any gradient of a filter row of outputs by row, for each kernel element and group a product of a few
// pixels.
type gradRows struct {
	g conv.Geom
}

func newGradRows(g conv.Geom) filterGrad { return &gradRows{g} }

// scratch holds the gradient [Groups, Kernel..., InC/Groups, OutC/Groups].
func (r *gradRows) scratch() int { return r.g.OutC * r.g.InC / r.g.Groups * r.g.Taps() }

func (r *gradRows) run(a *GradWArgs) {
	t := gradRowsTasks.Get().(*gradRowsTask)
	*t = gradRowsTask{r, a}
	par.Run(a.Threads, r.g.Groups*r.g.Taps(), t)
	*t = gradRowsTask{}
	gradRowsTasks.Put(t)
}

// gradRowsTask is a running gradRows; chunks are the kernel elements of all groups.
type gradRowsTask struct {
	*gradRows
	a *GradWArgs
}

var gradRowsTasks = sync.Pool{New: func() any { return new(gradRowsTask) }}

// Chunk does one kernel element of one group.
func (r *gradRowsTask) Chunk(i int) {
	g, a := &r.g, r.a
	icg, ocg, taps := g.InC/g.Groups, g.OutC/g.Groups, g.Taps()
	dw := a.Scratch[i*icg*ocg:][:icg*ocg]
	clear(dw)
	group, t, last := i/taps, i%taps, g.Axes[g.Rank-1]
	k := t % last.Kernel * last.Dilation
	lo := min(last.Out, max(0, ceilDiv(last.Lo-k, last.Stride)))
	hi := max(lo, min(last.Out, ceilDiv(last.In+last.Lo-k, last.Stride)))
	for row := range g.Batch * g.OutSize() / last.Out {
		x, ok := inputRow(g, row, t)
		if !ok || lo == hi {
			continue
		}
		gemm.Run(&gemm.Args{
			M: icg, N: ocg, K: hi - lo, Accumulate: true,
			A: a.X[(x+lo*last.Stride+k-last.Lo)*g.InC+group*icg:], ARS: 1, ACS: last.Stride * g.InC,
			B: a.Dy[(row*last.Out+lo)*g.OutC+group*ocg:], BRS: g.OutC, BCS: 1,
			C: dw, LDC: ocg,
		})
	}
	for c := range icg {
		for o := range ocg {
			a.Dw[((group*ocg+o)*icg+c)*taps+t] = dw[c*ocg+o]
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
