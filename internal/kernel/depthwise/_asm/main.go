// Command _asm generates the amd64 kernels of package depthwise: run `go run . -out ../zdepthwise_amd64.s -pkg depthwise`.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	. "github.com/onnxrun/onnxrun/internal/kernel/_lanes"
)

func main() {
	ConstraintExpr("amd64,!purego")
	maskTable = MaskTable("laneMasks")
	for _, v := range []isa{{AVX2}, {AVX512}} {
		for _, taps := range []int{3, 5, 7} {
			for _, stride := range []int{1, 2} {
				rows(v, taps, stride)
			}
		}
		taps(v)
		frame(v)
		for _, s := range sumKernels {
			if s.lines*s.taps*s.sets < 2*v.Lanes-1 { // registers, one of them for gradients
				sums(v, s.lines, s.taps, s.sets)
			}
		}
		for _, taps := range []int{3, 5, 7} {
			for _, stride := range []int{1, 2} {
				slides(v, 1, taps, stride)
			}
		}
		slides(v, 3, 3, 1)
		slides(v, 3, 3, 2)
		if v.Wide() { // registers
			pairs(v)
		} else {
			grads(v)
			grads2(v)
		}
		spread(v)
	}
	Generate()
}

// isa is an instruction set that kernels are emitted for.
type isa struct{ ISA }

// maskTable holds eight lanes of ones and eight of zeros: the mask of the first n lanes begins at lane 8-n.
var maskTable Mem

type gp = reg.GPVirtual

// mask covers the lanes of the last group of channels: an opmask register, or the address of a vector of all-ones lanes,
// since sixteen registers leave none for it.
type mask struct {
	k  reg.Register
	at gp
}

// newMask makes a mask of the channels that no whole vector holds.
func (v isa) newMask(channels gp) *mask {
	n := GP64()
	MOVQ(channels, n)
	ANDQ(U32(uint32(v.Lanes-1)), n)
	if v.Wide() {
		bits, k, c := GP64(), K(), reg.RCX
		MOVQ(n, c)
		MOVQ(U64(1), bits)
		SHLQ(reg.CL, bits)
		DECQ(bits)
		KMOVW(bits.As32(), k)
		return &mask{k: k}
	}
	at := GP64()
	LEAQ(maskTable.Offset(32), at)
	SHLQ(U8(2), n)
	SUBQ(n, at)
	return &mask{at: at}
}

// load loads the lanes of m, all if m is nil; the others are zero.
func (v isa) load(m *mask, src Mem, dst reg.VecVirtual) {
	switch {
	case m == nil:
		VMOVUPS(src, dst)
	case v.Wide():
		VMOVUPS_Z(src, m.k, dst)
	default:
		VMOVUPS(Mem{Base: m.at}, dst)
		VMASKMOVPS(src, dst, dst)
	}
}

func (v isa) store(m *mask, src reg.VecVirtual, dst Mem) {
	switch {
	case m == nil:
		VMOVUPS(src, dst)
	case v.Wide():
		VMOVUPS(src, m.k, dst)
	default:
		t := v.Vec()
		VMOVUPS(Mem{Base: m.at}, t)
		VMASKMOVPS(src, t, dst)
	}
}

// Offsets in Args, and in Span.
const (
	argX, argY, argW, argBias, argSpans, argSpansLen = 0, 24, 48, 72, 96, 104
	argAt, argChannels, argPixel, argStride          = 120, 128, 136, 144
	argGroup, argBlocks, argEdge, argColumns         = 152, 160, 168, 176
	argLo, argHi, argYStep, argAhead                 = 184, 188, 192, 200
	spanX, spanW, spanSize                           = 0, 8, 16
)
