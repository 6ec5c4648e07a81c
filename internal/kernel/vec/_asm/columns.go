package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// columns loops over whole vectors of the n columns that the slices in ptrs have, and advances those.
func (g *isa) columns(n reg.GPVirtual, ptrs []reg.GPVirtual, body func()) {
	Label("column")
	CMPQ(n, U32(uint32(g.w)))
	JLT(LabelRef("columnsEnd"))
	body()
	for _, p := range ptrs {
		ADDQ(U32(uint32(4*g.w)), p)
	}
	SUBQ(U32(uint32(g.w)), n)
	JMP(LabelRef("column"))
	Label("columnsEnd")
	g.end()
}

// down walks p down the rows of a column, ld bytes apart: unroll rows at a time, then single ones.
func down(rows, p, ld reg.GPVirtual, unroll int, body func(i int)) {
	left := GP64()
	MOVQ(rows, left)
	step := func(name string, count int) {
		Label(name)
		CMPQ(left, U32(uint32(count)))
		JLT(LabelRef(name + "End"))
		for i := range count {
			body(i)
			ADDQ(ld, p)
		}
		SUBQ(U32(uint32(count)), left)
		JMP(LabelRef(name))
		Label(name + "End")
	}
	step("rows", unroll)
	step("row", 1)
}

// maxColumns emits func(m, x []float32, rows, ld int): m[j] = max(m[j], x[i*ld+j] for all i).
func (g *isa) maxColumns() {
	g.begin("maxColumns", "func(m, x []float32, rows, ld int)")
	m := Load(Param("m").Base(), GP64()).(reg.GPVirtual)
	n := Load(Param("m").Len(), GP64()).(reg.GPVirtual)
	x := Load(Param("x").Base(), GP64()).(reg.GPVirtual)
	rows := Load(Param("rows"), GP64()).(reg.GPVirtual)
	ld := Load(Param("ld"), GP64()).(reg.GPVirtual)
	SHLQ(U8(2), ld)
	g.columns(n, []reg.GPVirtual{m, x}, func() {
		acc := []vec{g.load(Mem{Base: m}), g.load(c(negInf)), g.load(c(negInf)), g.load(c(negInf))}
		p := GP64()
		MOVQ(x, p)
		down(rows, p, ld, 4, func(i int) { VMAXPS(Mem{Base: p}, acc[i], acc[i]) })
		VMAXPS(acc[1], acc[0], acc[0])
		VMAXPS(acc[3], acc[2], acc[2])
		VMAXPS(acc[2], acc[0], acc[0])
		VMOVUPS(acc[0], Mem{Base: m})
	})
}

// expColumns emits func(x, m, sum []float32, rows, ld int): x[i*ld+j] = exp(x[i*ld+j]-m[j]), and sum[j] grows by
// the results of column j in the order of the rows.
func (g *isa) expColumns() {
	g.begin("expColumns", "func(x, m, sum []float32, rows, ld int)")
	x := Load(Param("x").Base(), GP64()).(reg.GPVirtual)
	m := Load(Param("m").Base(), GP64()).(reg.GPVirtual)
	n := Load(Param("m").Len(), GP64()).(reg.GPVirtual)
	sum := Load(Param("sum").Base(), GP64()).(reg.GPVirtual)
	rows := Load(Param("rows"), GP64()).(reg.GPVirtual)
	ld := Load(Param("ld"), GP64()).(reg.GPVirtual)
	SHLQ(U8(2), ld)
	g.hoistAll([]uint32{f32(shortLo), f32(magic127)}, wideExpSoftmax)
	g.columns(n, []reg.GPVirtual{x, m, sum}, func() {
		high, total := g.load(Mem{Base: m}), g.load(Mem{Base: sum})
		p := GP64()
		MOVQ(x, p)
		down(rows, p, ld, 2, func(int) {
			e := g.expSoftmax(g.sub(g.load(Mem{Base: p}), high))
			VADDPS(e, total, total)
			VMOVUPS(e, Mem{Base: p})
		})
		VMOVUPS(total, Mem{Base: sum})
	})
}

