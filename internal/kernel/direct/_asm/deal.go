package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	. "github.com/onnxrun/onnxrun/internal/kernel/_lanes"
)

// Offsets in DealArgs.
const (
	dealDst, dealSrc         = 0, 24
	dealDstStep, dealSrcStep = 48, 56
	dealPixels, dealUnits    = 64, 72
	dealRest                 = 80
)

// deal emits the kernel that deals channels out to vectors.
func deal(v ISA) {
	TEXT("deal"+v.Name, NOSPLIT, "func(a *byte)")
	Doc("deal" + v.Name + " is dealGeneric.")
	a := Load(Param("a"), GP64())
	dst, src := Field(a, dealDst), Field(a, dealSrc)
	dstStep, srcStep := Elements(a, dealDstStep), Elements(a, dealSrcStep)
	pixels, units, rest := Field(a, dealPixels), Field(a, dealUnits), Field(a, dealRest)
	lanes, x := someLanes(v, rest), v.Vec()
	Loop("pixels", pixels, 1, func() {
		p, q, n := GP64(), GP64(), GP64()
		MOVQ(src, p)
		MOVQ(dst, q)
		MOVQ(units, n)
		if !v.Wide() {
			dealFours(v, p, q, n, dstStep)
		}
		Loop("units", n, 1, func() {
			VMOVUPS(Mem{Base: p}, x)
			VMOVUPS(x, Mem{Base: q})
			ADDQ(U32(uint32(v.Bytes())), p)
			ADDQ(dstStep, q)
		})
		TESTQ(rest, rest)
		JZ(LabelRef("whole"))
		lanes.load(Mem{Base: p}, x)
		VMOVUPS(x, Mem{Base: q})
		Label("whole")
		ADDQ(srcStep, src)
		ADDQ(U32(uint32(v.Bytes())), dst)
	})
	VZEROUPPER()
	RET()
}

// dealFours deals four vectors at once while there are as many.
func dealFours(v ISA, p, q, n, step reg.GPVirtual) {
	to, x := NewRows(step, 4), v.Vecs(4)
	to.Base[0] = q
	Loop("fours", n, 4, func() {
		for i := range x {
			VMOVUPS(Mem{Base: p, Disp: i * v.Bytes()}, x[i])
		}
		for i := range x {
			VMOVUPS(x[i], to.At(i, 0))
		}
		ADDQ(U32(uint32(4*v.Bytes())), p)
		LEAQ(Mem{Base: q, Index: step, Scale: 4}, q)
	})
}
