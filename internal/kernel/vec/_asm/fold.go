package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A foldKernel joins elements with accumulators, which join each other at the end by merge.
type foldKernel struct {
	name   string
	inputs []string // slices, the first of which gives the length; "m" is a float32 parameter
	start  uint32
	pad    string // what fills a tail's lanes: "start", "m" or nothing for zero
	join   func(g *isa, acc vec, x []vec, m vec)
	merge  emit
	nan    bool // a NaN anywhere makes the result NaN
}

var foldKernels = []foldKernel{
	{"sum", []string{"x"}, 0, "", func(g *isa, acc vec, x []vec, _ vec) { VADDPS(x[0], acc, acc) }, VADDPS, false},
	{"sumSquare", []string{"x"}, 0, "", func(g *isa, acc vec, x []vec, _ vec) { VFMADD231PS(x[0], x[0], acc) }, VADDPS, false},
	{"sumAbs", []string{"x"}, 0, "", func(g *isa, acc vec, x []vec, _ vec) {
		VADDPS(g.and(x[0], bitsConst(sign-1)), acc, acc)
	}, VADDPS, false},
	{"sumDeviation", []string{"x", "m"}, 0, "m", func(g *isa, acc vec, x []vec, m vec) {
		d := g.sub(x[0], m)
		VFMADD231PS(d, d, acc)
	}, VADDPS, false},
	{"dot", []string{"x", "y"}, 0, "", func(g *isa, acc vec, x []vec, _ vec) { VFMADD231PS(x[1], x[0], acc) }, VADDPS, false},
	{"product", []string{"x"}, f32(1), "start", func(g *isa, acc vec, x []vec, _ vec) { VMULPS(x[0], acc, acc) }, VMULPS, false},
	{"highest", []string{"x"}, f32(math.Inf(-1)), "start", func(g *isa, acc vec, x []vec, _ vec) { VMAXPS(x[0], acc, acc) }, VMAXPS, true},
	{"lowest", []string{"x"}, f32(math.Inf(1)), "start", func(g *isa, acc vec, x []vec, _ vec) { VMINPS(x[0], acc, acc) }, VMINPS, true},
}

// fold emits func(x []float32) float32, or with a second slice or a parameter. Four accumulators take the
// vectors in turn.
func (g *isa) fold(k foldKernel) {
	var ptrs []reg.GPVirtual
	var m, pad vec
	sig := map[string]string{"x": "func(x []float32) float32", "xm": "func(x []float32, m float32) float32", "xy": "func(x, y []float32) float32"}
	key := ""
	for _, in := range k.inputs {
		key += in
	}
	g.begin(k.name, sig[key])
	n := Load(Param("x").Len(), GP64()).(reg.GPVirtual)
	for _, in := range k.inputs {
		if in == "m" {
			m = g.param("m")
			continue
		}
		ptrs = append(ptrs, Load(Param(in).Base(), GP64()).(reg.GPVirtual))
	}
	switch k.pad {
	case "start":
		pad = g.hoist(k.start)
	case "m":
		pad = m
	}
	acc := make([]vec, 4)
	for i := range acc {
		acc[i] = g.load(bitsConst(k.start))
	}
	var flags nanFlags
	if k.nan {
		flags = g.newNaNFlags()
	}
	take := func(i int, load func(p reg.GPVirtual) vec) {
		var x []vec
		for _, p := range ptrs {
			x = append(x, load(p))
		}
		if k.nan {
			flags.note(g, x[0])
		}
		k.join(g, acc[i], x, m)
	}
	g.loop(n, 4, ptrs,
		func(i int) { take(i, func(p reg.GPVirtual) vec { return g.load(g.at(p, i)) }) },
		func(msk mask) { take(1, func(p reg.GPVirtual) vec { return g.loadTail(msk, g.at(p, 0), pad) }) })
	k.merge(acc[1], acc[0], acc[0])
	k.merge(acc[3], acc[2], acc[2])
	k.merge(acc[2], acc[0], acc[0])
	s := g.across(acc[0], k.merge)
	if k.nan {
		flags.apply(g, s)
	}
	result(s, 0)
	g.end()
}

