package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	. "github.com/onnxrun/onnxrun/internal/kernel/_lanes"
)

// Offsets of tileArgs.
const (
	argA, argB, argC          = 0, 8, 16
	argK                      = 24
	argARS, argACS            = 32, 40
	argBStep                  = 48
	argLDC                    = 56
	argFlags                  = 64
	argAlpha, argLo, argHi    = 72, 76, 80
	argColBias, argRowBias    = 88, 96
	argRes, argLDR            = 104, 112
	argN, argPanel            = 120, 128
	argSegs, argNSegs         = 136, 144
	argTiles                  = 152
	argDownA, argDownC        = 160, 168
	argDownRes, argDownBias   = 176, 184
	argAhead, argAheadEnd     = 192, 200
	argOther                  = 208
	argSeg, argLeft           = 216, 224
	argAheadStep              = 232
	argAheadFast              = 240
	flagLoad, flagColBias     = 1, 2
	flagRowBias, flagResidual = 4, 8
	flagClip, flagPrefetch    = 16, 32
	flagScale, flagHigh       = 64, 128
	segOff, segK, segSize     = 0, 8, 16
	unroll, long, longFrom    = 4, 16, 128
)

// tileKernel is a kernel of r rows and v vectors in the making. The vectors lie in p
// panels of two. A wide one computes one tile, of which every column exists; a far one asks for B meanwhile.
type tileKernel struct {
	isa
	r, v, p int
	wide    bool
	far     bool
	t       reg.GPVirtual
	acc     [][]reg.VecVirtual
}

// tile generates the kernel for r rows and v vectors: one (the first half of a panel),
// two (a panel), several panels, or half a panel behind others.
func tile(s isa, r, v int) { (&tileKernel{isa: s, r: r, v: v, p: (v + 1) / 2}).emit("tile") }

// wide generates the kernels for r rows and v vectors that compute one tile.
func wide(s isa, r, v int) {
	(&tileKernel{isa: s, r: r, v: v, p: v / 2, wide: true}).emit("wide")
	(&tileKernel{isa: s, r: r, v: v, p: v / 2, wide: true, far: true}).emit("far")
}

// emit generates the kernel.
func (k *tileKernel) emit(kind string) {
	s, r, v := k.isa, k.r, k.v
	name := fmt.Sprintf("%s%dx%d%s", kind, r, v*s.Lanes, s.Name)
	doc := fmt.Sprintf("%s computes a tile of %d rows and up to %d columns as tileArgs describes.", name, r, v*s.Lanes)
	k.t = begin(name, "tileArgs", doc)
	for _, at := range []int{argDownA, argDownC, argDownRes, argDownBias} {
		MOVQ(U32(0), Mem{Base: k.t, Disp: at})
	}
	Label("tile")
	for range r {
		k.acc = append(k.acc, s.Vecs(v))
	}
	for _, row := range k.acc {
		for _, v := range row {
			s.Zero(v)
		}
	}
	k.prefetchC()
	if k.wide {
		k.wideLoop()
	} else {
		k.loop()
	}
	k.finish()
}

// prefetchC asks for the tiles of C and the residual, which may be far away when the sums are complete.
func (k *tileKernel) prefetchC() {
	TESTQ(U32(flagPrefetch), Field(k.t, argFlags))
	JZ(LabelRef("near"))
	c := rowsOf(k.down(argC, argDownC), Field(k.t, argLDC), k.r)
	for i := range k.r {
		for at := 0; at < k.v*k.Bytes(); at += 64 {
			PREFETCHT0(c.At(i, at))
		}
	}
	TESTQ(U32(flagResidual), Field(k.t, argFlags))
	JZ(LabelRef("near"))
	res := rowsOf(k.down(argRes, argDownRes), Field(k.t, argLDR), k.r)
	for i := range k.r {
		for at := 0; at < k.v*k.Bytes(); at += 64 {
			PREFETCHT0(res.At(i, at))
		}
	}
	Label("near")
}

// finish scales, applies the flags and stores, with masks where columns may be missing, and
// goes on with the next tile.
func (k *tileKernel) finish() {
	switch n := Field(k.t, argN); {
	case k.wide:
		k.epilogue(masks{}, "")
	case k.Wide():
		k.epilogue(k.lanesOf(n, k.v), "")
	default:
		CMPQ(n, Imm(uint64(k.v*k.Lanes)))
		JNE(LabelRef("masked"))
		k.epilogue(masks{}, "")
		JMP(LabelRef("next"))
		Label("masked")
		k.epilogue(k.lanesOf(n, k.v), "masked_")
		Label("next")
	}
	if !k.wide {
		k.next()
	}
	End()
}

