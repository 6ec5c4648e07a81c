package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A rowKernel walks over rows of cols elements of x and dst, each several times while it lies in the nearest cache.
type rowKernel struct {
	g            *isa
	dst, x, cols reg.GPVirtual
}

// rowsOf starts a kernel whose first parameters are dst, x and cols, emits each for every row, and returns. The length
// is a multiple of cols.
func (g *isa) rowsOf(name, signature string, prepare func(k rowKernel), each func(k rowKernel)) {
	g.begin(name, signature)
	k := rowKernel{g: g}
	k.dst = Load(Param("dst").Base(), GP64()).(reg.GPVirtual)
	n := Load(Param("dst").Len(), GP64()).(reg.GPVirtual)
	k.x = Load(Param("x").Base(), GP64()).(reg.GPVirtual)
	k.cols = Load(Param("cols"), GP64()).(reg.GPVirtual)
	prepare(k)
	Label("next")
	CMPQ(n, k.cols)
	JLT(LabelRef("end"))
	each(k)
	LEAQ(Mem{Base: k.x, Index: k.cols, Scale: 4}, k.x)
	LEAQ(Mem{Base: k.dst, Index: k.cols, Scale: 4}, k.dst)
	SUBQ(k.cols, n)
	JMP(LabelRef("next"))
	Label("end")
	g.end()
}

// pass emits a loop over the elements of the row at hand: take gets the number of the accumulator, and what loads from
// and stores to the pointers ptrs. pad fills the lanes beyond a tail.
func (k rowKernel) pass(unroll int, ptrs []reg.GPVirtual, take func(i int, load func(p int, pad func() vec) vec, store func(p int, v vec))) {
	k.walk(func(n reg.GPVirtual, ptrs []reg.GPVirtual, body func(i int), tail func(m mask)) {
		k.g.loop(n, unroll, ptrs, body, tail)
	}, ptrs, take)
}

// passFilled is pass by loopFilled.
func (k rowKernel) passFilled(count, unroll int, ptrs []reg.GPVirtual, take func(i int, load func(p int, pad func() vec) vec, store func(p int, v vec))) {
	k.walk(func(n reg.GPVirtual, ptrs []reg.GPVirtual, body func(i int), tail func(m mask)) {
		k.g.loopFilled(n, count, unroll, ptrs, body, tail)
	}, ptrs, take)
}

func (k rowKernel) walk(loop func(n reg.GPVirtual, ptrs []reg.GPVirtual, body func(i int), tail func(m mask)), ptrs []reg.GPVirtual,
	take func(i int, load func(p int, pad func() vec) vec, store func(p int, v vec))) {
	n := GP64()
	MOVQ(k.cols, n)
	at := make([]reg.GPVirtual, len(ptrs))
	for i, p := range ptrs {
		at[i] = GP64()
		MOVQ(p, at[i])
	}
	g := k.g
	loop(n, at,
		func(i int) {
			take(i, func(p int, _ func() vec) vec { return g.load(g.at(at[p], i)) }, func(p int, v vec) { VMOVUPS(v, g.at(at[p], i)) })
		},
		func(m mask) {
			take(0, func(p int, pad func() vec) vec {
				var other vec
				if pad != nil {
					other = pad()
				}
				return g.loadTail(m, g.at(at[p], 0), other)
			}, func(p int, v vec) { g.storeTail(m, v, g.at(at[p], 0)) })
		})
}

// total emits a pass that joins the elements of the row, as term makes them, and spreads the result.
func (k rowKernel) total(unroll int, ptrs []reg.GPVirtual, start uint32, merge emit, term func(acc vec, load func(p int, pad func() vec) vec, store func(p int, v vec))) vec {
	acc := k.start(unroll, start)
	k.pass(unroll, ptrs, func(i int, load func(p int, pad func() vec) vec, store func(p int, v vec)) { term(acc[i], load, store) })
	return k.join(acc, merge)
}

// start returns new accumulators.
func (k rowKernel) start(n int, value uint32) []vec {
	acc := make([]vec, n)
	for i := range acc {
		acc[i] = k.g.load(bitsConst(value))
	}
	return acc
}

