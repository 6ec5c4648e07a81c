package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	. "github.com/onnxrun/onnxrun/internal/kernel/_lanes"
)

// Offsets of doubleArgs.
const (
	doubleA, doubleB, doubleC   = 0, 8, 16
	doubleARS, doubleACS        = 24, 32
	doubleLDC, doubleK          = 40, 48
	doubleTiles                 = 56
	doubleVectors, doubleVector = 2, 32 // in a row of a panel; the size of one
	doubleRow                   = doubleVectors * doubleVector
)

// double generates the kernel for r rows and a panel of eight columns of float64.
func double(r int) {
	name := fmt.Sprintf("double%dx8AVX2", r)
	t := begin(name, "doubleArgs", fmt.Sprintf("%s computes tiles of %d rows and 8 columns as doubleArgs describes.", name, r))
	a := NewRows(Field(t, doubleARS), r)
	acs, ldc := Field(t, doubleACS), Field(t, doubleLDC)
	Label("tile")
	var acc [][]reg.VecVirtual
	for range r {
		acc = append(acc, []reg.VecVirtual{YMM(), YMM()})
	}
	for _, row := range acc {
		for _, v := range row {
			VXORPD(v, v, v)
		}
	}
	MOVQ(Mem{Base: t, Disp: doubleA}, a.Base[0])
	a.Spread()
	b, n := Field(t, doubleB), Field(t, doubleK)
	step := func(p int) {
		v := []reg.VecVirtual{YMM(), YMM()}
		for j := range v {
			VMOVUPD(Mem{Base: b, Disp: p*doubleRow + j*doubleVector}, v[j])
		}
		for i, row := range acc {
			x := YMM()
			VBROADCASTSD(a.At(i, 0), x)
			for j := range v {
				VFMADD231PD(v[j], x, row[j])
			}
		}
		a.Advance(acs)
	}
	SUBQ(Imm(unroll), n)
	JLT(LabelRef("rest"))
	Label("quad")
	for p := range unroll {
		step(p)
	}
	ADDQ(I32(unroll*doubleRow), b)
	SUBQ(Imm(unroll), n)
	JGE(LabelRef("quad"))
	Label("rest")
	ADDQ(Imm(unroll), n)
	JZ(LabelRef("done"))
	Label("single")
	step(0)
	ADDQ(Imm(doubleRow), b)
	DECQ(n)
	JNZ(LabelRef("single"))
	Label("done")
	c := Field(t, doubleC)
	for i, row := range acc {
		for j, v := range row {
			at := Mem{Base: c, Disp: j * doubleVector}
			VADDPD(at, v, v)
			VMOVUPD(v, at)
		}
		if i < r-1 {
			ADDQ(ldc, c)
		}
	}
	DECQ(Mem{Base: t, Disp: doubleTiles})
	JZ(LabelRef("end"))
	ADDQ(ldc, c)
	MOVQ(c, Mem{Base: t, Disp: doubleC})
	by := GP64()
	IMUL3Q(Imm(uint64(r)), a.Stride, by)
	ADDQ(by, Mem{Base: t, Disp: doubleA})
	JMP(LabelRef("tile"))
	Label("end")
	End()
}