// extent emits func(x []float32) (lo, hi float32): lowest and highest in one pass.
func (g *isa) extent() {
	g.begin("extent", "func(x []float32) (lo, hi float32)")
	n := Load(Param("x").Len(), GP64()).(reg.GPVirtual)
	x := Load(Param("x").Base(), GP64()).(reg.GPVirtual)
	ends := []struct {
		merge emit
		acc   []vec
	}{{VMINPS, nil}, {VMAXPS, nil}}
	for i, start := range []float64{math.Inf(1), math.Inf(-1)} {
		ends[i].acc = []vec{g.load(c(start)), g.load(c(start))}
	}
	flags := g.newNaNFlags()
	take := func(i int, v vec) {
		flags.note(g, v)
		for _, e := range ends {
			e.merge(v, e.acc[i%2], e.acc[i%2])
		}
	}
	g.loop(n, 4, []reg.GPVirtual{x},
		func(i int) { take(i, g.load(g.at(x, i))) },
		func(m mask) {
			for i, e := range ends {
				v := g.loadTail(m, g.at(x, 0), e.acc[1]) // the lanes beyond the tail change nothing
				if i == 0 {
					flags.note(g, v)
				}
				e.merge(v, e.acc[1], e.acc[1])
			}
		})
	var s [2]vec
	for i, e := range ends {
		e.merge(e.acc[1], e.acc[0], e.acc[0])
		s[i] = g.across(e.acc[0], e.merge)
	}
	flags.apply(g, s[0], s[1])
	result(s[0], 0)
	result(s[1], 1)
	g.end()
}

// across joins the lanes of v in a fixed order.
func (g *isa) across(v vec, merge emit) reg.VecVirtual {
	if g.wide() {
		t := YMM()
		VEXTRACTF64X4(U8(1), v, t)
		merge(t, v.AsY(), t)
		v = t
	}
	s, t := XMM(), XMM()
	if g.wide() {
		VEXTRACTF32X4(U8(1), v.AsY(), t) // reaches all 32 registers
	} else {
		VEXTRACTF128(U8(1), v.AsY(), t)
	}
	merge(t, v.AsX(), s)
	VPERMILPS(U8(0x4e), s, t)
	merge(t, s, s)
	VPERMILPS(U8(0xb1), s, t)
	merge(t, s, s)
	return s
}

// nanFlags remember whether a NaN came by.
type nanFlags struct {
	v vec
	k reg.OpmaskVirtual
}

func (g *isa) newNaNFlags() nanFlags {
	if g.wide() {
		f := nanFlags{k: K()}
		KXORW(f.k, f.k, f.k)
		return f
	}
	return nanFlags{v: g.load(bitsConst(0))}
}

func (f nanFlags) note(g *isa, x vec) {
	if g.wide() {
		m := K()
		VCMPPS(U8(cmpUnord), x, x, m)
		KORW(m, f.k, f.k)
		return
	}
	m := g.r()
	VCMPPS(U8(cmpUnord), x, x, m)
	VORPS(m, f.v, f.v)
}

// apply makes results NaN if one was noted.
func (f nanFlags) apply(g *isa, results ...vec) {
	bits := GP32()
	if g.wide() {
		KMOVW(f.k, bits)
	} else {
		VMOVMSKPS(f.v, bits)
	}
	TESTL(bits, bits)
	JE(LabelRef("numbers"))
	for _, s := range results {
		VMOVSS(bitsConst(0x7fc00000), s)
	}
	Label("numbers")
}

// expSum emits func(dst, x []float32, m float32) float32: dst[i] = exp(x[i]-m), and their sum.
func (g *isa) expSum() {
	g.begin("expSum", "func(dst, x []float32, m float32) float32")
	dst := Load(Param("dst").Base(), GP64()).(reg.GPVirtual)
	n := Load(Param("dst").Len(), GP64()).(reg.GPVirtual)
	x := Load(Param("x").Base(), GP64()).(reg.GPVirtual)
	m := g.param("m")
	g.hoistSoftmax()
	acc := []vec{g.load(bitsConst(0)), g.load(bitsConst(0))}
	g.loopFilled(n, 4, 2, []reg.GPVirtual{dst, x},
		func(i int) {
			e := g.expSoftmax(g.sub(g.load(g.at(x, i)), m))
			VADDPS(e, acc[i%2], acc[i%2])
			VMOVUPS(e, g.at(dst, i))
		},
		func(msk mask) {
			e := g.expSoftmax(g.sub(g.loadTail(msk, g.at(x, 0), g.load(c(negInf))), m))
			g.storeTail(msk, e, g.at(dst, 0))
			// The lanes beyond the tail are zero, or NaN if m is infinite and the row's elements are too.
			VADDPS(e, acc[1], acc[1])
		})
	VADDPS(acc[1], acc[0], acc[0])
	result(g.across(acc[0], VADDPS), 0)
	g.end()
}

