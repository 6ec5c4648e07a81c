package gemm

import "unsafe"

// finishCols is how many columns are computed before what kernels do not do in registers
// is applied to them: long enough for the functions, short enough to stay near.
const finishCols = 256

// Kernels ask for one line of each panel, or two, in a round of so many steps of K, those of pairs for up to four in one of twice as
// many, those of row.long steps for up to eight: for aheadMost bytes in a step.
const aheadRound, aheadLine, aheadMost = 4, 64, 32

// panels multiplies the rows at hand with the panels of columns [n0, n1), the first of
// which lies at base. No pointer ever leaves its slice, not even unused: the garbage
// collector would stop the program.
func (b *block) panels(base unsafe.Pointer, n0, n1 int) {
	a, nr := &b.s.tile, b.t.row.nr
	step := n1 - n0
	if b.finishes {
		step = finishCols
	}
	for n := n0; n < n1; n += step {
		end := min(n+step, n1)
		b.somePanels(unsafe.Add(base, (n-n0)/nr*a.panel), n, end)
		if b.finishes {
			b.finish(n, end)
		}
	}
}

// somePanels is panels without what comes after the kernels.
func (b *block) somePanels(base unsafe.Pointer, n0, n1 int) {
	a, r := &b.s.tile, b.t.row
	h, first := b.r1-b.r0, n0
	if h <= len(r.wide) && a.k > 0 {
		w, kernels := r.widePanels[h-1]*r.nr, b.t.wide()
		for ; n0+w <= n1; n0 += w {
			a.b, a.n = unsafe.Add(base, (n0-first)/r.nr*a.panel), w
			for i := b.first; i < b.last; i++ {
				b.enter(i)
				b.point(b.r0, n0)
				kernels[h-1](a)
			}
		}
	}
	for panels := 1; n0 < n1; n0 += panels * r.nr {
		panels = b.t.panelsOf(n1 - n0)
		n, at := min(panels*r.nr, n1-n0), unsafe.Add(base, (n0-first)/r.nr*a.panel)
		b.lookAhead(at, n0, panels)
		for i := b.first; i < b.last; i++ {
			b.enter(i)
			if panels > 1 {
				b.tiles(r.together(panels, n), at, n0, n)
			} else {
				b.panel(at, n0, n)
			}
		}
	}
}

// wide returns the kernels for few rows.
func (t *task) wide() []func(*tileArgs) {
	if t.Packed != nil && t.row.far != nil && 4*t.K*t.N > secondLevel {
		return t.row.far
	}
	return t.row.wide
}

// lookAfter says what follows when the rows at hand have gone through the panels of a block of K, which begin at base and
// end at row k1 of B. After the last it is the next chunk: mostly the same thread goes on with that.
func (b *block) lookAfter(base unsafe.Pointer, k1 int) {
	b.setBelow()
	b.after = 0
	switch t := b.t; {
	case !t.far():
	case b.r1 < b.m1:
		b.after = uintptr(base)
	case t.Packed == nil: // what follows is packed first
	case k1 < t.K:
		b.after = uintptr(base) + uintptr(4*t.row.nr*b.s.tile.k)
	case len(t.Batch) > 1:
	case b.m1 < t.M:
		b.after = b.firstRows(b.n0)
	case b.n1 < t.N:
		b.after = b.firstRows(b.n1)
	}
}

// firstRows returns where the packed panel of column n begins.
func (b *block) firstRows(n int) uintptr {
	p := b.t.Packed
	return uintptr(unsafe.Pointer(&p.data[b.at.B*p.size+n*p.k]))
}

// lookAhead lets kernels ask for what follows the given number of panels at hand, whose columns begin at n. Tiles further down
// find theirs in the second-level cache: without that the first one alone would wait for the memory.
func (b *block) lookAhead(at unsafe.Pointer, n, panels int) {
	b.findAhead(at, n, panels)
	b.pace(panels, len(b.t.row.together(panels, b.n1-n)))
}

