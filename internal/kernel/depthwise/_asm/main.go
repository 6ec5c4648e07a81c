// Command _asm generates the amd64 kernels of package depthwise: run `go run . -out ../zdepthwise_amd64.s -pkg depthwise`.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("amd64,!purego")
	maskTable = GLOBL("laneMasks", RODATA|NOPTR)
	for i := range 16 {
		v := uint32(0)
		if i < 8 {
			v = ^v
		}
		DATA(4*i, U32(v))
	}
	for _, v := range []isa{{8, "AVX2"}, {16, "AVX512"}} {
		for _, taps := range []int{3, 5, 7} {
			for _, stride := range []int{1, 2} {
				rows(v, taps, stride)
			}
		}
		taps(v)
		frame(v)
		for _, s := range sumKernels {
			if s.lines*s.taps*s.sets < 2*v.lanes-1 { // registers, one of them for gradients
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
		if v.lanes == 16 { // registers
			pairs(v)
		}
		spread(v)
	}
	Generate()
}

// maskTable holds eight lanes of ones and eight of zeros: the mask of the first n lanes begins at lane 8-n.
var maskTable Mem

type gp = reg.GPVirtual

// isa is one instruction set: the number of float32 lanes and the suffix of its kernels.
type isa struct {
	lanes int
	name  string
}

func (v isa) bytes() int { return 4 * v.lanes }

func (v isa) vec() reg.VecVirtual {
	if v.lanes == 16 {
		return ZMM()
	}
	return YMM()
}

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
	ANDQ(U32(uint32(v.lanes-1)), n)
	if v.lanes == 16 {
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
	case v.lanes == 16:
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
	case v.lanes == 16:
		VMOVUPS(src, m.k, dst)
	default:
		t := v.vec()
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

// field loads a 64-bit field of the argument struct.
func field(a reg.Register, off int) gp {
	r := GP64()
	MOVQ(Mem{Base: a, Disp: off}, r)
	return r
}

// elements loads a 64-bit field that counts float32 and turns it into bytes.
func elements(a reg.Register, off int) gp {
	r := field(a, off)
	SHLQ(U8(2), r)
	return r
}

// loop emits body while n, counted down by step, is at least step.
func loop(label string, n gp, step int, body func()) {
	Label(label)
	CMPQ(n, U32(uint32(step)))
	JL(LabelRef(label + "_end"))
	body()
	SUBQ(U32(uint32(step)), n)
	JMP(LabelRef(label))
	Label(label + "_end")
}
