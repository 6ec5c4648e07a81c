package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	. "github.com/onnxrun/onnxrun/internal/kernel/_lanes"
)

// enterPair is enter for windows of 2×2.
func enterPair(v isa, p points, d []reg.VecVirtual) []reg.VecVirtual {
	t := v.Vec()
	VFNMADD231PS(d[3], p.b, d[4]) // d4 = d4 - b d3
	VMOVAPS(d[3], t)
	VFNMADD231PS(d[2], p.b, t)     // t = d3 - b d2
	VFNMADD231PS(d[1], p.a2, d[3]) // d3 = d3 - a²d1
	VFNMADD231PS(d[1], p.b, d[2])  // d2 = d2 - b d1
	VFNMADD231PS(d[0], p.b, d[1])  // d1 = d1 - b d0
	VMOVAPS(t, d[0])
	VFNMADD231PS(d[1], p.a2, d[0])
	VFNMADD231PS(d[2], p.a2, d[4])
	VMOVAPS(t, d[1])
	VFMADD231PS(d[2], p.a, d[1])
	VFNMADD231PS(d[2], p.a, t)
	return []reg.VecVirtual{d[0], d[1], t, d[3], d[4]}
}

// leavePair is leave for windows of 2×2.
func leavePair(v isa, p points, first, last Op, d []reg.VecVirtual) []reg.VecVirtual {
	t, y0, y1 := v.Vec(), v.Vec(), v.Vec()
	VSUBPS(d[1], d[0], t)
	VMULPS(p.a, t, t)        // t = a(m1-m2)
	VADDPS(d[1], d[0], d[0]) // d0 = m1+m2
	VADDPS(d[0], d[2], y0)
	VADDPS(first, y0, y0)
	VMOVAPS(t, y1)
	VFMADD231PS(p.b, d[2], y1)
	VMULPS(p.a2, d[0], d[0])
	VFMADD231PS(p.b2, d[2], d[0])
	VMULPS(p.a2, t, t)
	VFMADD231PS(p.b3, d[2], t)
	VADDPS(last, t, t)
	return []reg.VecVirtual{y0, y1, d[0], t}
}

// spreadPair multiplies d by A: what leavePair is the transpose of.
func spreadPair(v isa, p points, d []reg.VecVirtual) []reg.VecVirtual {
	even, odd, b := v.Vec(), v.Vec(), v.Vec()
	VMOVAPS(d[0], even)
	VFMADD231PS(d[2], p.a2, even) // y0 + a²y2
	VMOVAPS(d[1], odd)
	VFMADD231PS(d[3], p.a2, odd) // y1 + a²y3
	VMOVAPS(d[0], b)
	VFMADD231PS(d[1], p.b, b)
	VFMADD231PS(d[2], p.b2, b)
	VFMADD231PS(d[3], p.b3, b)
	VMOVAPS(even, d[1])
	VFMADD231PS(odd, p.a, d[1])
	VFNMADD231PS(odd, p.a, even)
	return []reg.VecVirtual{d[0], d[1], even, b, d[3]}
}

// pairScales names the factors of the finite points in G, and those times the points.
var pairScales = [4][2]string{{"pair0", ""}, {"pair1", "pair1C"}, {"pair2", "pair2C"}, {"pair3", "pair3D"}}

// row sets r to row i of G times the vectors x and y.
func (v isa) pairRow(i int, x, y Op, r reg.VecVirtual) {
	if i == 4 {
		VMOVUPS(y, r)
		return
	}
	c := v.constant(pairScales[i][0])
	VMULPS(x, c, r)
	if i > 0 {
		c = v.constant(pairScales[i][1])
		VFMADD231PS(y, c, r)
	}
}

// filterPair emits the filter transform of windows of 2×2: the rows of elements [from, to).
func filterPair(v isa, group string, from, to int) {
	TEXT("filterPair"+group+v.Name, NOSPLIT, "func(a *byte)")
	a := Load(Param("a"), GP64())
	w, u, channels := Field(a, filterW), Field(a, filterU), Field(a, filterC)
	planes := newSteps(Elements(a, filterPlane), pair.n)
	columns := newSteps(Elements(a, filterWidth), 4)
	row := times(planes.one, pair.n)
	Label("loop")
	TESTQ(channels, channels)
	JZ(LabelRef("done"))
	left := GP64()
	MOVQ(columns.one, left)
	Label("width")
	at := GP64()
	MOVQ(u, at)
	for i := from; i < to; i++ {
		r := v.Vecs(2)
		for j := range r {
			v.pairRow(i, columns.at(w, j), columns.at(w, 2+j), r[j])
		}
		for j := range pair.n {
			e := v.Vec()
			v.pairRow(j, r[0], r[1], e)
			VMOVUPS(e, planes.at(at, j))
		}
		if i < to-1 {
			ADDQ(row, at)
		}
	}
	ADDQ(U32(uint32(v.Bytes())), w)
	ADDQ(U32(uint32(v.Bytes())), u)
	SUBQ(U32(uint32(v.Bytes())), left)
	JNZ(LabelRef("width"))
	ADDQ(columns.three, w) // the next channel's windows
	DECQ(channels)
	JMP(LabelRef("loop"))
	Label("done")
	VZEROUPPER()
	RET()
}

// windowPair returns the elements of a window of 2×2, Gᵀ·u·G, and leaves the address of u as it is.
func (v isa) windowPair(k reg.Register, planes steps, u reg.GPVirtual) []reg.VecVirtual {
	at, sums, row := GP64(), v.Vecs(4), times(planes.one, pair.n)
	MOVQ(u, at)
	for _, s := range sums {
		v.Zero(s)
	}
	for i := range pair.n {
		r := v.gatherRow(k, planes, at)
		for j := range r {
			v.addRow(i, r[j], sums[j], sums[2+j])
		}
		if i < pair.n-1 {
			ADDQ(row, at)
		}
	}
	return sums
}

// gatherRow multiplies a row of elements by G from the right.
func (v isa) gatherRow(k reg.Register, planes steps, at reg.GPVirtual) []reg.VecVirtual {
	r := v.Vecs(2)
	v.Zero(r[0])
	v.load(k, planes.at(at, 4), r[1])
	for j := range 4 {
		e := v.Vec()
		v.load(k, planes.at(at, j), e)
		v.addRow(j, e, r[0], r[1])
	}
	return r
}

// addRow adds x times row i of G to the sums first and second.
func (v isa) addRow(i int, x, first, second reg.VecVirtual) {
	if i == 4 {
		VADDPS(x, second, second)
		return
	}
	c := v.constant(pairScales[i][0])
	VFMADD231PS(x, c, first)
	if i > 0 {
		c = v.constant(pairScales[i][1])
		VFMADD231PS(x, c, second)
	}
}
