package nhwc

import (
	"math"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/internal/kernel/winograd"
)

// tileBlock is the memory of a block of tiles on its way through the transforms: V and M hold a matrix of tiles by
// channels for each element.
type tileBlock struct {
	r            *tiledRun
	first        int // the tile in row 0 of the matrices
	v, m         []float32
	vStep, mStep int // from one element's matrix to the next
	buf          []float32
	items        []gemm.Item
	product1     gemm.Args
	tiles        tileArgs
}

// tileArgs are the arguments of the kernels, which would escape if they were variables.
type tileArgs struct {
	in  winograd.InputArgs
	out winograd.OutputArgs
	tmp []float32
}

var (
	tileBlocks     = sync.Pool{New: func() any { return &tileBlock{tiles: *newTileArgs()} }}
	tileKernelArgs = sync.Pool{New: func() any { return newTileArgs() }}
)

func newTileArgs() *tileArgs { return &tileArgs{tmp: alignedFloats(winograd.ScratchLen)} }

// matrixSlack separates the matrices of the elements, whose rows would share cache sets otherwise.
const matrixSlack = 16

// getBlock returns memory for the tiles [lo, hi).
func getBlock(r *tiledRun, lo, hi int) *tileBlock {
	b := tileBlocks.Get().(*tileBlock)
	b.r, b.first = r, lo
	e, count := r.n*r.n, hi-lo
	b.vStep, b.mStep = count*r.g.InC+matrixSlack, count*r.g.OutC+matrixSlack
	b.vStep, b.mStep = (b.vStep+15)&^15, (b.mStep+15)&^15
	if need := e * (b.vStep + b.mStep); cap(b.buf) < need {
		b.buf = alignedFloats(need)
	}
	b.v, b.m = b.buf[:e*b.vStep], b.buf[:cap(b.buf)][e*b.vStep:][:e*b.mStep]
	b.items = b.items[:0]
	for i := range e {
		b.items = append(b.items, gemm.Item{A: i * b.vStep, B: i, C: i * b.mStep})
	}
	b.product1 = gemm.Args{
		M: count, N: r.g.OutC, K: r.g.InC, A: b.v, ARS: r.g.InC, ACS: 1, C: b.m, LDC: r.g.OutC,
		Packed: r.a.Filter.packed.(*gemm.Packed), Batch: b.items,
	}
	return b
}

func (b *tileBlock) release() {
	b.r, b.product1 = nil, gemm.Args{}
	k := &b.tiles
	k.in.X, k.out.Y, k.out.Bias, k.out.Residual = nil, nil, nil, nil
	tileBlocks.Put(b)
}

// product multiplies the tiles with the filter, element by element.
func (b *tileBlock) product(threads int) {
	b.product1.Threads = threads
	gemm.Run(&b.product1)
}

// callTiles bounds the elements that one call of a kernel transforms: some ten microseconds.
const callTiles = 1 << 14

// runs calls f for the tiles [lo, hi), in runs of like tiles beside each other: image, row, column and number of tiles.
func (t *tiled) runs(lo, hi, channels int, f func(at, image int, h, w *strip, count int)) {
	most := max(1, callTiles/channels)
	for at := lo; at < hi; {
		col, row := at%len(t.w), at/len(t.w)
		w := &t.w[col]
		count := min(w.run, hi-at, most)
		f(at, row/len(t.h), &t.h[row%len(t.h)], w, count)
		at += count
	}
}

// input transforms the tiles [lo, hi) of the input.
func (b *tileBlock) input(k *tileArgs, lo, hi int) {
	r, g, a := b.r, &b.r.g, &k.in
	h, w := &g.Axes[0], &g.Axes[1]
	pitch := w.In * g.InC
	*a = winograd.InputArgs{X: b.r.a.X, C: g.InC, ElemStep: b.vStep, Tmp: k.tmp}
	a.RowStep, a.ColStep = h.Dilation*pitch, w.Dilation*g.InC
	a.TileStep = r.m * a.ColStep
	r.runs(lo, hi, g.InC, func(at, image int, sh, sw *strip, count int) {
		a.At = (image*h.In+sh.in)*pitch + sw.in*g.InC
		a.Rows, a.Cols, a.Tiles = sh.inside, sw.inside, count
		a.V = b.v[(at-b.first)*g.InC:]
		r.kernel.Input(a)
	})
}

// output transforms the products of the tiles [lo, hi) back and finishes the pixels.
func (b *tileBlock) output(k *tileArgs, lo, hi int) {
	r, g, a := b.r, &b.r.g, &k.out
	h, w := &g.Axes[0], &g.Axes[1]
	pitch := w.Out * g.OutC
	*a = winograd.OutputArgs{C: g.OutC, ElemStep: b.mStep, Y: r.a.Y, Bias: r.a.Bias, Tmp: k.tmp}
	if a.Bias == nil {
		a.Bias = r.zeroBias
	}
	if !r.a.AddLast {
		a.Residual = r.a.Residual
	}
	late := r.setClip(a)
	a.RowStep, a.ColStep = h.Dilation*pitch, w.Dilation*g.OutC
	a.TileStep = r.m * a.ColStep
	r.runs(lo, hi, g.OutC, func(at, image int, sh, sw *strip, count int) {
		a.At = (image*h.Out+sh.out)*pitch + sw.out*g.OutC
		a.Rows, a.Cols, a.Tiles = sh.count, sw.count, count
		a.M = b.m[(at-b.first)*g.OutC:]
		r.kernel.Output(a)
		if late {
			r.finish(a, (count-1)*r.m+sw.count)
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