// normRow emits func(dst, x, scale, bias []float32, mean, inv float32): dst[i] = (x[i]-mean)*inv*scale[i]
// + bias[i]. bias may be empty.
func (g *isa) normRow() {
	g.begin("normRow", "func(dst, x, scale, bias []float32, mean, inv float32)")
	dst := Load(Param("dst").Base(), GP64()).(reg.GPVirtual)
	n := Load(Param("dst").Len(), GP64()).(reg.GPVirtual)
	x := Load(Param("x").Base(), GP64()).(reg.GPVirtual)
	scale := Load(Param("scale").Base(), GP64()).(reg.GPVirtual)
	bias := Load(Param("bias").Base(), GP64()).(reg.GPVirtual)
	bn := Load(Param("bias").Len(), GP64()).(reg.GPVirtual)
	mean, inv := g.param("mean"), g.param("inv")
	emit := func(withBias bool) {
		ptrs := []reg.GPVirtual{dst, x, scale}
		if withBias {
			ptrs = append(ptrs, bias)
		}
		result := func(load func(p reg.GPVirtual) vec) vec {
			v := g.mul(g.sub(load(x), mean), inv)
			if !withBias {
				return g.mul(v, load(scale))
			}
			VFMADD213PS(load(bias), load(scale), v)
			return v
		}
		g.loop(n, 2, ptrs,
			func(i int) { VMOVUPS(result(func(p reg.GPVirtual) vec { return g.load(g.at(p, i)) }), g.at(dst, i)) },
			func(m mask) {
				g.storeTail(m, result(func(p reg.GPVirtual) vec { return g.loadTail(m, g.at(p, 0), nil) }), g.at(dst, 0))
			})
		g.end()
	}
	TESTQ(bn, bn)
	JE(LabelRef("plain"))
	emit(true)
	Label("plain")
	emit(false)
}

// converts emits the half-precision conversions for lengths that are multiples of 16.
func (g *isa) converts() {
	g.begin("fromFloat16", "func(dst []float32, x []uint16)")
	dst := Load(Param("dst").Base(), GP64()).(reg.GPVirtual)
	n := Load(Param("dst").Len(), GP64()).(reg.GPVirtual)
	x := Load(Param("x").Base(), GP64()).(reg.GPVirtual)
	g.wholeGroups(n, func() {
		v := g.r()
		VCVTPH2PS(Mem{Base: x}, v)
		VMOVUPS(v, Mem{Base: dst})
		ADDQ(U32(uint32(4*g.w)), dst)
		ADDQ(U32(uint32(2*g.w)), x)
	})
	g.begin("toFloat16", "func(dst []uint16, x []float32)")
	dst = Load(Param("dst").Base(), GP64()).(reg.GPVirtual)
	n = Load(Param("dst").Len(), GP64()).(reg.GPVirtual)
	x = Load(Param("x").Base(), GP64()).(reg.GPVirtual)
	g.wholeGroups(n, func() {
		VCVTPS2PH(U8(0), g.load(Mem{Base: x}), Mem{Base: dst})
		ADDQ(U32(uint32(2*g.w)), dst)
		ADDQ(U32(uint32(4*g.w)), x)
	})
}

// whole loops over full vectors and returns.
func (g *isa) whole(n reg.GPVirtual, body func()) { g.wholeVectors(n, 1, body) }

// wholeGroups is whole for lengths that are multiples of 16: two vectors of AVX2.
func (g *isa) wholeGroups(n reg.GPVirtual, body func()) { g.wholeVectors(n, 16/g.w, body) }

func (g *isa) wholeVectors(n reg.GPVirtual, count int, body func()) {
	Label("next")
	CMPQ(n, U32(uint32(count*g.w)))
	JLT(LabelRef("end"))
	for range count {
		body()
	}
	SUBQ(U32(uint32(count*g.w)), n)
	JMP(LabelRef("next"))
	Label("end")
	g.end()
}
