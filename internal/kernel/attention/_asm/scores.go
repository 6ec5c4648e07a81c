package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	. "github.com/onnxrun/onnxrun/internal/kernel/_lanes"
)

// Offsets of scoresArgs.
const (
	scoresK, scoresStep  = 0, 8
	scoresSize, scoresQ  = 16, 24
	scoresS, scoresTiles = 32, 40
	scoresAdd            = 48 // two pointers, and what lies between their rows
	scoresBetween        = 64
	scoresBias           = 80
	scoresTop            = 88
	scoresDown           = 96 // how far below the pointers of add, and that of bias, the tile at hand lies
)

// line is how many elements a cache line has.
const line = 16

// keyRows addresses the rows of a tile of keys from two pointers: the second is for row 9 and those below.
type keyRows struct {
	base, odd []reg.GPVirtual // odd: 1, 3, 5 and 7 times the distance of rows
}

func (k *tile) keyRows(first, step reg.GPVirtual) keyRows {
	var r keyRows
	r.odd = []reg.GPVirtual{step}
	for i := 3; i <= 7 && i < k.r; i += 2 {
		by := GP64()
		LEAQ(Mem{Base: r.odd[len(r.odd)-1], Index: step, Scale: 2}, by)
		r.odd = append(r.odd, by)
	}
	r.base = []reg.GPVirtual{GP64()}
	MOVQ(first, r.base[0])
	if k.r > 9 {
		below := GP64()
		LEAQ(Mem{Base: first, Index: step, Scale: 8}, below)
		ADDQ(step, below)
		r.base = append(r.base, below)
	}
	return r
}

// at returns the address of element u of row i.
func (r keyRows) at(i, u int) Mem {
	m := Mem{Base: r.base[i/9], Disp: 4 * u}
	if i %= 9; i == 0 {
		return m
	}
	m.Scale = 1
	for ; i%2 == 0; i /= 2 {
		m.Scale *= 2
	}
	m.Index = r.odd[i/2]
	return m
}

// advance goes on by n elements.
func (r keyRows) advance(n int) {
	for _, p := range r.base {
		ADDQ(U32(uint32(4*n)), p)
	}
}

// scores generates the products of keys with the queries of a panel. While a tile is computed, the keys of the next one are
// asked for: else the first product with each of their lines, in all rows at once, would wait for the second-level cache.
func scores(s isa, r, v int) {
	k := begin(s, "scores", r, v, "scores of keys")
	first, out := k.field(scoresK), k.field(scoresS)
	for n := range 3 {
		MOVQ(U32(0), Mem{Base: k.t, Disp: scoresDown + 8*n})
	}
	Label("tile")
	k.each(func(acc reg.VecVirtual, _ int) { k.Zero(acc) })
	k.dot(first)
	k.masks()
	k.each(func(acc reg.VecVirtual, at int) { VMOVUPS(acc, Mem{Base: out, Disp: at}) })
	ADDQ(U32(uint32(r*k.row())), out)
	k.highest()
	DECQ(Mem{Base: k.t, Disp: scoresTiles})
	JNZ(LabelRef("tile"))
	End()
}

// dot sums up the products of the keys from first on, which it moves to the next tile.
func (k *tile) dot(first reg.GPVirtual) {
	step, q := k.field(scoresStep), k.field(scoresQ)
	a, next := k.keyRows(first, step), GP64()
	IMUL3Q(U32(uint32(k.r)), step, next)
	ADDQ(next, first)
	MOVQ(first, next)
	const unroll = 4
	back := GP64() // from the line behind the last row asked for to the following line of the first
	MOVQ(step, back)
	SHLQ(Imm(4), back)
	NEGQ(back)
	ADDQ(U32(4*line), back)
	lines, part := k.field(scoresSize), GP64()
	SHRQ(Imm(4), lines)
	times("line", lines, func() {
		MOVQ(U32(line/unroll), part)
		Label("part")
		for u := range unroll {
			k.step(func(i int) Mem { return a.at(i, u) }, q, u)
		}
		PREFETCHT0(Mem{Base: next})
		PREFETCHT0(Mem{Base: next, Index: step, Scale: 1})
		PREFETCHT0(Mem{Base: next, Index: step, Scale: 2})
		if k.r > 3 {
			PREFETCHT0(Mem{Base: next, Index: a.odd[1], Scale: 1})
		}
		LEAQ(Mem{Base: next, Index: step, Scale: 4}, next)
		a.advance(unroll)
		ADDQ(U32(uint32(unroll*k.row())), q)
		DECQ(part)
		JNZ(LabelRef("part"))
		ADDQ(back, next)
	})
	rest := k.field(scoresSize)
	ANDQ(Imm(line-1), rest)
	times("rest", rest, func() {
		k.step(func(i int) Mem { return a.at(i, 0) }, q, 0)
		a.advance(1)
		ADDQ(U32(uint32(k.row())), q)
	})
}

// masks adds what there is to add.
func (k *tile) masks() {
	for n := range 2 {
		p, skip := k.field(scoresAdd+8*n), fmt.Sprintf("added%d", n)
		TESTQ(p, p)
		JZ(LabelRef(skip))
		step := k.field(scoresBetween + 8*n)
		ADDQ(Mem{Base: k.t, Disp: scoresDown + 8*n}, p)
		for _, row := range k.acc {
			for j, acc := range row {
				VADDPS(Mem{Base: p, Disp: 4 * j * k.Lanes}, acc, acc)
			}
			ADDQ(step, p)
		}
		SUBQ(Mem{Base: k.t, Disp: scoresAdd + 8*n}, p)
		MOVQ(p, Mem{Base: k.t, Disp: scoresDown + 8*n})
		Label(skip)
	}
	p := k.field(scoresBias)
	TESTQ(p, p)
	JZ(LabelRef("biased"))
	ADDQ(Mem{Base: k.t, Disp: scoresDown + 16}, p)
	for i, row := range k.acc {
		x := k.Vec()
		VBROADCASTSS(Mem{Base: p, Disp: 4 * i}, x)
		for _, acc := range row {
			VADDPS(x, acc, acc)
		}
	}
	ADDQ(U32(uint32(4*k.r)), Mem{Base: k.t, Disp: scoresDown + 16})
	Label("biased")
}

// highest joins the rows, which it overwrites, with the largest scores so far.
func (k *tile) highest() {
	for n := k.r; n > 1; n = (n + 1) / 2 {
		for i := range n / 2 {
			for j, acc := range k.acc[i] {
				VMAXPS(k.acc[(n+1)/2+i][j], acc, acc)
			}
		}
	}
	top := k.field(scoresTop)
	for j, acc := range k.acc[0] {
		at := Mem{Base: top, Disp: 4 * j * k.Lanes}
		VMAXPS(at, acc, acc)
		VMOVUPS(acc, at)
	}
}
