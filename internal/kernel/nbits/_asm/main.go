// Command _asm writes znbits_amd64.s and zstubs_amd64.go of package nbits. Run it through go generate in
// the package's folder.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("amd64,!purego")
	expand("expand4AVX2", halves)
	expand("expand8AVX2", whole)
	Generate()
}

// expand emits a routine over blocks of codes: see expandFunc. codes emits the load of 16 codes
// as two vectors of 8 integers, and returns the bytes that they take.
func expand(name string, codes func(src reg.Register, mask reg.VecVirtual) (lo, hi reg.VecVirtual, size int)) {
	TEXT(name, NOSPLIT, "func(dst *float32, codes *byte, scales, zeros *float32, blocks, groups int)")
	Pragma("noescape")
	dst, src := Load(Param("dst"), GP64()), Load(Param("codes"), GP64())
	scales, zeros := Load(Param("scales"), GP64()), Load(Param("zeros"), GP64())
	blocks, groups := Load(Param("blocks"), GP64()), Load(Param("groups"), GP64())
	mask := XMM()
	m := GP32()
	MOVL(U32(0x0f0f0f0f), m)
	VMOVD(m, mask)
	VPBROADCASTD(mask, mask)
	scale, zero, n := YMM(), YMM(), GP64()
	Label("block")
	TESTQ(blocks, blocks)
	JE(LabelRef("done"))
	VBROADCASTSS(Mem{Base: scales}, scale)
	VBROADCASTSS(Mem{Base: zeros}, zero)
	MOVQ(groups, n)
	Label("codes")
	lo, hi, size := codes(src, mask)
	for i, v := range []reg.VecVirtual{lo, hi} {
		VCVTDQ2PS(v, v)
		VSUBPS(zero, v, v)
		VMULPS(scale, v, v)
		VMOVUPS(v, Mem{Base: dst, Disp: 32 * i})
	}
	ADDQ(U8(64), dst)
	ADDQ(U8(size), src)
	DECQ(n)
	JNE(LabelRef("codes"))
	ADDQ(U8(4), scales)
	ADDQ(U8(4), zeros)
	DECQ(blocks)
	JMP(LabelRef("block"))
	Label("done")
	VZEROUPPER()
	RET()
}

// halves loads codes of 4 bits: the low and high halves of 8 bytes, alternately.
func halves(src reg.Register, mask reg.VecVirtual) (lo, hi reg.VecVirtual, size int) {
	x, y := XMM(), XMM()
	lo, hi = YMM(), YMM()
	VMOVQ(Mem{Base: src}, x)
	VPSRLW(U8(4), x, y)
	VPAND(mask, x, x)
	VPAND(mask, y, y)
	VPUNPCKLBW(y, x, x)
	VPMOVZXBD(x, lo)
	VPSRLDQ(U8(8), x, x)
	VPMOVZXBD(x, hi)
	return lo, hi, 8
}

// whole loads codes of 8 bits.
func whole(src reg.Register, _ reg.VecVirtual) (lo, hi reg.VecVirtual, size int) {
	lo, hi = YMM(), YMM()
	VPMOVZXBD(Mem{Base: src}, lo)
	VPMOVZXBD(Mem{Base: src, Disp: 8}, hi)
	return lo, hi, 16
}
