package main

import (
	"slices"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/gotypes"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// wideKernels names the kernels of one input that also come for rows.
var wideKernels = []string{"tanh", "sigmoid", "gelu", "geluTanh", "silu", "hardSwish", "hardSigmoid", "leakyRelu", "clip"}

// wideRows are the parameters of a function that takes rows, each of n elements, of which the next begins step further.
type wideRows struct {
	n, rows reg.GPVirtual
	at      []reg.GPVirtual
	steps   []reg.GPVirtual // bytes
}

// wideRows loads the parameters, of one pointer and step for each pair of names.
func (g *isa) wideRows(names ...string) wideRows {
	gp := func(c gotypes.Component) reg.GPVirtual { return Load(c, GP64()).(reg.GPVirtual) }
	w := wideRows{n: gp(Param("n")), rows: gp(Param("rows"))}
	for i := 0; i < len(names); i += 2 {
		step := gp(Param(names[i+1]))
		SHLQ(U8(2), step)
		w.at, w.steps = append(w.at, gp(Param(names[i]).Base())), append(w.steps, step)
	}
	return w
}

// each emits f for a row, with pointers and a count that f may change.
func (w *wideRows) each(f func(n reg.GPVirtual, at []reg.GPVirtual)) {
	Label("row")
	left := GP64()
	MOVQ(w.n, left)
	var at []reg.GPVirtual
	for _, p := range w.at {
		q := GP64()
		MOVQ(p, q)
		at = append(at, q)
	}
	f(left, at)
	for i, p := range w.at {
		ADDQ(w.steps[i], p)
	}
	DECQ(w.rows)
	JNE(LabelRef("row"))
}

// unaryWide emits func(x []float32, n, rows, step int, a, b float32), which works in place. There is a row.
func (g *isa) unaryWide(k unaryKernel) {
	if !slices.Contains(wideKernels, k.name) {
		return
	}
	g.begin(k.name+"Wide", "func(x []float32, n, rows, step int, a, b float32)")
	w := g.wideRows("x", "step")
	params := g.params(k)
	k.constants(g)
	w.each(func(n reg.GPVirtual, at []reg.GPVirtual) {
		x := at[0]
		k.walk(g, n, at,
			func(i int) { VMOVUPS(k.body(g, g.load(g.at(x, i)), params), g.at(x, i)) },
			func(m mask) { g.storeTail(m, k.body(g, g.loadTail(m, g.at(x, 0), nil), params), g.at(x, 0)) })
	})
	g.end()
}

// addWide emits func(dst, x []float32, n, rows, dstStep, xStep int), which adds rows. There is a row.
func (g *isa) addWide() {
	g.begin("addWide", "func(dst, x []float32, n, rows, dstStep, xStep int)")
	w := g.wideRows("dst", "dstStep", "x", "xStep")
	w.each(func(n reg.GPVirtual, at []reg.GPVirtual) {
		dst, x := at[0], at[1]
		g.loop(n, 2, at,
			func(i int) { VMOVUPS(g.add(g.load(g.at(dst, i)), g.load(g.at(x, i))), g.at(dst, i)) },
			func(m mask) {
				g.storeTail(m, g.add(g.loadTail(m, g.at(dst, 0), nil), g.loadTail(m, g.at(x, 0), nil)), g.at(dst, 0))
			})
	})
	g.end()
}

// scaleWide emits func(dst, scale, shift []float32, n, rows, dstStep int), which multiplies rows with one and adds another. There is a
// row.
func (g *isa) scaleWide() {
	g.begin("scaleWide", "func(dst, scale, shift []float32, n, rows, dstStep int)")
	w := g.wideRows("dst", "dstStep")
	scale, shift := Load(Param("scale").Base(), GP64()), Load(Param("shift").Base(), GP64())
	w.each(func(n reg.GPVirtual, at []reg.GPVirtual) {
		s, t := GP64(), GP64()
		MOVQ(scale, s)
		MOVQ(shift, t)
		dst := at[0]
		g.loop(n, 2, []reg.GPVirtual{dst, s, t},
			func(i int) {
				VMOVUPS(g.add(g.mul(g.load(g.at(dst, i)), g.load(g.at(s, i))), g.load(g.at(t, i))), g.at(dst, i))
			},
			func(m mask) {
				x := g.mul(g.loadTail(m, g.at(dst, 0), nil), g.loadTail(m, g.at(s, 0), nil))
				g.storeTail(m, g.add(x, g.loadTail(m, g.at(t, 0), nil)), g.at(dst, 0))
			})
	})
	g.end()
}