// findAhead says what lookAhead lets kernels ask for.
func (b *block) findAhead(at unsafe.Pointer, n, panels int) {
	a, t := &b.s.tile, b.t
	next := n + panels*t.row.nr
	a.ahead, a.other = uintptr(at), 0
	a.aheadEnd = a.ahead
	switch {
	case b.below.looks:
		b.lookDown((n-b.n0)/t.row.nr, panels)
		return
	case t.far() && next < b.n1:
		a.ahead += uintptr(panels * a.panel)
		panels = min(panels, t.panelsOf(b.n1-next))
	case b.after != 0:
		a.ahead = b.after
		panels = min(panels, t.panelsOf(b.n1-b.n0))
	case len(t.Next) > 0:
		b.lookNext(panels)
		return
	default:
		return
	}
	a.aheadEnd = a.ahead + uintptr(a.k*a.bstep)
	a.other = (panels - 1) * a.panel
}

// pace spreads what is asked for over nearly all steps of K of the tiles of so many panels and rows. Requests in quick
// succession take the buffers that loads from the second-level cache need.
func (b *block) pace(panels, height int) {
	a, round := &b.s.tile, b.round(panels)
	tiles := ceilDiv(b.r1-b.r0, height) * (b.last - b.first)
	rounds := max(1, tiles*a.k/round)
	a.aheadStep = min(round*aheadMost, int(a.aheadEnd-a.ahead)*9/8/rounds+1)
	switch {
	case a.aheadStep > 4*aheadLine:
		a.aheadFast = 3
	case a.aheadStep > 2*aheadLine:
		a.aheadFast = 2
	case a.aheadStep > aheadLine:
		a.aheadFast = 1
	default:
		a.aheadFast = 0
	}
}

// round is how many steps of K kernels of so many panels take between two requests.
func (b *block) round(panels int) int {
	a, r := &b.s.tile, b.t.row
	switch {
	case panels > 1:
		return 2 * aheadRound
	case r.long > 0 && a.acs == 4 && a.bstep == 4*r.nr && a.segments()[0].k >= longFrom:
		return r.long
	}
	return aheadRound
}

// lookNext lets kernels of so many panels ask for the part of Next that goes with the product at hand.
func (b *block) lookNext(panels int) {
	next, a := b.t.Next, &b.s.tile
	part := len(next) / max(1, len(b.t.Batch))
	a.ahead = uintptr(unsafe.Pointer(&next[b.first*part]))
	a.other = 4 * part / panels * (panels - 1)
	a.aheadEnd = a.ahead + uintptr(4*part/panels)
}

// panel multiplies the rows at hand of one product with n columns of one panel.
func (b *block) panel(base unsafe.Pointer, n0, n int) {
	r := b.t.row
	if b.oddColumn(n) {
		n--
		b.column(base, n0+n, n)
	}
	half, quarter := r.nr/2, r.nr/4
	switch {
	case n == 0:
	case r.half == nil || n > half+quarter || n > half && !r.apart:
		b.tiles(r.tile, base, n0, n)
	case n > half:
		b.tiles(r.half, base, n0, half)
		if b.s.tile.k > 0 {
			base = unsafe.Add(base, 4*half)
		}
		b.tiles(r.quarter, base, n0+half, n-half)
	case n > quarter || r.quarter == nil:
		b.tiles(r.half, base, n0, n)
	default:
		b.tiles(r.quarter, base, n0, n)
	}
}

// tiles multiplies the rows at hand with n columns, as wide as the kernels at most. Tiles
// are evenly high, since small ones waste registers: first those of one row more.
func (b *block) tiles(kernels []func(*tileArgs), base unsafe.Pointer, n0, n int) {
	a, rows := &b.s.tile, b.r1-b.r0
	count := ceilDiv(rows, len(kernels))
	a.b, a.n = base, n
	h, higher := rows/count, rows%count
	b.point(b.r0, n0)
	if higher > 0 {
		a.tiles = higher
		kernels[h](a)
		b.point(b.r0+higher*(h+1), n0)
	}
	a.tiles = count - higher
	kernels[h-1](a)
}

// point sets the addresses of the tile at row m and column n.
func (b *block) point(m, n int) {
	t, a, e := b.t, &b.s.tile, &b.t.Epilogue
	switch {
	case a.k == 0:
	case t.left != leftInPlace:
		a.a = unsafe.Pointer(&b.left[((b.item-b.first)*(b.r1-b.r0)+m-b.r0)*(a.ars/4)])
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
