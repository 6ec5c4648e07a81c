// Command _asm generates the amd64 kernels of package direct: run `go run . -out ../zdirect_amd64.s -pkg direct`.
package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("amd64,!purego")
	for _, v := range []isa{{8, "AVX2", []int{14, 6}, 8}, {16, "AVX512", []int{14, 14, 9, 6}, 14}} {
		for i, most := range v.cols {
			for cols := 1; cols <= most; cols++ {
				kernel{isa: v, cols: cols, vectors: i + 1}.emit(fmt.Sprintf("broadcast%dx%d%s", i+1, cols, v.name))
			}
		}
		for _, width := range []int{2, 4} {
			for cols := 1; cols <= v.shuffleCols; cols++ {
				kernel{isa: v, cols: cols, vectors: 1, width: width}.emit(fmt.Sprintf("shuffle%dx%d%s", width, cols, v.name))
			}
		}
	}
	Generate()
}

// isa is one instruction set: the number of float32 lanes, the suffix of its kernels, and how many outputs they compute at
// most: broadcasting kernels of one vector and more, and shuffling ones.
type isa struct {
	lanes       int
	name        string
	cols        []int
	shuffleCols int
}

func (v isa) bytes() int { return 4 * v.lanes }

func (v isa) vec() reg.VecVirtual {
	if v.lanes == 16 {
		return ZMM()
	}
	return YMM()
}

// Offsets in Args.
const (
	argX, argY, argW, argBias, argOff, argOffLen = 0, 24, 48, 72, 96, 104
	argChannels, argRows                         = 120, 128
	argXRow, argXCol, argYRow, argYCol           = 136, 144, 152, 160
	argLo, argHi                                 = 168, 172
)

// field loads a 64-bit field of the argument struct.
func field(a reg.Register, off int) reg.GPVirtual {
	r := GP64()
	MOVQ(Mem{Base: a, Disp: off}, r)
	return r
}

// elements loads a 64-bit field that counts float32 and turns it into bytes.
func elements(a reg.Register, off int) reg.GPVirtual {
	r := field(a, off)
	SHLQ(U8(2), r)
	return r
}

// columns addresses outputs or windows of a row by one pointer for every four.
type columns struct {
	base         []reg.GPVirtual
	step, triple reg.GPVirtual
}

func newColumns(n int, step reg.GPVirtual) columns {
	c := columns{step: step, triple: GP64()}
	LEAQ(Mem{Base: step, Index: step, Scale: 2}, c.triple)
	for i := 0; i < n; i += 4 {
		c.base = append(c.base, GP64())
	}
	return c
}

// spread sets the other pointers from the first.
func (c columns) spread() {
	for i := 1; i < len(c.base); i++ {
		LEAQ(Mem{Base: c.base[i-1], Index: c.step, Scale: 4}, c.base[i])
	}
}

func (c columns) at(i, disp int) Mem {
	m := Mem{Base: c.base[i/4], Disp: disp}
	switch i % 4 {
	case 1:
		m.Index, m.Scale = c.step, 1
	case 2:
		m.Index, m.Scale = c.step, 2
	case 3:
		m.Index, m.Scale = c.triple, 1
	}
	return m
}