// join merges accumulators and spreads the result.
func (k rowKernel) join(acc []vec, merge emit) vec {
	for n := len(acc) / 2; n > 0; n /= 2 {
		for i := range n {
			merge(acc[i+n], acc[i], acc[i])
		}
	}
	return k.g.spread(k.g.across(acc[0], merge))
}

// softmaxRows emits func(dst, x []float32, cols int): the softmax of each row, or its logarithm. A NaN makes its row
// NaN: VMAXPS may lose it, but the sum does not. The last pass over a row waits for stores, and finds the largest element of the
// next row meanwhile.
func (g *isa) softmaxRows(name string, log bool) {
	var m vec
	low := func() vec { return g.load(c(negInf)) }
	var last, end reg.GPVirtual
	const lanes = 4
	g.rowsOf(name, "func(dst, x []float32, cols int)", func(k rowKernel) {
		g.hoistSoftmax()
		last, end = GP64(), Load(Param("dst").Len(), GP64()).(reg.GPVirtual)
		LEAQ(Mem{Base: k.x, Index: end, Scale: 4}, last)
		SHLQ(U8(2), k.cols)
		SUBQ(k.cols, last)
		SHRQ(U8(2), k.cols)
		m = k.total(lanes, []reg.GPVirtual{k.x}, f32(negInf), VMAXPS, func(acc vec, load func(p int, pad func() vec) vec, _ func(p int, v vec)) {
			VMAXPS(load(0, low), acc, acc)
		})
	}, func(k rowKernel) {
		sums := k.start(2, 0)
		k.passFilled(4, 2, []reg.GPVirtual{k.x, k.dst}, func(i int, load func(p int, pad func() vec) vec, store func(p int, v vec)) {
			e := g.expSoftmax(g.sub(load(0, low), m))
			VADDPS(e, sums[i%2], sums[i%2])
			if !log {
				store(1, e)
			}
		})
		sum := k.join(sums, VADDPS)
		next := GP64() // the row itself, if it is the last one
		LEAQ(Mem{Base: k.x, Index: k.cols, Scale: 4}, next)
		CMPQ(next, last)
		CMOVQHI(k.x, next)
		if log {
			sum = g.log(sum)
		} else {
			sum = g.div(g.load(c(1)), sum)
		}
		acc := k.start(lanes, f32(negInf))
		from := map[bool]reg.GPVirtual{true: k.x, false: k.dst}[log]
		k.pass(lanes, []reg.GPVirtual{from, k.dst, next}, func(i int, load func(p int, pad func() vec) vec, store func(p int, v vec)) {
			VMAXPS(load(2, low), acc[i], acc[i])
			if log {
				store(1, g.sub(g.sub(load(0, nil), m), sum))
			} else {
				store(1, g.mul(load(0, nil), sum))
			}
		})
		VMOVAPS(k.join(acc, VMAXPS), m)
	})
}

// softmaxGrad emits func(dst, x, y []float32, cols int): from the gradient x of each row of a softmax y, or of its logarithm, that of
// what it is the softmax of.
func (g *isa) softmaxGrad(name string, log bool) {
	var y reg.GPVirtual
	g.rowsOf(name, "func(dst, x, y []float32, cols int)", func(rowKernel) {
		y = base("y")
		if log {
			g.hoistSoftmax()
		}
	}, func(k rowKernel) {
		sum := k.total(4, []reg.GPVirtual{k.x, y}, 0, VADDPS, func(acc vec, load func(p int, pad func() vec) vec, _ func(p int, v vec)) {
			if log {
				VADDPS(load(0, nil), acc, acc)
			} else {
				VFMADD231PS(load(0, nil), load(1, nil), acc)
			}
		})
		k.passFilled(2, 2, []reg.GPVirtual{k.x, y, k.dst}, func(_ int, load func(p int, pad func() vec) vec, store func(p int, v vec)) {
			if log {
				d := load(0, nil)
				VFNMADD231PS(g.expSoftmax(load(1, nil)), sum, d)
				store(2, d)
			} else {
				store(2, g.mul(g.sub(load(0, nil), sum), load(1, nil)))
			}
		})
		LEAQ(Mem{Base: y, Index: k.cols, Scale: 4}, y)
	})
}

