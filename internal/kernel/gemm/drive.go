package gemm

import (
	"math"
	"unsafe"

	"github.com/onnxrun/onnxrun/internal/kernel/panel"
	"github.com/onnxrun/onnxrun/internal/mem"
)

// scratch is what one goroutine needs: kernel arguments (which escape, since kernels
// are called through pointers) and a buffer for packed tiles.
type scratch struct {
	tile tileArgs
	dot  dotArgs
	axpy axpyArgs
	pack packArgs
	buf  []float32
	left []float32 // see block.packLeft
	segs []segment // where the columns of A lie that a block of K takes
	one  segment   // the same for columns that were copied together

	places      panel.Order // of packK elements of a column in panels of placesWidth
	placesWidth int

	column [kc]float32
}

var scratches mem.Pool[scratch]

// floats returns the buffer with n elements of unknown content.
func (s *scratch) floats(n int) []float32 {
	s.buf = mem.Grow(s.buf, n)
	return s.buf
}

// leftFloats returns room for n elements of A, of unknown content.
func (s *scratch) leftFloats(n int) []float32 {
	s.left = mem.Grow(s.left, n)
	return s.left
}

// Chunk computes one block of C, or of several products.
func (t *task) Chunk(i int) {
	s := scratches.Get()
	b := block{t: t, s: s}
	blocks := t.mBlocks * t.nBlocks
	first := i / blocks * t.group
	last := min(first+t.group, max(1, len(t.Batch)))
	i %= blocks
	b.cut(i%t.mBlocks*t.mc, i/t.mBlocks*t.nc)
	switch {
	case t.shared:
		b.first, b.last = first, last
		b.run()
	case t.repeated:
		b.first, b.last = first, last
		b.repeat()
	default:
		for b.first = first; b.first < last; b.first++ {
			b.last = b.first + 1
			b.run()
		}
	}
	s.tile = tileArgs{}
	scratches.Put(s)
}

// block is a part of C on its way through the kernels, in each of the products
// [first, last), which share B if they are several.
type block struct {
	t              *task
	s              *scratch
	first, last    int
	at             Item // of the product at hand
	item           int  // its index
	m0, m1, n0, n1 int
	r0, r1         int       // the rows that go through the panels together
	left           []float32 // these rows in the current block of K, if they are copied together
	after          uintptr   // what is read after the last panel: packed elements, or 0
	below          below     // what the rows after these read and write
	finishes       bool      // something is to be done to the tiles of this block of K; see finish
}

// cut sets the block that starts at row m and column n.
func (b *block) cut(m, n int) {
	b.m0, b.m1 = m, min(m+b.t.mc, b.t.M)
	b.n0, b.n1 = n, min(n+b.t.nc, b.t.N)
	b.r0, b.r1 = b.m0, b.m1
}

// enter sets the product at hand.
func (b *block) enter(item int) {
	b.item = item
	if b.t.Batch != nil {
		b.at = b.t.Batch[item]
	}
}

// run computes the block of the products.
func (b *block) run() {
	t := b.t
	b.enter(b.first)
	if t.form != tiled {
		b.stream()
		return
	}
	for k0 := 0; ; k0 += t.kb {
		k1 := min(k0+t.kb, t.K)
		b.setFlags(k0 == 0, k1 == t.K)
		b.setSegments(k0, k1)
		b.kBlock(k0, k1)
		if k1 == t.K {
			break
		}
	}
}

// setFlags prepares the parts of the kernel arguments that hold for one block of K.
func (b *block) setFlags(first, last bool) {
	t, a, e := b.t, &b.s.tile, &b.t.Epilogue
	a.flags, b.finishes = 0, false
	if !first || t.Accumulate {
		a.flags |= flagLoad
	}
	if t.kb >= prefetchMinK || t.farC && t.kb >= prefetchFarK {
		a.flags |= flagPrefetch
	}
	if a.alpha = t.Alpha; a.alpha != 1 {
		a.flags |= flagScale
	}
	a.ars, a.acs, a.ldc, a.ldr = 4*t.ARS, 4*t.ACS, 4*t.LDC, 4*e.LDR
	if !last {
		return
	}
	b.finishes = t.lateEpilogue()
	if e.ColBias != nil {
		a.flags |= flagColBias
	}
	if e.RowBias != nil {
		a.flags |= flagRowBias
	}
	if e.Residual != nil && !e.AddLast {
		a.flags |= flagResidual
	}
	if lo, hi, ok := e.Act.clips(); ok {
		a.flags |= flagClip
		if a.lo, a.hi = lo, hi; !math.IsInf(float64(hi), 1) {
			a.flags |= flagHigh
		}
	}
}

// kBlock adds the product over rows [k0, k1) of B.
func (b *block) kBlock(k0, k1 int) {
	t, a, nr := b.t, &b.s.tile, b.t.row.nr
	a.k = k1 - k0
	a.bstep, a.panel = 4*nr, 4*nr*a.k
	var base unsafe.Pointer
	tile := Tile{b.first, k0, k1, b.n0, b.n1, nr}
	switch {
	case a.k == 0: // no product, only an epilogue
		a.panel = 0
	case t.Packed != nil && !t.Packed.cols:
		base = unsafe.Pointer(&t.Packed.data[b.at.B*t.Packed.size+b.n0*t.K+k0*nr])
		a.panel = 4 * nr * t.K
	case t.inPlace:
		b.kBlockInPlace(tile)
		return
	case t.Source != nil:
		buf := b.s.floats(tile.Len())
		t.Source.PackTile(buf, tile)
		base = unsafe.Pointer(&buf[0])
	default:
		buf := b.s.floats(tile.Len())
		src, rs, cs := t.B, t.BRS, t.BCS
		if p := t.Packed; p != nil {
			src, rs, cs = p.data[b.at.B*p.size:], 1, t.K
		} else {
			src = src[b.at.B:]
		}
		b.s.packMatrix(buf, src, rs, cs, tile, t.row)
		base = unsafe.Pointer(&buf[0])
	}
	for b.r0 = b.m0; b.r0 < b.m1; b.r0 = b.r1 {
		b.r1 = min(b.r0+t.rows, b.m1)
		if b.below.asked {
			a.flags &^= flagPrefetch
		}
		b.lookAfter(base, k1)
		if t.left != leftInPlace && a.k > 0 {
			b.packLeft(k0, k1)
		}
		b.panels(base, b.n0, b.n1)
	}
}

// kBlockInPlace reads B where it lies. A last panel that would reach over the end of B
// is packed.
func (b *block) kBlockInPlace(tile Tile) {
	t, a, nr := b.t, &b.s.tile, b.t.row.nr
	src := t.B[b.at.B:]
	whole := b.n0 + (b.n1-b.n0)/nr*nr
	if whole < b.n1 && (tile.K1-1)*t.BRS+whole+nr <= len(src) {
		whole = b.n1
	}
	if whole > b.n0 {
		a.bstep, a.panel = 4*t.BRS, 4*nr
		b.panels(unsafe.Pointer(&src[tile.K0*t.BRS+b.n0]), b.n0, whole)
	}
	if whole < b.n1 {
		tile.N0 = whole
		buf := b.s.floats(tile.Len())
		b.s.packMatrix(buf, src, t.BRS, 1, tile, t.row)
		a.bstep, a.panel = 4*nr, 0
		b.panels(unsafe.Pointer(&buf[0]), whole, b.n1)
	}
}
