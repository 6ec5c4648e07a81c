package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// columnGroup is how many columns are taken at once: a cache line of each row, in as many vectors as that has.
const columnGroup = 16

// columns loops over groups of the n columns that the slices in ptrs have, and advances those.
func (g *isa) columns(n reg.GPVirtual, ptrs []reg.GPVirtual, body func(vectors int)) {
	Label("column")
	CMPQ(n, U32(columnGroup))
	JLT(LabelRef("columnsEnd"))
	body(columnGroup / g.w)
	for _, p := range ptrs {
		ADDQ(U32(4*columnGroup), p)
	}
	SUBQ(U32(columnGroup), n)
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

// vectorsAt loads n vectors that follow one another.
func (g *isa) vectorsAt(p reg.GPVirtual, n int) []vec {
	v := make([]vec, n)
	for i := range v {
		v[i] = g.load(g.at(p, i))
	}
	return v
}

// storeAt stores vectors one behind the other.
func (g *isa) storeAt(p reg.GPVirtual, v []vec) {
	for i := range v {
		VMOVUPS(v[i], g.at(p, i))
	}
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
	g.columns(n, []reg.GPVirtual{m, x}, func(vectors int) {
		acc := g.vectorsAt(m, vectors)
		for len(acc) < 4 {
			acc = append(acc, g.load(c(negInf)))
		}
		p := GP64()
		MOVQ(x, p)
		down(rows, p, ld, len(acc)/vectors, func(i int) {
			for j, to := range acc[i*vectors:][:vectors] {
				VMAXPS(g.at(p, j), to, to)
			}
		})
		for n := len(acc) / 2; n >= vectors; n /= 2 {
			for i := range n {
				VMAXPS(acc[i+n], acc[i], acc[i])
			}
		}
		g.storeAt(m, acc[:vectors])
	})
}

// A foldColumnKernel joins the elements of rows with accumulators.
type foldColumnKernel struct {
	name string
	join func(g *isa, acc vec, x Mem)
}

var foldColumnKernels = []foldColumnKernel{
	{"sum", func(_ *isa, acc vec, x Mem) { VADDPS(x, acc, acc) }},
	{"sumSquare", func(g *isa, acc vec, x Mem) { v := g.load(x); VFMADD231PS(v, v, acc) }},
	{"sumAbs", func(g *isa, acc vec, x Mem) { VADDPS(g.and(g.load(x), bitsConst(sign-1)), acc, acc) }},
	{"product", func(_ *isa, acc vec, x Mem) { VMULPS(x, acc, acc) }},
	{"highest", func(g *isa, acc vec, x Mem) {
		v := g.load(x)
		VMOVAPS(g.ifCompare(cmpUnord, v, v, v, g.atLeast(acc, v)), acc)
	}},
	{"lowest", func(g *isa, acc vec, x Mem) {
		v := g.load(x)
		VMOVAPS(g.ifCompare(cmpUnord, v, v, v, g.atMost(acc, v)), acc)
	}},
}

// foldColumns emits func(acc, x []float32, rows, ld int): acc[j] is joined with x[i*ld+j], row by row, at least one.
func (g *isa) foldColumns(k foldColumnKernel) {
	g.begin(k.name+"Columns", "func(acc, x []float32, rows, ld int)")
	acc := Load(Param("acc").Base(), GP64()).(reg.GPVirtual)
	n := Load(Param("acc").Len(), GP64()).(reg.GPVirtual)
	x := Load(Param("x").Base(), GP64()).(reg.GPVirtual)
	rows := Load(Param("rows"), GP64()).(reg.GPVirtual)
	ld := Load(Param("ld"), GP64()).(reg.GPVirtual)
	SHLQ(U8(2), ld)
	p, left := GP64(), GP64()
	for _, count := range []int{4, 1} {
		id := fmt.Sprint(count)
		Label("columns" + id)
		CMPQ(n, U32(uint32(g.w*count)))
		JLT(LabelRef("columnsEnd" + id))
		total := make([]vec, count)
		for i := range total {
			total[i] = g.load(g.at(acc, i))
		}
		MOVQ(x, p)
		MOVQ(rows, left)
		Label("row" + id)
		for i := range total {
			k.join(g, total[i], g.at(p, i))
		}
		ADDQ(ld, p)
		DECQ(left)
		JNE(LabelRef("row" + id))
		for i := range total {
			VMOVUPS(total[i], g.at(acc, i))
		}
		ADDQ(U32(uint32(4*g.w*count)), acc)
		ADDQ(U32(uint32(4*g.w*count)), x)
		SUBQ(U32(uint32(g.w*count)), n)
		JMP(LabelRef("columns" + id))
		Label("columnsEnd" + id)
	}
	g.end()
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
	g.hoistSoftmax()
	g.columns(n, []reg.GPVirtual{x, m, sum}, func(vectors int) {
		p := GP64()
		MOVQ(x, p)
		if !g.wide() {
			g.expColumnsBeside(vectors, rows, p, ld, m, sum)
			return
		}
		high, total := g.vectorsAt(m, vectors), g.vectorsAt(sum, vectors)
		down(rows, p, ld, 2, func(int) {
			for j := range vectors {
				e := g.expSoftmax(g.sub(g.load(g.at(p, j)), high[j]))
				VADDPS(e, total[j], total[j])
				VMOVUPS(e, g.at(p, j))
			}
		})
		g.storeAt(sum, total)
	})
}

// expColumnsBeside emits the loop of expColumns over the rows of a group of columns, the vectors of two rows side by side.
func (g *isa) expColumnsBeside(vectors int, rows, p, ld, m, sum reg.GPVirtual) {
	total := g.vectorsAt(sum, vectors)
	left := GP64()
	MOVQ(rows, left)
	for _, count := range []int{2, 1} {
		name := fmt.Sprint("exp", count)
		Label(name)
		CMPQ(left, U32(uint32(count)))
		JLT(LabelRef(name + "End"))
		beside(count*vectors, func(i int) {
			j := i % vectors
			at := Mem{Base: p, Disp: 4 * g.w * j}
			if i >= vectors {
				at.Index, at.Scale = ld, 1
			}
			high := g.load(g.at(m, j))
			e := g.expSoftmax(g.sub(g.load(at), high))
			VADDPS(e, total[j], total[j])
			VMOVUPS(e, at)
		})
		for range count {
			ADDQ(ld, p)
		}
		SUBQ(U32(uint32(count)), left)
		JMP(LabelRef(name))
		Label(name + "End")
	}
	g.storeAt(sum, total)
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
	g.columns(n, []reg.GPVirtual{p, f, x, sum}, func(vectors int) {
		factor, total := g.vectorsAt(f, vectors), g.vectorsAt(sum, vectors)
		at, apart := GP64(), GP64() // of p, and from p to x
		MOVQ(p, at)
		MOVQ(x, apart)
		SUBQ(p, apart)
		down(rows, at, ld, 4, func(int) {
			for j := range vectors {
				v := g.mul(factor[j], g.at(at, j))
				VMOVUPS(v, g.at(at, j))
				VFMADD231PS(Mem{Base: at, Index: apart, Scale: 1, Disp: 4 * g.w * j}, v, total[j])
			}
		})
		g.storeAt(sum, total)
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
	g.columns(n, []reg.GPVirtual{dp, p, dot}, func(vectors int) {
		d := g.vectorsAt(dot, vectors)
		at, apart := GP64(), GP64() // of dp, and from dp to p
		MOVQ(dp, at)
		MOVQ(p, apart)
		SUBQ(dp, apart)
		down(rows, at, ld, 4, func(int) {
			for j := range vectors {
				v := g.sub(g.load(g.at(at, j)), d[j])
				VMOVUPS(g.mul(v, Mem{Base: at, Index: apart, Scale: 1, Disp: 4 * g.w * j}), g.at(at, j))
			}
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
