package gemm

import "unsafe"

// repeats reports whether products are one whole panel of B each, which is read where it lies, and of as many rows as go through it
// together: then all that differs from one to the next are addresses. Transforms of convolutions make hundreds of such products, which take
// less than a microsecond each.
func (t *task) repeats() bool {
	return len(t.Batch) > 1 && t.form == tiled && t.inPlace && !t.shared && t.mBlocks*t.nBlocks == 1 && t.M <= t.rows && t.left == leftInPlace &&
		t.K > 0 && t.kb == t.K && t.N == t.row.nr && t.BRS == t.row.nr && !t.lateEpilogue()
}

// repeat computes the products of the block.
func (b *block) repeat() {
	t, a := b.t, &b.s.tile
	b.setFlags(true, true)
	b.setSegments(0, t.K)
	a.k, a.n, a.bstep, a.panel = t.K, t.N, 4*t.BRS, 4*t.row.nr
	first, last := b.first, b.last
	for b.first = first; b.first < last; b.first++ {
		b.last = b.first + 1
		b.enter(b.first)
		at := unsafe.Pointer(&t.B[b.at.B])
		if b.findAhead(at, 0, 1); b.first == first {
			b.pace(1, len(t.row.tile))
		}
		b.tiles(t.row.tile, at, 0, t.N)
	}
}
