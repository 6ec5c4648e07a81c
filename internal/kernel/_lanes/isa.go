// Package lanes holds what the generators of assembly share: the two instruction sets that kernels are written for, the fields of
// their arguments, rows of memory, masks of the last elements, and the Go declarations of what is generated.
//
// It is a module of its own, as the generators are, so that the runtime depends on none of this.
package lanes

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// ISA is an instruction set: the suffix of its kernels, and the number of 32-bit lanes of a register.
type ISA struct {
	Name  string
	Lanes int
}

// The instruction sets.
var (
	AVX2   = ISA{"AVX2", 8}
	AVX512 = ISA{"AVX512", 16}
)

// Wide reports whether registers have 512 bits, and masks registers of their own.
func (v ISA) Wide() bool { return v.Lanes == 16 }

// Bytes is the size of a register.
func (v ISA) Bytes() int { return 4 * v.Lanes }

// Vec returns a new register.
func (v ISA) Vec() reg.VecVirtual {
	if v.Wide() {
		return ZMM()
	}
	return YMM()
}

// Vecs returns n new registers.
func (v ISA) Vecs(n int) []reg.VecVirtual {
	list := make([]reg.VecVirtual, n)
	for i := range list {
		list[i] = v.Vec()
	}
	return list
}

// Zero clears a register.
func (v ISA) Zero(x reg.VecVirtual) {
	if v.Wide() {
		VPXORD(x, x, x)
	} else {
		VXORPS(x, x, x)
	}
}

// Compare compares with by the predicate of VCMPPS, and puts one bit for each lane into a new register.
func (v ISA) Compare(predicate uint8, at Op, with reg.VecVirtual) reg.GPVirtual {
	out := GP64()
	if v.Wide() {
		k := K()
		VCMPPS(U8(predicate), at, with, k)
		KMOVW(k, out.As32())
		return out
	}
	m := YMM()
	VCMPPS(U8(predicate), at, with, m)
	VMOVMSKPS(m, out.As32())
	return out
}
