package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A normGradKernel walks over groups of rows of x, dy and dx, each group four times while it lies in the nearest caches, with AVX2 twice: its
// registers hold fewer rows, so that what rows share, and waiting for sums, costs more.
type normGradKernel struct {
	g           *isa
	rms         bool
	x, dy, dx   reg.GPVirtual
	step, three reg.GPVirtual // bytes from one row to the next, and three times that
	mean, inv   []vec         // of each row of the group; mean is nil with rms
	ofX, fixed  []vec
}

// normGrad emits func(dx, x, dy, scale, ofScale, ofShift []float32, cols int, eps float32): the gradient of normRows. Rows are
// taken four or two at a time, so that the vectors they share are read once, then one by one.
func (g *isa) normGrad(name string, rms bool) {
	g.begin(name, "func(dx, x, dy, scale, ofScale, ofShift []float32, cols int, eps float32)")
	k := &normGradKernel{g: g, rms: rms}
	k.dx, k.x, k.dy = base("dx"), base("x"), base("dy")
	left := Load(Param("dx").Len(), GP64()).(reg.GPVirtual)
	for _, rows := range []int{g.w / 4, 1} {
		next, end := fmt.Sprintf("rows%d", rows), fmt.Sprintf("rowsEnd%d", rows)
		Label(next)
		k.step, k.three = k.cols(), GP64()
		size := GP64()
		IMUL3Q(U32(uint32(rows)), k.step, size)
		CMPQ(left, size)
		JLT(LabelRef(end))
		SUBQ(size, left)
		SHLQ(U8(2), k.step)
		LEAQ(Mem{Base: k.step, Index: k.step, Scale: 2}, k.three)
		if g.wide() {
			k.statistics(rows)
			k.products(rows)
			k.combine(rows)
		} else {
			k.shifted(rows)
			k.finish(rows)
		}
		IMUL3Q(U32(uint32(rows)), k.step, size)
		for _, p := range []reg.GPVirtual{k.x, k.dy, k.dx} {
			ADDQ(size, p)
		}
		JMP(LabelRef(next))
		Label(end)
	}
	g.end()
}

// base loads the address of a slice.
func base(name string) reg.GPVirtual { return Load(Param(name).Base(), GP64()).(reg.GPVirtual) }

func (k *normGradKernel) cols() reg.GPVirtual { return Load(Param("cols"), GP64()).(reg.GPVirtual) }

// row is vector i of row r of the group at p.
func (k *normGradKernel) row(p reg.GPVirtual, r, i int) Mem {
	m := k.g.at(p, i)
	switch r {
	case 1, 2:
		m.Index, m.Scale = k.step, uint8(r)
	case 3:
		m.Index, m.Scale = k.three, 1
	}
	return m
}

// pass emits a loop over the columns of the group: take gets the number of the vector, and what loads from and stores to where
// the copies of ptrs stand by then. pad fills the lanes beyond a tail, with zero if it is nil.
func (k *normGradKernel) pass(unroll int, ptrs []reg.GPVirtual, take func(at []reg.GPVirtual, i int, load func(m Mem, pad vec) vec, store func(m Mem, v vec))) {
	g := k.g
	at := make([]reg.GPVirtual, len(ptrs))
	for i, p := range ptrs {
		at[i] = GP64()
		MOVQ(p, at[i])
	}
	g.loop(k.cols(), unroll, at, func(i int) {
		take(at, i, func(m Mem, _ vec) vec { return g.load(m) }, func(m Mem, v vec) { VMOVUPS(v, m) })
	}, func(tail mask) {
		take(at, 0, func(m Mem, pad vec) vec { return g.loadTail(tail, m, pad) }, func(m Mem, v vec) { g.storeTail(tail, v, m) })
	})
}

// perRow returns count accumulators for each row, which are zero.
func (k *normGradKernel) perRow(rows, count int) [][]vec {
	acc := make([][]vec, rows)
	for r := range acc {
		for range count {
			acc[r] = append(acc[r], k.g.load(bitsConst(0)))
		}
	}
	return acc
}

// count is the number of columns as a number.
func (k *normGradKernel) count() reg.VecVirtual {
	s := XMM()
	VXORPS(s, s, s)
	VCVTSI2SSQ(k.cols(), s, s)
	return s
}

