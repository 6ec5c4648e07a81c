package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// takeGroup is the number of elements that take kernels check, and then copy, together.
const takeGroup = 4

// take emits a copy of count elements of width bytes, a multiple of takeGroup, from where indices of bits bits name them: from
// element index[i] of src, or down columns element i of row index[i] of src, whose rows begin stride bytes apart. It stops
// before a group with an index that is not in [0, n), and returns the number of elements done.
func take(width, bits int, columns bool) {
	name := fmt.Sprintf("take%dx%d", 8*width, bits)
	if columns {
		name += "Columns"
	}
	TEXT(name, NOSPLIT, "func(dst, src, index *byte, count, n, stride int) int")
	Pragma("noescape")
	dst := Load(Param("dst"), GP64()).(reg.GPVirtual)
	src := Load(Param("src"), GP64()).(reg.GPVirtual)
	index := Load(Param("index"), GP64()).(reg.GPVirtual)
	count := Load(Param("count"), GP64()).(reg.GPVirtual)
	n := Load(Param("n"), GP64()).(reg.GPVirtual)
	var stride reg.GPVirtual
	if columns {
		stride = Load(Param("stride"), GP64()).(reg.GPVirtual)
	}
	done := GP64()
	XORQ(done, done)
	Label("group")
	CMPQ(done, count)
	JGE(LabelRef("end"))
	var at [takeGroup]reg.GPVirtual
	for i := range at {
		at[i] = GP64()
		if from := (Mem{Base: index, Index: done, Scale: uint8(bits / 8), Disp: i * bits / 8}); bits == 64 {
			MOVQ(from, at[i])
		} else {
			MOVLQSX(from, at[i])
		}
		CMPQ(at[i], n)
		JCC(LabelRef("end"))
	}
	for i, k := range at {
		from := Mem{Base: src, Index: k, Scale: uint8(width)}
		if columns {
			IMULQ(stride, k)
			from = Mem{Base: src, Index: k, Scale: 1, Disp: i * width}
		}
		moveElement(width, from, Mem{Base: dst, Disp: i * width})
	}
	ADDQ(U8(takeGroup*width), dst)
	if columns {
		ADDQ(U8(takeGroup*width), src)
	}
	ADDQ(U8(takeGroup), done)
	JMP(LabelRef("group"))
	Label("end")
	Store(done, ReturnIndex(0))
	RET()
}

func moveElement(width int, from, to Mem) {
	v := GP64()
	switch width {
	case 1:
		MOVBLZX(from, v.As32())
		MOVB(v.As8(), to)
	case 2:
		MOVWLZX(from, v.As32())
		MOVW(v.As16(), to)
	case 4:
		MOVL(from, v.As32())
		MOVL(v.As32(), to)
	default:
		MOVQ(from, v)
		MOVQ(v, to)
	}
}
