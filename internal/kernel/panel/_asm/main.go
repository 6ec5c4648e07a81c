// Command _asm writes zpanel_amd64.s of package panel. Run it through go generate in the package's folder.
package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	. "github.com/onnxrun/onnxrun/internal/kernel/_lanes"
)

// Offsets in call, in bytes.
const callDst, callSrc, callOff, callLen, callRow, callCount, callDstStep, callSrcStep = 0, 8, 16, 24, 32, 40, 48, 56

// maskTable holds eight lanes of ones and eight of zeros: the mask of the first n lanes begins at lane 8-n.
var maskTable Mem

func main() {
	ConstraintExpr("amd64,!purego")
	maskTable = MaskTable("laneMasks")
	columns(AVX2)
	columns(AVX512)
	Generate()
}

// side is a running transposition of so many rows.
type side struct {
	ISA
	dst, off    reg.GPVirtual
	base        []reg.GPVirtual // of rows 0, 4, 8 ...
	step, three reg.GPVirtual   // between rows
	left        reg.GPVirtual   // elements of a row
}

// columns emits the kernel of so many rows: squares of lanes×lanes elements are transposed in registers, with a mask the last ones of a row.
func columns(v ISA) {
	lanes := v.Lanes
	TEXT(fmt.Sprint("columns", lanes, v.Name), NOSPLIT, "func(c *byte)")
	c := Load(Param("c"), GP64()).(reg.GPVirtual)
	s := side{ISA: v, dst: Field(c, callDst), step: Field(c, callRow), three: GP64()}
	src, count := Field(c, callSrc), Field(c, callCount)
	LEAQ(Mem{Base: s.step, Index: s.step, Scale: 2}, s.three)
	Label("each")
	s.off, s.left = Field(c, callOff), Field(c, callLen)
	for i := range lanes / 4 {
		b := GP64()
		if i == 0 {
			MOVQ(src, b)
		} else {
			LEAQ(Mem{Base: s.base[i-1], Index: s.step, Scale: 4}, b)
		}
		s.base = append(s.base, b)
	}
	Label("square")
	CMPQ(s.left, U8(uint8(lanes)))
	JLT(LabelRef("last"))
	s.square("square", nil)
	for _, b := range s.base {
		ADDQ(U8(uint8(4*lanes)), b)
	}
	ADDQ(U8(uint8(4*lanes)), s.off)
	SUBQ(U8(uint8(lanes)), s.left)
	JMP(LabelRef("square"))
	Label("last")
	TESTQ(s.left, s.left)
	JE(LabelRef("next"))
	s.square("last", s.mask())
	Label("next")
	ADDQ(Mem{Base: c, Disp: callSrcStep}, src)
	ADDQ(Mem{Base: c, Disp: callDstStep}, s.dst)
	DECQ(count)
	JNE(LabelRef("each"))
	VZEROUPPER()
	RET()
}

// mask covers the elements that are left of a row.
func (s *side) mask() reg.Register {
	at := GP64()
	if s.Wide() {
		k := K()
		MOVL(I32(-1), at.As32())
		BZHIL(s.left.As32(), at.As32(), at.As32())
		KMOVW(at.As32(), k)
		return k
	}
	m := YMM()
	n := GP64()
	LEAQ(maskTable.Offset(32), at)
	MOVQ(s.left, n)
	SHLQ(U8(2), n)
	SUBQ(n, at)
	VMOVUPS(Mem{Base: at}, m)
	return m
}

// row is the address of the next elements of row i.
func (s *side) row(i int) Mem {
	m := Mem{Base: s.base[i/4], Index: s.step, Scale: uint8(i % 4)}
	switch i % 4 {
	case 0:
		return Mem{Base: s.base[i/4]}
	case 3:
		m.Index, m.Scale = s.three, 1
	}
	return m
}

// square transposes the next elements of all rows and writes each column to its place, unless that is negative.
func (s *side) square(label string, mask reg.Register) {
	v := make([]reg.VecVirtual, s.Lanes)
	for i := range v {
		v[i] = s.Vec()
		switch {
		case mask == nil:
			VMOVUPS(s.row(i), v[i])
		case s.Wide():
			VMOVUPS_Z(s.row(i), mask, v[i])
		default:
			VMASKMOVPS(s.row(i), mask, v[i])
		}
	}
	v = s.transpose(v)
	for i, x := range v {
		if mask != nil {
			CMPQ(s.left, U8(uint8(i)))
			JLE(LabelRef("next"))
		}
		at := GP64()
		skip := fmt.Sprintf("%s%d", label, i)
		MOVLQSX(Mem{Base: s.off, Disp: 4 * i}, at)
		TESTQ(at, at)
		JLT(LabelRef(skip))
		VMOVUPS(x, Mem{Base: s.dst, Index: at, Scale: 4})
		Label(skip)
	}
}

// transpose returns the columns of the square whose rows are v: first within each 128 bits, then of these parts.
func (s *side) transpose(v []reg.VecVirtual) []reg.VecVirtual {
	quads := make([]reg.VecVirtual, s.Lanes) // 4*(i/4)+j: the parts of columns j, j+4 ... of rows 4*(i/4) and following
	for i := 0; i < s.Lanes; i += 4 {
		t, out := make([]reg.VecVirtual, 4), quads[i:i+4]
		for j := range t {
			t[j], out[j] = s.Vec(), s.Vec()
		}
		Quarter(v[i:i+4], t, out)
	}
	out := make([]reg.VecVirtual, s.Lanes)
	for j := range 4 {
		if s.Lanes == 8 {
			out[j], out[j+4] = s.Vec(), s.Vec()
			VPERM2F128(U8(0x20), quads[4+j], quads[j], out[j])
			VPERM2F128(U8(0x31), quads[4+j], quads[j], out[j+4])
			continue
		}
		// Parts 0 and 2, and 1 and 3, of rows 0-7 and 8-15.
		var part [4]reg.VecVirtual
		for i := range part {
			part[i] = s.Vec()
			VSHUFF32X4(U8([]uint8{0x88, 0xdd}[i%2]), quads[8*(i/2)+4+j], quads[8*(i/2)+j], part[i])
		}
		for i := range 4 {
			out[4*i+j] = s.Vec()
			VSHUFF32X4(U8([]uint8{0x88, 0xdd}[i/2]), part[2+i%2], part[i%2], out[4*i+j])
		}
	}
	return out
}
