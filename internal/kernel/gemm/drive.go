package gemm

import (
	"sync"
	"unsafe"

	"github.com/onnxrun/onnxrun/internal/kernel/vec"
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
	left []float32 // rows of A that a RowSource has made
	segs []segment

	column [kc]float32
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// floats returns the buffer with n elements of unknown content.
func (s *scratch) floats(n int) []float32 {
	if cap(s.buf) < n {
		s.buf = mem.Floats(roundUp(n, 1<<12))
	}
	return s.buf[:n]
}

// rows returns room for n elements of A, of unknown content.
func (s *scratch) rows(n int) []float32 {
	if cap(s.left) < n {
		s.left = mem.Floats(roundUp(n, 1<<12))
	}
	return s.left[:n]
}

// Chunk computes one block of C, or of several products.
func (t *task) Chunk(i int) {
	s := scratches.Get().(*scratch)
	b := block{t: t, s: s}
	blocks := t.mBlocks * t.nBlocks
	first := i / blocks * t.group
	last := min(first+t.group, max(1, len(t.Batch)))
	i %= blocks
	b.cut(i%t.mBlocks*t.mc, i/t.mBlocks*t.nc)
	if t.shared {
		b.first, b.last = first, last
		b.run()
	} else {
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
	m0, m1, n0, n1 int
	left           []float32 // the rows of A in the current block of K, if a RowSource makes them
}

// cut sets the block that starts at row m and column n.
func (b *block) cut(m, n int) {
	b.m0, b.m1 = m, min(m+b.t.mc, b.t.M)
	b.n0, b.n1 = n, min(n+b.t.nc, b.t.N)
}

// enter sets the product at hand.
func (b *block) enter(item int) {
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
	for k0 := 0; ; k0 += kc {
		k1 := min(k0+kc, t.K)
		b.setFlags(k0 == 0, k1 == t.K)
		b.setSegments(k0, k1)
		b.kBlock(k0, k1)
		if k1 == t.K {
			break
		}
	}
	b.activate()
}

// setSegments says where columns [k0, k1) of A lie. Segments that follow one another
// become one.
func (b *block) setSegments(k0, k1 int) {
	t, s := b.t, b.s
	s.segs = s.segs[:0]
	switch {
	case t.Rows != nil:
		s.segs = append(s.segs, segment{0, k1 - k0})
	case len(t.Segs) == 0 || k0 == k1:
		s.segs = append(s.segs, segment{4 * k0 * t.ACS, k1 - k0})
	default:
		l := t.K / len(t.Segs)
		for next := -1; k0 < k1; {
			off, n := 4*(t.Segs[k0/l]+k0%l*t.ACS), min(l-k0%l, k1-k0)
			if off == next {
				s.segs[len(s.segs)-1].k += n
			} else {
				s.segs = append(s.segs, segment{off, n})
			}
			next = off + 4*n*t.ACS
			k0 += n
		}
	}
	s.tile.segs, s.tile.nSegs = unsafe.Pointer(&s.segs[0]), len(s.segs)
}

// setFlags prepares the parts of the kernel arguments that hold for one block of K.
func (b *block) setFlags(first, last bool) {
	t, a, e := b.t, &b.s.tile, &b.t.Epilogue
	a.flags = 0
	if !first || t.Accumulate {
		a.flags |= flagLoad
	}
	a.alpha = t.Alpha
	a.ars, a.acs, a.ldc, a.ldr = 4*t.ARS, 4*t.ACS, 4*t.LDC, 4*e.LDR
	if !last {
		return
	}
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
		a.lo, a.hi = lo, hi
	}
}

// kBlock adds the product over rows [k0, k1) of B.
func (b *block) kBlock(k0, k1 int) {
	t, a, nr := b.t, &b.s.tile, b.t.row.nr
	a.k = k1 - k0
	if t.Rows != nil && a.k > 0 {
		b.packRows(k0, k1)
	}
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
	b.panels(base, b.n0, b.n1)
}

// rowSkew sets the rows of a packed part of A apart, so that those of a tile lie in
// different sets of the first-level cache.
const rowSkew = 16

// packRows has the block's rows of columns [k0, k1) of A made.
func (b *block) packRows(k0, k1 int) {
	ld := roundUp(k1-k0, rowSkew) + rowSkew
	b.left = b.s.rows((b.m1 - b.m0) * ld)
	b.s.tile.ars, b.s.tile.acs = 4*ld, 4
	b.t.Rows.PackRows(b.left, RowTile{b.first, b.m0, b.m1, k0, k1, ld})
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

// panels multiplies the rows of the block with the panels of columns [n0, n1), the
// first of which lies at base. No pointer ever leaves its slice, not even unused: the
// garbage collector would stop the program.
func (b *block) panels(base unsafe.Pointer, n0, n1 int) {
	t, a := b.t, &b.s.tile
	r := t.row
	h, first := b.m1-b.m0, n0
	if h <= len(r.wide) && a.k > 0 {
		w := r.widePanels[h-1] * r.nr
		for ; n0+w <= n1; n0 += w {
			a.b, a.n = unsafe.Add(base, (n0-first)/r.nr*a.panel), w
			for i := b.first; i < b.last; i++ {
				b.enter(i)
				b.point(b.m0, n0)
				r.wide[h-1](a)
			}
		}
	}
	for ; n0 < n1; n0 += r.nr {
		n, at := min(r.nr, n1-n0), unsafe.Add(base, (n0-first)/r.nr*a.panel)
		for i := b.first; i < b.last; i++ {
			b.enter(i)
			b.panel(at, n0, n)
		}
	}
}

// panel multiplies the rows of the block with n columns of one panel.
func (b *block) panel(base unsafe.Pointer, n0, n int) {
	r, a := b.t.row, &b.s.tile
	if b.oddColumn(n) {
		n--
		b.column(base, n0+n, n)
	}
	if n == 0 {
		return
	}
	kernels := r.tile
	if n <= r.nr/2 && r.half != nil {
		kernels = r.half
	}
	tiles := ceilDiv(b.m1-b.m0, r.mr)
	m := b.m0
	for i := range tiles {
		rows := (b.m1 - m) / (tiles - i) // evenly: tiles of much different height waste registers
		b.point(m, n0)
		a.b, a.n = base, n
		kernels[rows-1](a)
		m += rows
	}
}

// point sets the addresses of the tile at row m and column n.
func (b *block) point(m, n int) {
	t, a, e := b.t, &b.s.tile, &b.t.Epilogue
	switch {
	case a.k == 0:
	case t.Rows != nil:
		a.a = unsafe.Pointer(&b.left[(m-b.m0)*a.ars/4])
	default:
		a.a = unsafe.Pointer(&t.A[b.at.A+m*t.ARS])
	}
	a.c = unsafe.Pointer(&t.C[b.at.C+m*t.LDC+n])
	if a.flags&flagColBias != 0 {
		a.colBias = unsafe.Pointer(&e.ColBias[b.at.ColBias+n])
	}
	if a.flags&flagRowBias != 0 {
		a.rowBias = unsafe.Pointer(&e.RowBias[b.at.RowBias+m])
	}
	if a.flags&flagResidual != 0 {
		a.res = unsafe.Pointer(&e.Residual[b.at.Residual+m*e.LDR+n])
	}
}

// activate applies what kernels do not do in registers, while the block is hot.
func (b *block) activate() {
	t, e := b.t, &b.t.Epilogue
	_, _, inKernel := e.Act.clips()
	if (e.Act.Kind == None || inKernel) && !(e.AddLast && e.Residual != nil) {
		return
	}
	for i := b.first; i < b.last; i++ {
		b.enter(i)
		for m := b.m0; m < b.m1; m++ {
			b.activateRow(m, t.C[b.at.C+m*t.LDC:][b.n0:b.n1], !inKernel)
		}
	}
}

// activateRow applies the activation, if act is set, and a late residual to the part c
// of row m.
func (b *block) activateRow(m int, c []float32, act bool) {
	e := &b.t.Epilogue
	if act {
		e.Act.Apply(c)
	}
	if e.AddLast && e.Residual != nil {
		vec.Add(c, c, e.Residual[b.at.Residual+m*e.LDR:][b.n0:b.n1])
	}
}
