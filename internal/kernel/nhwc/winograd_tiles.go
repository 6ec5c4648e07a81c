package nhwc

import (
	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/winograd"
)

// callElements bounds the channels of all tiles that one call of a kernel transforms: some ten microseconds.
const callElements = 1 << 14

// runs calls f for the tiles [lo, hi) of a view, in runs of like tiles beside each other: the first, its image and strips, and
// how many.
func (v *view) runs(lo, hi, channels int, f func(at, image int, h, w *strip, count int)) {
	most := max(1, callElements/channels)
	for at := lo; at < hi; {
		col, row := at%len(v.w), at/len(v.w)
		w := &v.w[col]
		count := min(w.run, hi-at, most)
		f(at, row/len(v.h), &v.h[row%len(v.h)], w, count)
		at += count
	}
}

// input transforms the tiles [lo, hi) of the input into the block.
func (w *tileWork) input(r *tiledRun, b *tileBlock, lo, hi int) {
	g, a := &r.g, &w.in
	y, x := &g.Axes[0], &g.Axes[1]
	pitch := x.In * r.a.XStep
	c := b.channels() / len(r.views)
	*a = winograd.InputArgs{X: r.a.X, C: c, ElemStep: b.step, TileRoom: b.room, Tmp: w.tmp}
	a.RowStep, a.ColStep = r.inStep[0]*pitch, r.inStep[1]*r.a.XStep
	a.TileStep = r.m * a.ColStep
	kernel := r.kernels.Of(r.size).Input
	for i := range r.views {
		r.views[i].runs(lo, hi, c, func(at, image int, sy, sx *strip, count int) {
			a.At = (image*y.In+sy.in)*pitch + sx.in*r.a.XStep + b.c0
			a.Rows, a.Cols, a.Tiles = sy.inside, sx.inside, count
			a.V = b.v[(at-b.lo)*b.room+i*c:]
			kernel(a)
		})
	}
}

// output transforms M back and finishes the pixels.
func (w *tileWork) output(r *tiledRun) {
	g, a := &r.g, &w.out
	y, x := &g.Axes[0], &g.Axes[1]
	pitch := x.Out * r.a.YStep
	*a = winograd.OutputArgs{C: w.c1 - w.c0, ElemStep: w.step, Y: r.a.Y, Bias: r.zeroBias, Tmp: w.tmp}
	if r.a.Bias != nil {
		a.Bias = r.a.Bias[w.c0:w.c1]
	}
	w.late = *r.a
	late := w.late.early(a)
	a.RowStep, a.ColStep = r.outStep[0]*pitch, r.outStep[1]*r.a.YStep
	a.TileStep = r.m * a.ColStep
	kernel := r.kernels.Of(r.size).Output
	r.views[0].runs(w.lo, w.hi, a.C, func(at, image int, sy, sx *strip, count int) {
		first := (image*y.Out+sy.out)*x.Out + sx.out
		a.At = first*r.a.YStep + w.c0
		a.Rows, a.Cols, a.Tiles = sy.count, sx.count, count
		a.M = w.m[(at-w.lo)*a.C:]
		kernel(a)
		for i := 0; late && i < a.Rows; i++ {
			w.late.finish(first+i*r.outStep[0]*x.Out, r.outStep[1], (count-1)*r.m+sx.count, w.c0, a.C)
		}
	})
}

// early gives the kernel what it can do of a, residual and activation, takes that out of a, and reports whether anything remains.
func (a *Args) early(k *winograd.OutputArgs) (late bool) {
	if !a.AddLast && a.ResidualStep == a.YStep {
		k.Residual, a.Residual = a.Residual, nil
	}
	if lo, hi, ok := clipBounds(a.Act); ok && (a.Residual == nil || a.AddLast) {
		if a.Act.Kind != gemm.None {
			k.Clip, k.Lo, k.Hi = 1, lo, hi
		}
		a.Act = gemm.Activation{}
	}
	return a.finishes() || a.Act.Kind != gemm.None
}
