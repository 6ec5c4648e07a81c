package gemm

import "unsafe"

// below is what the rows after those at hand read and write. Kernels ask for it, a share with each panel, where B stays in the
// second-level cache and the rows come from beyond: when their turn comes they find it there.
type below struct {
	a, c, res    []float32
	forA, forC   int  // panels that ask for A and for C; the others ask for the residual
	all          bool // C and the residual are asked for wholly
	asked, looks bool // that was done for the rows at hand; it is to be done for those below
}

// looksDown tells whether kernels ask for the rows that come next.
func (t *task) looksDown() bool {
	return t.fewRows && t.far() && t.left == leftInPlace && t.kb == t.K && t.K > 0 && t.ACS == 1 && len(t.Segs) == 0 && !t.shared &&
		t.nBlocks == 1 && t.ARS <= 2*t.K && t.LDC <= 2*t.N && t.Epilogue.LDR <= 2*t.N
}

// asking is how many panels of a row of C ask for something: of three that go together two.
func (t *task) asking() int {
	panels := ceilDiv(t.N, t.row.nr)
	if panels > 2 && panels%2 == 1 && t.panelsOf(t.N-(panels-3)*t.row.nr) == 3 {
		panels--
	}
	return panels
}

// setShares says how many of the panels of a row of C ask for what: as many as that is of all.
func (b *block) setShares() {
	t, d := b.t, &b.below
	panels := t.asking()
	all, others := t.ARS+t.LDC, min(1, panels-1)
	apart := t.Epilogue.Residual != nil && !t.overResidual
	if apart {
		all, others = all+t.Epilogue.LDR, min(2, panels-1)
	}
	d.forA = max(1, min((panels*t.ARS+all/2)/all, panels-others))
	d.forC = panels - d.forA
	if others > 1 {
		d.forC = ceilDiv(d.forC, 2)
	}
	d.all = others > 1 || others == 1 && !apart
}

// setBelow says what follows the rows at hand, if that is to be asked for.
func (b *block) setBelow() {
	t, d, e := b.t, &b.below, &b.t.Epilogue
	if b.r1 == b.m1 || !t.looksDown() {
		d.asked, d.looks = false, false
		return
	}
	if b.r0 == b.m0 {
		b.setShares()
	}
	rows := min(b.r1+t.rows, b.m1) - b.r1 - 1
	d.asked, d.looks = d.all, true
	d.a = t.A[b.at.A+b.r1*t.ARS:][:rows*t.ARS+t.K]
	d.c = t.C[b.at.C+b.r1*t.LDC:][:rows*t.LDC+t.N]
	if e.Residual != nil && !t.overResidual {
		d.res = e.Residual[b.at.Residual+b.r1*e.LDR:][:rows*e.LDR+t.N]
	}
}

// lookDown lets kernels of so many panels, the first of which is the given one, ask for their shares of the rows below.
func (b *block) lookDown(panel, panels int) {
	a := &b.s.tile
	from, bytes := b.share(panel)
	a.ahead, a.other = from, 0
	if panels > 1 {
		other, more := b.share(panel + 1)
		a.other, bytes = int(other-from), max(bytes, more)
	}
	a.aheadEnd = from + bytes
}

// share is what a panel asks for.
func (b *block) share(panel int) (from, bytes uintptr) {
	d := &b.below
	x, i, n := d.a, panel, d.forA
	if i >= n {
		x, i, n = d.c, i-n, d.forC
	}
	if i >= n {
		x, i, n = d.res, i-n, b.t.asking()-d.forA-d.forC
	}
	part := len(x) / n
	return uintptr(unsafe.Pointer(&x[i*part])), uintptr(4 * part)
}