// statistics sets the mean and the inverse deviation of the rows.
func (k *normGradKernel) statistics(rows int) {
	g := k.g
	const unroll = 2
	// total sums up what term makes of the elements of x, divided by their number.
	total := func(pad []vec, term func(r int, x, acc vec)) []reg.VecVirtual {
		acc, sums := k.perRow(rows, unroll), make([]reg.VecVirtual, rows)
		k.pass(unroll, []reg.GPVirtual{k.x}, func(at []reg.GPVirtual, i int, load func(m Mem, pad vec) vec, _ func(m Mem, v vec)) {
			for r := range rows {
				var fill vec
				if pad != nil {
					fill = pad[r]
				}
				term(r, load(k.row(at[0], r, i), fill), acc[r][i])
			}
		})
		n := k.count()
		for r := range rows {
			VADDPS(acc[r][1], acc[r][0], acc[r][0])
			sums[r] = g.across(acc[r][0], VADDPS)
			VDIVSS(n, sums[r], sums[r])
		}
		return sums
	}
	k.mean, k.inv = nil, nil
	if !k.rms {
		for _, s := range total(nil, func(_ int, x, acc vec) { VADDPS(x, acc, acc) }) {
			k.mean = append(k.mean, g.spread(s))
		}
	}
	squares := total(k.mean, func(r int, x, acc vec) {
		d := k.centred(x, r)
		VFMADD231PS(d, d, acc)
	})
	for _, s := range squares {
		one := XMM()
		VADDSS(scalar(Param("eps")), s, s)
		VSQRTSS(s, s, s)
		VMOVSS(c(1), one)
		VDIVSS(s, one, one)
		k.inv = append(k.inv, g.spread(one))
	}
}

// centred subtracts the mean of row r.
func (k *normGradKernel) centred(x vec, r int) vec {
	if !k.rms {
		VSUBPS(k.mean[r], x, x)
	}
	return x
}

// products adds the rows to the gradients of scale and shift, and sets the factor of x-mean and the fixed part in the gradient of x,
// which follow from the sums over a row of dy*scale and of its products with x-mean.
func (k *normGradKernel) products(rows int) {
	g := k.g
	sums, dots := k.perRow(rows, 1), k.perRow(rows, 1)
	ptrs := []reg.GPVirtual{k.x, k.dy, base("scale"), base("ofScale")}
	if !k.rms {
		ptrs = append(ptrs, base("ofShift"))
	}
	k.pass(1, ptrs, func(at []reg.GPVirtual, _ int, load func(m Mem, pad vec) vec, store func(m Mem, v vec)) {
		scale, ofScale := load(g.at(at[2], 0), nil), load(g.at(at[3], 0), nil)
		var ofShift vec
		if !k.rms {
			ofShift = load(g.at(at[4], 0), nil)
		}
		for r := range rows {
			p, dy := k.centred(load(k.row(at[0], r, 0), nil), r), load(k.row(at[1], r, 0), nil)
			VMULPS(dy, p, p)
			VFMADD231PS(scale, p, dots[r][0])
			VFMADD231PS(k.inv[r], p, ofScale)
			if !k.rms {
				VFMADD231PS(scale, dy, sums[r][0])
				VADDPS(dy, ofShift, ofShift)
			}
		}
		store(g.at(at[3], 0), ofScale)
		if !k.rms {
			store(g.at(at[4], 0), ofShift)
		}
	})
	k.ofX, k.fixed = nil, nil
	for r := range rows {
		k.ofX = append(k.ofX, k.part(dots[r][0], r, 3))
		if !k.rms {
			k.fixed = append(k.fixed, k.part(sums[r][0], r, 1))
		}
	}
}

// part returns minus the average of a row that the lanes of v add up to, times a power of its inverse deviation.
func (k *normGradKernel) part(v vec, r, power int) vec {
	s, zero := k.g.across(v, VADDPS), XMM()
	VXORPS(zero, zero, zero)
	VSUBSS(s, zero, s)
	VDIVSS(k.count(), s, s)
	for range power {
		VMULSS(k.inv[r].AsX(), s, s)
	}
	return k.g.spread(s)
}

// combine sets dx.
func (k *normGradKernel) combine(rows int) {
	g := k.g
	k.pass(1, []reg.GPVirtual{k.x, k.dy, k.dx, base("scale")}, func(at []reg.GPVirtual, _ int, load func(m Mem, pad vec) vec, store func(m Mem, v vec)) {
		scale := load(g.at(at[3], 0), nil)
		for r := range rows {
			d, dy := k.centred(load(k.row(at[0], r, 0), nil), r), load(k.row(at[1], r, 0), nil)
			if k.rms {
				VMULPS(k.ofX[r], d, d)
			} else {
				VFMADD213PS(k.fixed[r], k.ofX[r], d)
			}
			VMULPS(scale, dy, dy)
			VFMADD231PS(k.inv[r], dy, d)
			store(k.row(at[2], r, 0), d)
		}
	})
}
