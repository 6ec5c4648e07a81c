// Command _asm generates the amd64 kernels of package window: run `go run . -out ../zkernels_amd64.s -pkg window`.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	. "github.com/onnxrun/onnxrun/internal/kernel/_lanes"
)

func main() {
	ConstraintExpr("amd64,!purego")
	tables()
	for _, v := range []isa{{AVX2}, {AVX512}} {
		copyRows(v)
		splitRows(v)
		mergeRows(v)
		packTaps(v)
		for _, op := range []tapOp{opFMA, opMax, opSum} {
			tapRows(v, op)
		}
		maxTapsGrad(v)
		maxPlaces(v)
		placesGrad(v)
		tall(v, 5)
		tall(v, 7)
		lines(v)
		plane(v, 1, v.Lanes/2)
		plane(v, 2, 4)
	}
	Generate()
}

// isa is an instruction set that kernels are emitted for.
type isa struct{ ISA }

var (
	laneBits, evenIdx, oddIdx, mergeLo, mergeHi Mem
)

func tables() {
	laneBits = GLOBL("laneBits", RODATA|NOPTR)
	for i := range 8 {
		DATA(4*i, U32(1<<i))
	}
	evenIdx = GLOBL("evenIdx", RODATA|NOPTR)
	for i := range 16 {
		DATA(4*i, U32(2*i))
	}
	oddIdx = GLOBL("oddIdx", RODATA|NOPTR)
	for i := range 16 {
		DATA(4*i, U32(2*i+1))
	}
	mergeLo = GLOBL("mergeLo", RODATA|NOPTR)
	for i := range 16 {
		DATA(4*i, U32(i/2+i%2*16))
	}
	mergeHi = GLOBL("mergeHi", RODATA|NOPTR)
	for i := range 16 {
		DATA(4*i, U32(8+i/2+i%2*16))
	}
}

// mask is a lane mask: an opmask register, or a vector register of all-ones lanes.
type mask struct {
	k reg.Register
	y reg.VecVirtual
}

// newMask allocates a mask register.
func (v isa) newMask() mask {
	if v.Wide() {
		return mask{k: K()}
	}
	return mask{y: YMM()}
}

// setBits loads m from the low bits of a 64-bit register.
func (v isa) setBits(m mask, bits reg.GPVirtual) {
	if v.Wide() {
		KMOVW(bits.As32(), m.k)
		return
	}
	t := XMM()
	VMOVD(bits.As32(), t)
	VPBROADCASTD(t, m.y)
	lb := YMM()
	VMOVDQU(laneBits, lb)
	VPAND(lb, m.y, m.y)
	VPCMPEQD(lb, m.y, m.y)
}

// setCount makes m cover the first n lanes; n is below the number of lanes.
func (v isa) setCount(m mask, n reg.GPVirtual) {
	bits, c := GP64(), reg.RCX
	MOVQ(n, c)
	MOVQ(U64(1), bits)
	SHLQ(reg.CL, bits)
	DECQ(bits)
	v.setBits(m, bits)
}

func (v isa) load(m *mask, src Mem, dst reg.VecVirtual) {
	switch {
	case m == nil:
		VMOVUPS(src, dst)
	case v.Wide():
		VMOVUPS_Z(src, m.k, dst)
	default:
		VMASKMOVPS(src, m.y, dst)
	}
}

func (v isa) store(m *mask, src reg.VecVirtual, dst Mem) {
	switch {
	case m == nil:
		VMOVUPS(src, dst)
	case v.Wide():
		VMOVUPS(src, m.k, dst)
	default:
		VMASKMOVPS(src, m.y, dst)
	}
}