// leastShare is the logarithm to base 2 of the least exponential that scaledExpRows takes account of.
const leastShare = -60

// scaledExpRows emits func(dst, x, f []float32, cols int): exponentials of each row, times its element of f.
func (g *isa) scaledExpRows() {
	var f reg.GPVirtual
	g.rowsOf("scaledExpRows", "func(dst, x, f []float32, cols int)", func(rowKernel) {
		f = base("f")
		g.hoistSoftmax()
	}, func(k rowKernel) {
		factor := g.r()
		VBROADCASTSS(Mem{Base: f}, factor)
		ADDQ(U8(4), f)
		k.passFilled(4, 4, []reg.GPVirtual{k.x, k.dst}, func(_ int, load func(p int, pad func() vec) vec, store func(p int, v vec)) {
			store(1, g.mul(g.expSoftmaxFrom(leastShare, load(0, nil)), factor))
		})
	})
}

// normRows emits func(dst, x, scale, bias []float32, cols int, eps float32): rows scaled to variance 1 and, unless rms
// is set, moved to mean 0; then times scale plus bias, which may be empty.
func (g *isa) normRows(name string, rms bool) {
	var scale, bias, bn reg.GPVirtual
	var eps, count vec
	g.rowsOf(name, "func(dst, x, scale, bias []float32, cols int, eps float32)", func(k rowKernel) {
		scale = Load(Param("scale").Base(), GP64()).(reg.GPVirtual)
		bias = Load(Param("bias").Base(), GP64()).(reg.GPVirtual)
		bn = Load(Param("bias").Len(), GP64()).(reg.GPVirtual)
		eps = g.param("eps")
		s := XMM()
		VXORPS(s, s, s)
		VCVTSI2SSQ(k.cols, s, s)
		count = g.broadcast(s)
	}, func(k rowKernel) {
		var mean vec
		if rms {
			mean = g.load(bitsConst(0))
		} else {
			mean = g.div(k.total(4, []reg.GPVirtual{k.x}, 0, VADDPS, func(acc vec, load func(p int, pad func() vec) vec, _ func(p int, v vec)) {
				VADDPS(load(0, nil), acc, acc)
			}), count)
		}
		square := k.total(4, []reg.GPVirtual{k.x}, 0, VADDPS, func(acc vec, load func(p int, pad func() vec) vec, _ func(p int, v vec)) {
			d := load(0, func() vec { return mean })
			if !rms {
				d = g.sub(d, mean)
			}
			VFMADD231PS(d, d, acc)
		})
		root := g.r()
		VSQRTPS(g.add(g.div(square, count), eps), root)
		inv := g.div(g.load(c(1)), root)
		k.affine(rms, mean, inv, scale, bias, bn)
	})
}

// affine emits the last pass of normRows, with bias and without.
func (k rowKernel) affine(rms bool, mean, inv vec, scale, bias, bn reg.GPVirtual) {
	g := k.g
	value := func(load func(p int, pad func() vec) vec) vec {
		v := load(0, nil)
		if !rms {
			v = g.sub(v, mean)
		}
		return g.mul(v, inv)
	}
	TESTQ(bn, bn)
	JE(LabelRef("plain"))
	k.pass(2, []reg.GPVirtual{k.x, k.dst, scale, bias}, func(_ int, load func(p int, pad func() vec) vec, store func(p int, v vec)) {
		v := value(load)
		VFMADD213PS(load(3, nil), load(2, nil), v)
		store(1, v)
	})
	JMP(LabelRef("normed"))
	Label("plain")
	k.pass(2, []reg.GPVirtual{k.x, k.dst, scale}, func(_ int, load func(p int, pad func() vec) vec, store func(p int, v vec)) {
		store(1, g.mul(value(load), load(2, nil)))
	})
	Label("normed")
}
