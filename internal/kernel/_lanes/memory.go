package lanes

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Field loads the 64-bit field at an offset of a struct.
func Field(a reg.Register, offset int) reg.GPVirtual {
	r := GP64()
	MOVQ(Mem{Base: a, Disp: offset}, r)
	return r
}

// Elements loads a 64-bit field that counts float32, and turns it into bytes.
func Elements(a reg.Register, offset int) reg.GPVirtual {
	r := Field(a, offset)
	SHLQ(U8(2), r)
	return r
}

// Rows addresses rows that lie Stride bytes apart by one pointer for every four of them.
type Rows struct {
	Base          []reg.GPVirtual
	Stride, Three reg.GPVirtual // Three strides, where rows need them
}

// NewRows returns the pointers to n rows. The first is still to be set, the others then by Spread.
func NewRows(stride reg.GPVirtual, n int) Rows {
	r := Rows{Stride: stride}
	if n > 3 {
		r.Three = GP64()
		LEAQ(Mem{Base: stride, Index: stride, Scale: 2}, r.Three)
	}
	for i := 0; i < n; i += 4 {
		r.Base = append(r.Base, GP64())
	}
	return r
}

// Spread sets the other pointers from the first.
func (r Rows) Spread() {
	for i := 1; i < len(r.Base); i++ {
		LEAQ(Mem{Base: r.Base[i-1], Index: r.Stride, Scale: 4}, r.Base[i])
	}
}

// At returns the address disp bytes into row i.
func (r Rows) At(i, disp int) Mem {
	m := Mem{Base: r.Base[i/4], Disp: disp}
	switch i % 4 {
	case 1, 2:
		m.Index, m.Scale = r.Stride, uint8(i%4)
	case 3:
		m.Index, m.Scale = r.Three, 1
	}
	return m
}

// Advance moves all pointers.
func (r Rows) Advance(by Op) {
	for _, p := range r.Base {
		ADDQ(by, p)
	}
}

// MaskTable emits eight words of ones and eight of zeros: read from word 8-n on, it is the AVX2 mask of the first n lanes.
func MaskTable(name string) Mem {
	table := GLOBL(name, RODATA|NOPTR)
	for i := range 16 {
		v := uint32(0)
		if i < 8 {
			v = ^v
		}
		DATA(4*i, U32(v))
	}
	return table
}

// Loop emits body while n, counted down by step, is at least step.
func Loop(label string, n reg.GPVirtual, step int, body func()) {
	Label(label)
	CMPQ(n, U32(uint32(step)))
	JL(LabelRef(label + "_end"))
	body()
	SUBQ(U32(uint32(step)), n)
	JMP(LabelRef(label))
	Label(label + "_end")
}
