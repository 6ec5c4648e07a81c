package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// far is the square of how many deviations the mean of a row may lie from what is subtracted in front of the sums: further, the variance,
// a difference, has lost digits, and the sums are taken once more.
const far = 16

// shifted does what statistics and products do, in one pass that leaves the gradients of scale and shift to the last one: sums of x less the
// first element of its row, of its squares, of dy*scale, and of the products of both.
func (k *normGradKernel) shifted(rows int) {
	const sum, square, dy, dot = 0, 1, 2, 3
	g := k.g
	labels++
	again, near := fmt.Sprintf("shifted%d", labels), fmt.Sprintf("near%d", labels)
	tries := AllocLocal(8)
	k.mean = nil
	if !k.rms {
		for r := range rows {
			k.mean = append(k.mean, g.r())
			VBROADCASTSS(k.row(k.x, r, 0), k.mean[r])
		}
		MOVQ(U32(0), tries)
		Label(again)
	}
	acc := k.perRow(rows, 4)
	k.pass(2, []reg.GPVirtual{k.x, k.dy, base("scale")}, func(at []reg.GPVirtual, i int, load func(m Mem, pad vec) vec, _ func(m Mem, v vec)) {
		scale := load(g.at(at[2], i), nil)
		for r := range rows {
			var pad vec
			if !k.rms {
				pad = k.mean[r]
			}
			d, y := k.centred(load(k.row(at[0], r, i), pad), r), load(k.row(at[1], r, i), nil)
			VMULPS(scale, y, y)
			if !k.rms {
				VADDPS(d, acc[r][sum], acc[r][sum])
				VADDPS(y, acc[r][dy], acc[r][dy])
			}
			VFMADD231PS(d, d, acc[r][square])
			VFMADD231PS(d, y, acc[r][dot])
		}
	})
	part, one := XMM(), XMM() // 1 by the number of columns
	VMOVSS(c(1), one)
	VDIVSS(k.count(), one, part)
	sums := make([][4]reg.VecVirtual, rows)
	for r := range rows {
		for i := range acc[r] {
			if sums[r][i] = nil; !k.rms || i == square || i == dot {
				sums[r][i] = g.across(acc[r][i], VADDPS)
				VMULSS(part, sums[r][i], sums[r][i])
			}
		}
		if !k.rms {
			VFNMADD231SS(sums[r][sum], sums[r][sum], sums[r][square]) // the variance
		}
	}
	if !k.rms {
		k.farther(rows, tries, again, near, func(r int) (mean, variance reg.VecVirtual) { return sums[r][sum], sums[r][square] })
	}
	k.inv, k.ofX, k.fixed = nil, nil, nil
	for r := range rows {
		s := sums[r]
		if !k.rms {
			zero := XMM()
			VXORPS(zero, zero, zero)
			VMAXSS(s[square], zero, s[square])
			VFNMADD231SS(s[sum], s[dy], s[dot])
		}
		VADDSS(scalar(Param("eps")), s[square], s[square])
		VSQRTSS(s[square], s[square], s[square])
		inv, ofX := XMM(), XMM()
		VDIVSS(s[square], one, inv)
		VMULSS(inv, inv, ofX)
		VMULSS(inv, ofX, ofX)
		VMULSS(s[dot], ofX, ofX)
		k.inv, k.ofX = append(k.inv, g.spread(inv)), append(k.ofX, g.negated(ofX))
		if !k.rms {
			VMULSS(inv, s[dy], s[dy])
			k.fixed = append(k.fixed, g.negated(s[dy]))
			VADDPS(g.spread(s[sum]), k.mean[r], k.mean[r])
		}
	}
}

// negated returns minus a scalar in all lanes.
func (g *isa) negated(s reg.VecVirtual) vec {
	zero := XMM()
	VXORPS(zero, zero, zero)
	VSUBSS(s, zero, s)
	return g.spread(s)
}

// farther goes back to again, once, where the mean of a row lies far from what was subtracted, and subtracts the means then.
func (k *normGradKernel) farther(rows int, tries Mem, again, near string, of func(r int) (mean, variance reg.VecVirtual)) {
	move := "move" + near
	for r := range rows {
		mean, variance := of(r)
		square, bound := XMM(), XMM()
		VMULSS(mean, mean, square)
		VMULSS(c(far), variance, bound)
		VUCOMISS(square, bound)
		JCS(LabelRef(move))
	}
	JMP(LabelRef(near))
	Label(move)
	CMPQ(tries, U8(0))
	JNE(LabelRef(near))
	MOVQ(U32(1), tries)
	for r := range rows {
		mean, _ := of(r)
		VADDPS(k.g.spread(mean), k.mean[r], k.mean[r])
	}
	JMP(LabelRef(again))
	Label(near)
}

// finish sets dx, and adds the rows to the gradients of scale and shift.
func (k *normGradKernel) finish(rows int) {
	g := k.g
	ptrs := []reg.GPVirtual{k.x, k.dy, k.dx, base("scale"), base("ofScale")}
	if !k.rms {
		ptrs = append(ptrs, base("ofShift"))
	}
	k.pass(2, ptrs, func(at []reg.GPVirtual, i int, load func(m Mem, pad vec) vec, store func(m Mem, v vec)) {
		scale, ofScale := load(g.at(at[3], i), nil), load(g.at(at[4], i), nil)
		var ofShift vec
		if !k.rms {
			ofShift = load(g.at(at[5], i), nil)
		}
		for r := range rows {
			d, dy, p := k.centred(load(k.row(at[0], r, i), nil), r), load(k.row(at[1], r, i), nil), g.r()
			VMULPS(dy, d, p)
			VFMADD231PS(k.inv[r], p, ofScale)
			if k.rms {
				VMULPS(k.ofX[r], d, d)
			} else {
				VADDPS(dy, ofShift, ofShift)
				VFMADD213PS(k.fixed[r], k.ofX[r], d)
			}
			VMULPS(scale, dy, dy)
			VFMADD231PS(k.inv[r], dy, d)
			store(k.row(at[2], r, i), d)
		}
		store(g.at(at[4], i), ofScale)
		if !k.rms {
			store(g.at(at[5], i), ofShift)
		}
	})
}
