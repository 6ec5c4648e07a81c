package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// rows emits a copy of count rows of n bytes, at least 32 each. The last vector of a row may lie over the one before.
func rows() {
	const width = 32
	TEXT("rowsAVX2", NOSPLIT, "func(dst, src *byte, count, n, dstStride, srcStride int)")
	Pragma("noescape")
	dst := Load(Param("dst"), GP64()).(reg.GPVirtual)
	src := Load(Param("src"), GP64()).(reg.GPVirtual)
	count := Load(Param("count"), GP64()).(reg.GPVirtual)
	n := Load(Param("n"), GP64()).(reg.GPVirtual)
	ds := Load(Param("dstStride"), GP64()).(reg.GPVirtual)
	ss := Load(Param("srcStride"), GP64()).(reg.GPVirtual)
	four, one, at := GP64(), GP64(), GP64()
	LEAQ(Mem{Base: n, Disp: -4 * width}, four) // the last place where four vectors fit
	LEAQ(Mem{Base: n, Disp: -width}, one)
	vectors := func(count int) {
		v := make([]reg.VecVirtual, count)
		for i := range v {
			v[i] = YMM()
			VMOVUPS(Mem{Base: src, Index: at, Scale: 1, Disp: i * width}, v[i])
		}
		for i := range v {
			VMOVUPS(v[i], Mem{Base: dst, Index: at, Scale: 1, Disp: i * width})
		}
	}
	loop := func(name, end string, last reg.GPVirtual, count int) {
		CMPQ(at, last)
		JG(LabelRef(end))
		Label(name)
		vectors(count)
		ADDQ(U32(uint32(count*width)), at)
		CMPQ(at, last)
		JLE(LabelRef(name))
		Label(end)
	}
	Label("row")
	TESTQ(count, count)
	JE(LabelRef("done"))
	XORQ(at, at)
	loop("fours", "rest", four, 4)
	loop("ones", "tail", one, 1)
	CMPQ(at, n)
	JE(LabelRef("next"))
	MOVQ(one, at)
	vectors(1)
	Label("next")
	ADDQ(ds, dst)
	ADDQ(ss, src)
	DECQ(count)
	JMP(LabelRef("row"))
	Label("done")
	VZEROUPPER()
	RET()
}