// down returns the address in the argument, as far below as the tile at hand lies.
func (k *tileKernel) down(address, below int) reg.GPVirtual {
	p := Field(k.t, address)
	ADDQ(Mem{Base: k.t, Disp: below}, p)
	return p
}

// next moves the arguments to the tile below and computes that, if one is left.
func (k *tileKernel) next() {
	DECQ(Mem{Base: k.t, Disp: argTiles})
	JZ(LabelRef("end"))
	for _, p := range []struct{ at, step int }{{argDownA, argARS}, {argDownC, argLDC}, {argDownRes, argLDR}} {
		by := GP64()
		IMUL3Q(Imm(uint64(k.r)), Mem{Base: k.t, Disp: p.step}, by)
		ADDQ(by, Mem{Base: k.t, Disp: p.at})
	}
	ADDQ(Imm(uint64(4*k.r)), Mem{Base: k.t, Disp: argDownBias})
	JMP(LabelRef("tile"))
	Label("end")
}

func (k *tileKernel) epilogue(m masks, prefix string) {
	flags := Field(k.t, argFlags)
	c := rowsOf(k.down(argC, argDownC), Field(k.t, argLDC), k.r)
	k.scale(m, prefix, flags, c)
	k.when(flags, flagColBias, prefix+"nocol", func() {
		bias := Field(k.t, argColBias)
		for j := range k.v {
			v := k.Vec()
			k.load(m, j, Mem{Base: bias, Disp: j * k.Bytes()}, v)
			for i := range k.r {
				VADDPS(v, k.acc[i][j], k.acc[i][j])
			}
		}
	})
	k.when(flags, flagRowBias, prefix+"norow", func() {
		bias := k.down(argRowBias, argDownBias)
		for i := range k.r {
			v := k.Vec()
			VBROADCASTSS(Mem{Base: bias, Disp: 4 * i}, v)
			for _, acc := range k.acc[i] {
				VADDPS(v, acc, acc)
			}
		}
	})
	k.when(flags, flagResidual, prefix+"nores", func() {
		res := rowsOf(k.down(argRes, argDownRes), Field(k.t, argLDR), k.r)
		k.each(func(i, j int, acc reg.VecVirtual) {
			v := k.Vec()
			k.load(m, j, res.At(i, j*k.Bytes()), v)
			VADDPS(v, acc, acc)
		})
	})
	k.when(flags, flagClip, prefix+"noclip", func() { k.clip(flags, prefix) })
	k.each(func(i, j int, acc reg.VecVirtual) { k.store(m, j, acc, c.At(i, j*k.Bytes())) })
}

// scale multiplies by alpha and adds what C holds.
func (k *tileKernel) scale(m masks, prefix string, flags reg.GPVirtual, c Rows) {
	alpha := k.Vec()
	TESTQ(U32(flagLoad|flagScale), flags)
	JZ(LabelRef(prefix + "scaled"))
	VBROADCASTSS(Mem{Base: k.t, Disp: argAlpha}, alpha)
	TESTQ(U32(flagLoad), flags)
	JZ(LabelRef(prefix + "noload"))
	k.each(func(i, j int, acc reg.VecVirtual) {
		v := k.Vec()
		k.load(m, j, c.At(i, j*k.Bytes()), v)
		VFMADD213PS(v, alpha, acc)
	})
	JMP(LabelRef(prefix + "scaled"))
	Label(prefix + "noload")
	k.each(func(_, _ int, acc reg.VecVirtual) { VMULPS(acc, alpha, acc) })
	Label(prefix + "scaled")
}

// clip relies on MIN and MAX returning their last source when one is NaN.
func (k *tileKernel) clip(flags reg.GPVirtual, prefix string) {
	bound := k.Vec()
	VBROADCASTSS(Mem{Base: k.t, Disp: argLo}, bound)
	k.each(func(_, _ int, acc reg.VecVirtual) { VMAXPS(acc, bound, acc) })
	k.when(flags, flagHigh, prefix+"nohigh", func() {
		VBROADCASTSS(Mem{Base: k.t, Disp: argHi}, bound)
		k.each(func(_, _ int, acc reg.VecVirtual) { VMINPS(acc, bound, acc) })
	})
}

// when emits code that runs if a flag is set.
func (k *tileKernel) when(flags reg.GPVirtual, bit uint32, skip string, emit func()) {
	TESTQ(U32(bit), flags)
	JZ(LabelRef(skip))
	emit()
	Label(skip)
}

func (k *tileKernel) each(f func(i, j int, acc reg.VecVirtual)) {
	for i, row := range k.acc {
		for j, acc := range row {
			f(i, j, acc)
		}
	}
}