// scaleDotColumns emits func(p, f, x, sum []float32, rows, ld int): p[i*ld+j] *= f[j], and sum[j] grows by the products
// with x[i*ld+j] in the order of the rows.
func (g *isa) scaleDotColumns() {
	g.begin("scaleDotColumns", "func(p, f, x, sum []float32, rows, ld int)")
	p := Load(Param("p").Base(), GP64()).(reg.GPVirtual)
	f := Load(Param("f").Base(), GP64()).(reg.GPVirtual)
	n := Load(Param("f").Len(), GP64()).(reg.GPVirtual)
	x := Load(Param("x").Base(), GP64()).(reg.GPVirtual)
	sum := Load(Param("sum").Base(), GP64()).(reg.GPVirtual)
	rows := Load(Param("rows"), GP64()).(reg.GPVirtual)
	ld := Load(Param("ld"), GP64()).(reg.GPVirtual)
	SHLQ(U8(2), ld)
	g.columns(n, []reg.GPVirtual{p, f, x, sum}, func() {
		factor, total := g.load(Mem{Base: f}), g.load(Mem{Base: sum})
		at, apart := GP64(), GP64() // of p, and from p to x
		MOVQ(p, at)
		MOVQ(x, apart)
		SUBQ(p, apart)
		down(rows, at, ld, 4, func(int) {
			v := g.mul(factor, Mem{Base: at})
			VMOVUPS(v, Mem{Base: at})
			VFMADD231PS(Mem{Base: at, Index: apart, Scale: 1}, v, total)
		})
		VMOVUPS(total, Mem{Base: sum})
	})
}

// softmaxGradColumns emits func(dp, p, dot []float32, rows, ld int): dp[i*ld+j] = p[i*ld+j] * (dp[i*ld+j] - dot[j]).
func (g *isa) softmaxGradColumns() {
	g.begin("softmaxGradColumns", "func(dp, p, dot []float32, rows, ld int)")
	dp := Load(Param("dp").Base(), GP64()).(reg.GPVirtual)
	p := Load(Param("p").Base(), GP64()).(reg.GPVirtual)
	dot := Load(Param("dot").Base(), GP64()).(reg.GPVirtual)
	n := Load(Param("dot").Len(), GP64()).(reg.GPVirtual)
	rows := Load(Param("rows"), GP64()).(reg.GPVirtual)
	ld := Load(Param("ld"), GP64()).(reg.GPVirtual)
	SHLQ(U8(2), ld)
	g.columns(n, []reg.GPVirtual{dp, p, dot}, func() {
		d := g.load(Mem{Base: dot})
		at, apart := GP64(), GP64() // of dp, and from dp to p
		MOVQ(dp, at)
		MOVQ(p, apart)
		SUBQ(dp, apart)
		down(rows, at, ld, 4, func(int) {
			v := g.sub(g.load(Mem{Base: at}), d)
			VMOVUPS(g.mul(v, Mem{Base: at, Index: apart, Scale: 1}), Mem{Base: at})
		})
	})
}

// scaleRows emits func(y, s []float32, cols, ld int): y[i*ld+j] *= s[i] for j < cols.
func (g *isa) scaleRows() {
	g.begin("scaleRows", "func(y, s []float32, cols, ld int)")
	y := Load(Param("y").Base(), GP64()).(reg.GPVirtual)
	s := Load(Param("s").Base(), GP64()).(reg.GPVirtual)
	n := Load(Param("s").Len(), GP64()).(reg.GPVirtual)
	cols := Load(Param("cols"), GP64()).(reg.GPVirtual)
	ld := Load(Param("ld"), GP64()).(reg.GPVirtual)
	SHLQ(U8(2), ld)
	Label("nextRow")
	TESTQ(n, n)
	JE(LabelRef("rowsDone"))
	f := g.broadcast(Mem{Base: s})
	p, left := GP64(), GP64()
	MOVQ(y, p)
	MOVQ(cols, left)
	g.loop(left, 2, []reg.GPVirtual{p},
		func(i int) { VMOVUPS(g.mul(f, g.at(p, i)), g.at(p, i)) },
		func(m mask) { g.storeTail(m, g.mul(g.loadTail(m, g.at(p, 0), nil), f), g.at(p, 0)) })
	ADDQ(ld, y)
	ADDQ(U32(4), s)
	DECQ(n)
	JMP(LabelRef("nextRow"))
	Label("rowsDone")
	g.end()
}
