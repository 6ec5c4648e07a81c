package gemm

import (
	"sync"
	"unsafe"

	"github.com/onnxrun/onnxrun/internal/kernel/panel"
)

// left is how kernels read A.
type left uint8

const (
	leftInPlace left = iota
	leftRows         // parts of rows are copied together, so that they share no cache sets
	leftCols         // the same for A whose columns are contiguous
	leftSource       // a RowSource makes the rows
	leftTurned       // A whose columns are contiguous becomes rows
)

// chooseLeft says whether parts of A are copied before use: that pays where the lines of a
// tile's rows lie in the same sets of the first-level cache, if they are used often enough.
func (t *task) chooseLeft() left {
	if t.Rows != nil {
		return leftSource
	}
	if t.inPlace || t.M <= len(t.row.wide) {
		return leftInPlace
	}
	form, stride := leftRows, t.ARS
	if t.ACS != 1 {
		form, stride = leftCols, t.ACS
		if t.ARS != 1 {
			return leftInPlace
		}
		if t.turns() {
			return leftTurned
		}
	}
	lines := t.row.mr
	if form == leftRows && t.panelsOf(t.N) > 1 { // so few rows that they leave room in a set
		lines = len(t.row.pair)
	}
	if t.N >= leftMinN && conflicts(stride, lines) {
		return form
	}
	return leftInPlace
}

// conflicts reports whether n lines stride elements apart fill their sets in a first-level
// cache of 64 sets and 8 ways, such that nothing else finds room.
func conflicts(stride, n int) bool {
	const way = 4096 / 4 // elements
	sets := 64
	for ; sets > 1 && stride%(2*way/sets) == 0; sets /= 2 {
	}
	return n > 6*sets
}

// turns reports whether contiguous columns of A become rows before use: that pays for the fewer columns of C, the further apart columns
// of A are, for where tiles take but a part of each line of a column, they read them all again, and a page for each.
func (t *task) turns() bool {
	if !TurnsColumns() || len(t.Segs) > 0 {
		return false
	}
	return t.N >= turnMinN && t.ACS >= turnFar || t.N >= 2*turnMinN && (t.kb >= turnMinK || t.ACS >= turnFar/2)
}

// TurnsColumns reports whether products gain by contiguous rows of A instead of columns, as tiles take at most half of each line of these.
func TurnsColumns() bool { return 2*selected().mr <= cacheLine/4 }

// setSegments says where columns [k0, k1) of A lie. Segments that follow one another
// become one.
func (b *block) setSegments(k0, k1 int) {
	t, s := b.t, b.s
	s.segs = s.segs[:0]
	switch {
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

// leftSkew sets the rows of a copied part of A apart, so that those of a tile lie in
// different sets of the first-level cache.
const leftSkew = 16

// packLeft copies the rows at hand of columns [k0, k1) of A together, or has them made.
func (b *block) packLeft(k0, k1 int) {
	t, s, a := b.t, b.s, &b.s.tile
	rows := b.r1 - b.r0
	all := (b.last - b.first) * rows
	if t.left == leftCols {
		ld := roundUp(all, leftSkew) + leftSkew
		b.left = s.leftFloats((k1 - k0) * ld)
		a.ars, a.acs = 4, 4*ld
		for i := b.first; i < b.last; i++ {
			b.enter(i)
			b.copyCols(b.left[(i-b.first)*rows:], ld, rows)
		}
	} else {
		ld := roundUp(k1-k0, leftSkew) + leftSkew
		if t.left == leftTurned {
			ld = turnedLD
		}
		b.left = s.leftFloats(all * ld)
		a.ars, a.acs = 4*ld, 4
		for i := b.first; i < b.last; i++ {
			b.enter(i)
			to := b.left[(i-b.first)*rows*ld:]
			switch t.left {
			case leftSource:
				t.Rows.PackRows(to, RowTile{i, b.r0, b.r1, k0, k1, ld})
			case leftTurned:
				turn(to, t.A[b.at.A+b.r0+k0*t.ACS:], k1-k0, rows, t.ACS)
			default:
				b.copyRows(to, ld)
			}
		}
	}
	s.one = segment{0, k1 - k0}
	a.segs, a.nSegs = unsafe.Pointer(&s.one), 1
}

// copyRows copies the rows at hand of one product to dst, ld elements apart.
func (b *block) copyRows(dst []float32, ld int) {
	t := b.t
	src := t.A[b.at.A+b.r0*t.ARS:]
	for m := range b.r1 - b.r0 {
		to := dst[m*ld:]
		for _, s := range b.s.segs {
			from := m*t.ARS + s.off/4
			to = to[copy(to, src[from:from+s.k]):]
		}
	}
}

// copyCols does the same for A whose columns are contiguous: those of dst lie ld elements
// apart.
func (b *block) copyCols(dst []float32, ld, rows int) {
	t := b.t
	src := t.A[b.at.A+b.r0:]
	at := 0
	for _, s := range b.s.segs {
		for k := range s.k {
			from := s.off/4 + k*t.ACS
			copy(dst[at:], src[from:from+rows])
			at += ld
		}
	}
}

// turnedLD is how far rows of a turned part of A lie apart: the same for all, as turnedOrder says where its elements go.
const turnedLD = kc + leftSkew

var turnedOrder = sync.OnceValue(func() panel.Order { return panel.Interleaved(1, mrMax, turnedLD) })

// turn copies n rows of count elements each, step elements apart, as count rows of n elements, turnedLD elements apart.
func turn(dst, src []float32, n, count, step int) {
	panel.Write(&panel.Args{Dst: dst, Src: src, Order: turnedOrder().First(count), Rows: n, RowStep: step, Count: 1})
}
