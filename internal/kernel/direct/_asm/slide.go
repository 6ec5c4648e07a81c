package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	. "github.com/onnxrun/onnxrun/internal/kernel/_lanes"
)

// Offsets in SlideArgs.
const (
	slideXRow, slideYRow, slideYCol = 136, 144, 152
	slideLanes, slideLo, slideHi    = 160, 168, 172
	slideFrom                       = 176
)

// slideCols is how many outputs a kernel computes at most, slideTaps how many taps a row of the window has.
const slideCols, slideTaps = 14, 3

// slide computes cols neighbouring outputs of every row, a vector of output channels each, from pixels that lie a vector apart. With permute the
// lanes read channels from where the arguments say; without, all read the same.
type slide struct {
	ISA
	cols, stride int
	permute      bool
	acc          []reg.VecVirtual
}

// slides emits the kernels of all strides.
func slides(v ISA) {
	for _, permute := range []bool{false, true} {
		name := "slide"
		if permute {
			name = "permute"
		}
		for stride := 1; stride <= 2; stride++ {
			for cols := 1; cols <= slideCols; cols++ {
				(&slide{ISA: v, cols: cols, stride: stride, permute: permute}).emit(fmt.Sprintf("%s%dx%d%s", name, stride, cols, v.Name))
			}
		}
	}
}

func (k *slide) emit(name string) {
	TEXT(name, NOSPLIT, "func(a *byte)")
	Doc(name + " is slideGeneric.")
	a := Load(Param("a"), GP64())
	k.acc = k.Vecs(k.cols)
	bits, lanes := GP64(), K()
	MOVQ(I32(-1), bits)
	BZHIQ(Field(a, slideLanes), bits, bits)
	KMOVW(bits.As32(), lanes)
	one := k.Vec()
	if k.permute {
		VPTERNLOGD(U8(255), one, one, one)
		VPSRLD(U8(31), one, one)
	}
	x, y, rows := Field(a, argX), Field(a, argY), Field(a, argRows)
	Label("rows")
	k.row(a, x, one, lanes)
	k.store(a, y, lanes)
	ADDQ(Elements(a, slideXRow), x)
	ADDQ(Elements(a, slideYRow), y)
	DECQ(rows)
	JNZ(LabelRef("rows"))
	VZEROUPPER()
	RET()
}

// row sums over all taps, beginning with the bias.
func (k *slide) row(a reg.Register, x reg.GPVirtual, one reg.VecVirtual, lanes reg.OpmaskVirtual) {
	VMOVUPS_Z(Mem{Base: Field(a, argBias)}, lanes, k.acc[0])
	for _, acc := range k.acc[1:] {
		VMOVAPS(k.acc[0], acc)
	}
	w, off, taps := Field(a, argW), Field(a, argOff), Field(a, argOffLen)
	p, n, from := GP64(), GP64(), k.Vec()
	Label("taps")
	MOVQ(Mem{Base: off}, p)
	LEAQ(Mem{Base: x, Index: p, Scale: 4}, p)
	MOVQ(Mem{Base: a, Disp: argChannels}, n)
	if k.permute {
		VMOVUPS(Mem{Base: a, Disp: slideFrom}, from)
	}
	Label("channels")
	k.channel(p, w, from)
	if k.permute {
		VPADDD(one, from, from)
	} else {
		ADDQ(U8(4), p)
	}
	ADDQ(U32(uint32(slideTaps*k.Bytes())), w)
	DECQ(n)
	JNZ(LabelRef("channels"))
	ADDQ(U8(8), off)
	DECQ(taps)
	JNZ(LabelRef("taps"))
}

// channel multiplies one channel of all pixels of a row with the taps that see them.
func (k *slide) channel(p, w reg.GPVirtual, from reg.VecVirtual) {
	weights := k.Vecs(slideTaps)
	for i, v := range weights {
		VMOVUPS(Mem{Base: w, Disp: i * k.Bytes()}, v)
	}
	for pixel := range (k.cols-1)*k.stride + slideTaps {
		x, at := k.Vec(), Mem{Base: p, Disp: pixel * k.Bytes()}
		if k.permute {
			VPERMPS(at, from, x)
		} else {
			VBROADCASTSS(at, x)
		}
		for i, weight := range weights {
			if c := (pixel - i) / k.stride; pixel >= i && (pixel-i)%k.stride == 0 && c < k.cols {
				VFMADD231PS(weight, x, k.acc[c])
			}
		}
	}
}

// store bounds and stores a row; MAX and MIN return their last source when one is NaN.
func (k *slide) store(a reg.Register, y reg.GPVirtual, lanes reg.OpmaskVirtual) {
	lo, hi, at, step := k.Vec(), k.Vec(), GP64(), Elements(a, slideYCol)
	VBROADCASTSS(Mem{Base: a, Disp: slideLo}, lo)
	VBROADCASTSS(Mem{Base: a, Disp: slideHi}, hi)
	MOVQ(y, at)
	for i, acc := range k.acc {
		VMAXPS(acc, lo, acc)
		VMINPS(acc, hi, acc)
		VMOVUPS(acc, lanes, Mem{Base: at})
		if i+1 < k.cols {
			ADDQ(step, at)
		}
	}
}

// Offsets in DealArgs.
const (
	dealDst, dealSrc         = 0, 24
	dealDstStep, dealSrcStep = 48, 56
	dealPixels, dealUnits    = 64, 72
	dealRest                 = 80
)

// deal emits the kernel that deals channels out to vectors.
func deal(v ISA) {
	TEXT("deal"+v.Name, NOSPLIT, "func(a *byte)")
	Doc("deal" + v.Name + " is dealGeneric.")
	a := Load(Param("a"), GP64())
	dst, src := Field(a, dealDst), Field(a, dealSrc)
	dstStep, srcStep := Elements(a, dealDstStep), Elements(a, dealSrcStep)
	pixels, units, rest := Field(a, dealPixels), Field(a, dealUnits), Field(a, dealRest)
	bits, lanes, x := GP64(), K(), v.Vec()
	MOVQ(I32(-1), bits)
	BZHIQ(rest, bits, bits)
	KMOVW(bits.As32(), lanes)
	Loop("pixels", pixels, 1, func() {
		p, q, n := GP64(), GP64(), GP64()
		MOVQ(src, p)
		MOVQ(dst, q)
		MOVQ(units, n)
		Loop("units", n, 1, func() {
			VMOVUPS(Mem{Base: p}, x)
			VMOVUPS(x, Mem{Base: q})
			ADDQ(U32(uint32(v.Bytes())), p)
			ADDQ(dstStep, q)
		})
		TESTQ(rest, rest)
		JZ(LabelRef("whole"))
		VMOVUPS_Z(Mem{Base: p}, lanes, x)
		VMOVUPS(x, Mem{Base: q})
		Label("whole")
		ADDQ(srcStep, src)
		ADDQ(U32(uint32(v.Bytes())), dst)
	})
	VZEROUPPER()
	RET()
}
