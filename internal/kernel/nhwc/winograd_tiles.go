package nhwc

import (
	"math"

	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/internal/kernel/winograd"
)

// callElements bounds the channels of all tiles that one call of a kernel transforms: some ten microseconds.
const callElements = 1 << 14

// runs calls f for the tiles [lo, hi), in runs of like tiles beside each other: the first, its image and strips, and how
// many.
func (t *tiled) runs(lo, hi, channels int, f func(at, image int, h, w *strip, count int)) {
	most := max(1, callElements/channels)
	for at := lo; at < hi; {
		col, row := at%len(t.w), at/len(t.w)
		w := &t.w[col]
		count := min(w.run, hi-at, most)
		f(at, row/len(t.h), &t.h[row%len(t.h)], w, count)
		at += count
	}
}

// input transforms the tiles [lo, hi) of the input into the block.
func (w *tileWork) input(r *tiledRun, b *tileBlock, lo, hi int) {
	g, a := &r.g, &w.in
	y, x := &g.Axes[0], &g.Axes[1]
	pitch := x.In * g.InC
	*a = winograd.InputArgs{X: r.a.X, C: b.channels(), ElemStep: b.step, Tmp: w.tmp}
	a.RowStep, a.ColStep = y.Dilation*pitch, x.Dilation*g.InC
	a.TileStep = r.m * a.ColStep
	kernel := r.kernels.Tile(r.m).Input
	r.runs(lo, hi, a.C, func(at, image int, sy, sx *strip, count int) {
		a.At = (image*y.In+sy.in)*pitch + sx.in*g.InC + b.c0
		a.Rows, a.Cols, a.Tiles = sy.inside, sx.inside, count
		a.V = b.v[(at-b.lo)*a.C:]
		kernel(a)
	})
}

// output transforms M back and finishes the pixels.
func (w *tileWork) output(r *tiledRun) {
	g, a := &r.g, &w.out
	y, x := &g.Axes[0], &g.Axes[1]
	pitch := x.Out * g.OutC
	*a = winograd.OutputArgs{C: w.c1 - w.c0, ElemStep: w.step, Y: r.a.Y, Bias: r.zeroBias, Tmp: w.tmp}
	if r.a.Bias != nil {
		a.Bias = r.a.Bias[w.c0:w.c1]
	}
	if !r.a.AddLast {
		a.Residual = r.a.Residual
	}
	late := r.setClip(a)
	a.RowStep, a.ColStep = y.Dilation*pitch, x.Dilation*g.OutC
	a.TileStep = r.m * a.ColStep
	kernel := r.kernels.Tile(r.m).Output
	r.runs(w.lo, w.hi, a.C, func(at, image int, sy, sx *strip, count int) {
		a.At = (image*y.Out+sy.out)*pitch + sx.out*g.OutC + w.c0
		a.Rows, a.Cols, a.Tiles = sy.count, sx.count, count
		a.M = w.m[(at-w.lo)*a.C:]
		kernel(a)
		if late {
			r.finish(a, (count-1)*r.m+sx.count)
		}
	})
}

// setClip gives the kernel an activation that it knows, and reports whether anything remains for finish.
func (r *tiledRun) setClip(a *winograd.OutputArgs) (late bool) {
	late = r.a.AddLast && r.a.Residual != nil
	switch act := r.a.Act; act.Kind {
	case gemm.None:
	case gemm.Relu:
		a.Clip, a.Lo, a.Hi = 1, 0, float32(math.Inf(1))
	case gemm.Clip:
		a.Clip, a.Lo, a.Hi = 1, act.Alpha, act.Beta
	default:
		late = true
	}
	return late
}

// finish does what the kernel did not to the pixels that it wrote, cols in each row.
func (r *tiledRun) finish(a *winograd.OutputArgs, cols int) {
	length := a.C
	if a.ColStep == a.C {
		cols, length = 1, cols*a.C
	}
	for i := range a.Rows {
		for j := range cols {
			at := a.At + i*a.RowStep + j*a.ColStep
			y := a.Y[at:][:length]
			if a.Clip == 0 {
				r.a.Act.Apply(y)
			}
			if r.a.AddLast && r.a.Residual != nil {
				vec.Add(y, y, r.a.Residual[at:][:length])
			}
		}
	}
}
