package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Offsets of FilterArgs.
const filterW, filterN, filterU, filterPlane, filterG = 0, 24, 32, 56, 72

// filter emits the filter transform of a size, with windows in lanes: the row of G that the arguments hold is multiplied
// with the columns of the windows, the result with all rows of G.
func filter(v isa, s size) {
	TEXT("filter"+s.name+v.name, NOSPLIT, "func(a *byte)")
	a := Load(Param("a"), GP64())
	w, u, n := field(a, filterW), field(a, filterU), field(a, filterN)
	planes := newSteps(elements(a, filterPlane), s.n)
	index := v.vec()
	if v.lanes == 16 {
		VMOVDQU32(constants["ninths"], index)
	} else {
		VMOVDQU(constants["ninths"], index)
	}
	g := v.vecs(3)
	for i := range g {
		VBROADCASTSS(Mem{Base: a, Disp: filterG + 4*i}, g[i])
	}
	Label("loop")
	CMPQ(n, U32(uint32(v.lanes)))
	JL(LabelRef("done"))
	r := v.vecs(3)
	for j := range r {
		t := v.vec()
		v.gather(w, j, index, r[j])
		VMULPS(g[0], r[j], r[j])
		for i := 1; i < 3; i++ {
			v.gather(w, 3*i+j, index, t)
			VFMADD231PS(g[i], t, r[j])
		}
	}
	s.windows(v, r, func(j int, x reg.VecVirtual) { VMOVUPS(x, planes.at(u, j)) })
	ADDQ(U32(uint32(9*v.bytes())), w)
	ADDQ(U32(uint32(v.bytes())), u)
	SUBQ(U32(uint32(v.lanes)), n)
	JMP(LabelRef("loop"))
	Label("done")
	VZEROUPPER()
	RET()
}

// gather loads element i of the windows in all lanes.
func (v isa) gather(w reg.GPVirtual, i int, index, dst reg.VecVirtual) {
	src := Mem{Base: w, Index: index, Scale: 4, Disp: 4 * i}
	v.zero(dst)
	if v.lanes == 16 {
		all, k := GP32(), K()
		MOVL(U32(0xffff), all)
		KMOVW(all, k)
		VGATHERDPS(src, k, dst)
		return
	}
	mask := v.vec()
	VPCMPEQD(dst, dst, mask)
	VGATHERDPS(mask, src, dst)
}

// windows multiplies r by all rows of G.
func (s size) windows(v isa, r []reg.VecVirtual, put func(j int, x reg.VecVirtual)) {
	even, odd := v.vec(), v.vec()
	pair := func(j int, scale string, point, square string) {
		VMOVAPS(r[0], even)
		VMOVAPS(r[1], odd)
		if square != "" {
			c := v.constant(square)
			VFMADD231PS(r[2], c, even)
			c = v.constant(point)
			VMULPS(c, odd, odd)
		} else {
			VADDPS(r[2], even, even)
		}
		c, sum := v.constant(scale), v.vec()
		VADDPS(odd, even, sum)
		VSUBPS(odd, even, even)
		VMULPS(c, sum, sum)
		VMULPS(c, even, even)
		put(j, sum)
		put(j+1, even)
	}
	if s == two {
		put(0, r[0])
		pair(1, "half", "", "")
		put(3, r[2])
		return
	}
	pair(1, "scaleA", "pointA", "squareA")
	pair(3, "scaleB", "pointB", "squareB")
	put(5, r[2])
	c := v.constant("scale0")
	VMULPS(c, r[0], r[0])
	put(0, r[0])
}
