package nhwc

import (
	"unsafe"

	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/winograd"
	"github.com/onnxrun/onnxrun/internal/mem"
)

// tileBlock holds V of the tiles [lo, hi) and input channels [c0, c1): for each element a matrix of tiles by channels.
type tileBlock struct {
	lo, hi int
	c0, c1 int
	v      []float32
	step   int // from one element's matrix to the next
	room   int // from one tile to the next
}

// lineFloats is the number of elements of a cache line.
const lineFloats = mem.Alignment / 4

// matrixStep is the distance of matrices of n elements. They begin on cache lines, and not all in the same set.
func matrixStep(n int) int { return (n+lineFloats-1)&^(lineFloats-1) + lineFloats }

// tileRoom is the distance of the channels of tiles, which would meet in few sets of the first-level cache if it were a multiple of
// so many elements.
func tileRoom(channels int) int {
	const sets = 512
	if channels%sets == 0 {
		channels += lineFloats
	}
	return channels
}

// blockLen is how many elements one element of the transform takes in V of so many tiles.
func blockLen(tiles, channels int) int { return matrixStep(tiles * tileRoom(channels)) }

// place lays out V of the tiles [lo, hi) and channels [c0, c1) in memory that is long enough.
func (b *tileBlock) place(lo, hi, c0, c1 int, v []float32) {
	*b = tileBlock{lo, hi, c0, c1, v, blockLen(hi-lo, c1-c0), tileRoom(c1 - c0)}
}

// channels is how many input channels the block has.
func (b *tileBlock) channels() int { return b.c1 - b.c0 }

// aligned cuts the elements before the first cache line.
func aligned(x []float32) []float32 {
	return x[int(-uintptr(unsafe.Pointer(unsafe.SliceData(x)))%mem.Alignment)/4:]
}

// tileWork is what a goroutine needs: M of the tiles [lo, hi) and output channels [c0, c1), matrices U of the filter, V of
// a block of its own, and arguments of kernels, which would escape if they were variables.
type tileWork struct {
	lo, hi, c0, c1 int
	m              []float32
	step           int // from one element's matrix in m to the next
	u, v           []float32
	block          tileBlock
	items          []gemm.Item
	args           gemm.Args
	in             winograd.InputArgs
	out            winograd.OutputArgs
	fil            winograd.FilterArgs
	win            winograd.WindowArgs
	late           Args // what the kernels leave of residual and activation
	tmp            []float32

	windows []float32     // of a panel of the filter
	packing windowPacking // of it
}

var tileWorks = mem.Pool[tileWork]{New: func() *tileWork { return &tileWork{tmp: mem.Floats(winograd.ScratchLen)} }}

// release hands w back, without what belongs to the caller.
func (w *tileWork) release() {
	w.args, w.in, w.out, w.fil, w.block = gemm.Args{}, winograd.InputArgs{}, winograd.OutputArgs{}, winograd.FilterArgs{}, tileBlock{}
	w.late, w.win, w.packing = Args{}, winograd.WindowArgs{}, windowPacking{}
	tileWorks.Put(w)
}

// channels says which tiles and output channels the next products are, and lays out M.
func (w *tileWork) channels(r *tiledRun, b *tileBlock, lo, hi, c0, c1 int) {
	w.lo, w.hi, w.c0, w.c1 = lo, hi, c0, c1
	w.step = matrixStep((hi - lo) * (c1 - c0))
	w.m = mem.Grow(w.m, r.n*r.n*w.step)
	w.args = gemm.Args{
		M: hi - lo, N: c1 - c0, K: r.inC, A: b.v[(lo-b.lo)*b.room:], ARS: b.room, ACS: 1, C: w.m, LDC: c1 - c0,
	}
}

// product multiplies a block with the filter of the groups [g0, g1), element by element and group by group.
func (w *tileWork) product(r *tiledRun, b *tileBlock, g0, g1 int) {
	w.items = w.items[:0]
	for e := range r.n * r.n {
		for g := range g1 - g0 {
			w.items = append(w.items, gemm.Item{A: e*b.step + g*r.icg, B: e*r.g.Groups + g0 + g, C: e*w.step + g*r.ocg})
		}
	}
	w.args.K, w.args.N = r.icg, r.ocg
	w.args.Packed, w.args.Batch = &r.a.Filter.packed.matrices, w.items
	gemm.Run(&w.args)
}

// freshChannels is how many input channels of the filter are transformed at a time: the matrices of a group fit in the
// second-level cache. It is also gemm's block of K, so that sums are rounded as with a filter that is kept.
const freshChannels = 256

// panel multiplies the shared block with panel i of the filter, group by group of the elements.
func (w *tileWork) panel(r *tiledRun, i int) {
	f := &r.filter
	w.args.BRS, w.args.BCS = f.width, 1
	groups := r.size.Groups()
	var windows []float32
	if r.fresh {
		windows = f.windows(w, i)
	}
	for group, first := range groups[:len(groups)-1] {
		elements := groups[group+1] - first
		if r.fresh {
			w.freshPanel(r, windows, i, group, first, elements)
			continue
		}
		plane := f.panels * f.size
		w.args.B = f.data[first*plane+i*f.size:]
		w.multiply(r, first, elements, plane)
	}
}

// freshPanel does one group, so many elements from the first, and transforms the filter's windows of panel i on the way.
func (w *tileWork) freshPanel(r *tiledRun, windows []float32, i, group, first, elements int) {
	f, a := &r.filter, w.args
	plane := matrixStep(min(freshChannels, r.inC) * f.width)
	w.u = mem.Grow(w.u, elements*plane)
	for c := 0; c < r.inC; c += freshChannels {
		end := min(c+freshChannels, r.inC)
		f.part(&w.fil, windows, group, c, end, w.u, plane)
		w.args.A, w.args.K, w.args.B, w.args.Accumulate = a.A[c:], end-c, w.u, c > 0
		w.args.Next = f.next(i, group, end)
		w.multiply(r, first, elements, plane)
	}
	w.args = a
}

// multiply computes the products of some elements, whose matrices of the filter begin plane elements apart.
func (w *tileWork) multiply(r *tiledRun, first, count, plane int) {
	w.items = w.items[:0]
	for j := range count {
		e := first + j
		w.items = append(w.items, gemm.Item{A: e * r.whole.step, B: j * plane, C: e * w.step})
	}
	w.args.Batch = w.items
	gemm.Run(&w.args)
}
