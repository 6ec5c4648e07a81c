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

// slideTaps is how many taps a row of the window has.
const slideTaps = 3

// most is how many outputs a kernel computes at most: as many as there are registers for their sums.
func (k *slide) most() int {
	if k.Wide() {
		return 14
	}
	return 12
}

// slide computes cols neighbouring outputs of every row, a vector of output channels each, from pixels that lie a vector apart. With permute the
// lanes read channels from where the arguments say; without, all read the same.
type slide struct {
	ISA
	cols, stride int
	permute      bool
	acc          []reg.VecVirtual
}

// slides emits the kernels of all strides. With AVX2, shuffles within quarters of a vector are faster than permutations.
func slides(v ISA) {
	for _, permute := range []bool{false, true} {
		if permute && !v.Wide() {
			continue
		}
		name := "slide"
		if permute {
			name = "permute"
		}
		for stride := 1; stride <= 2; stride++ {
			k := slide{ISA: v, stride: stride, permute: permute}
			for k.cols = 1; k.cols <= k.most(); k.cols++ {
				one := k
				one.emit(fmt.Sprintf("%s%dx%d%s", name, stride, k.cols, v.Name))
			}
		}
	}
}

func (k *slide) emit(name string) {
	TEXT(name, NOSPLIT, "func(a *byte)")
	Doc(name + " is slideGeneric.")
	a := Load(Param("a"), GP64())
	k.acc = k.Vecs(k.cols)
	lanes := someLanes(k.ISA, Field(a, slideLanes))
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
func (k *slide) row(a reg.Register, x reg.GPVirtual, one reg.VecVirtual, lanes laneMask) {
	lanes.load(Mem{Base: Field(a, argBias)}, k.acc[0])
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
func (k *slide) store(a reg.Register, y reg.GPVirtual, lanes laneMask) {
	lo, hi, at, step := k.Vec(), k.Vec(), GP64(), Elements(a, slideYCol)
	VBROADCASTSS(Mem{Base: a, Disp: slideLo}, lo)
	VBROADCASTSS(Mem{Base: a, Disp: slideHi}, hi)
	MOVQ(y, at)
	lanes.store(func(store func(reg.VecVirtual, Mem)) {
		for i, acc := range k.acc {
			VMAXPS(acc, lo, acc)
			VMINPS(acc, hi, acc)
			store(acc, Mem{Base: at})
			if i+1 < k.cols {
				ADDQ(step, at)
			}
		}
	})
}
