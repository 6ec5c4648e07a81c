package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	. "github.com/onnxrun/onnxrun/internal/kernel/_lanes"
)

// laneMasks are the masks of AVX2.
var laneMasks Mem

// laneMask is the first lanes of a vector.
type laneMask struct {
	ISA
	n reg.GPVirtual     // how many they are
	k reg.OpmaskVirtual // of AVX-512
}

// someLanes returns the mask of the first n lanes.
func someLanes(v ISA, n reg.GPVirtual) laneMask {
	m := laneMask{ISA: v, n: n}
	if v.Wide() {
		bits := GP64()
		m.k = K()
		MOVQ(I32(-1), bits)
		BZHIQ(n, bits, bits)
		KMOVW(bits.As32(), m.k)
	}
	return m
}

// vector returns the mask of AVX2, in a register of its own.
func (m laneMask) vector() reg.VecVirtual {
	at, end, mask := GP64(), GP64(), YMM()
	LEAQ(laneMasks.Offset(m.Bytes()), at)
	MOVQ(m.n, end)
	NEGQ(end)
	VMOVUPS(Mem{Base: at, Index: end, Scale: 4}, mask)
	return mask
}

// load loads the lanes, and zeros for the others.
func (m laneMask) load(from Mem, to reg.VecVirtual) {
	if m.Wide() {
		VMOVUPS_Z(from, m.k, to)
		return
	}
	VMASKMOVPS(from, m.vector(), to)
}

// store emits body with what stores the lanes. Masked stores of AVX2 are slow: whole vectors take others.
func (m laneMask) store(body func(store func(v reg.VecVirtual, to Mem))) {
	if m.Wide() {
		body(func(v reg.VecVirtual, to Mem) { VMOVUPS(v, m.k, to) })
		return
	}
	CMPQ(m.n, U8(uint8(m.Lanes)))
	JNE(LabelRef("some"))
	body(func(v reg.VecVirtual, to Mem) { VMOVUPS(v, to) })
	JMP(LabelRef("stored"))
	Label("some")
	mask := m.vector()
	body(func(v reg.VecVirtual, to Mem) { VMASKMOVPS(v, mask, to) })
	Label("stored")
}
