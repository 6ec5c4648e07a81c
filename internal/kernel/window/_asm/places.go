package main

import (
	"fmt"
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	. "github.com/onnxrun/onnxrun/internal/kernel/_lanes"
)

// Offsets in PlaceArgs.
const (
	placeSrc, placeDst, placeAt                    = 0, 24, 48
	placeOff, placeOffLen, placeNumbers            = 72, 80, 96
	placeRows, placeCols, placeSrcStep, placeDStep = 120, 128, 136, 144
)

// placeGen is the state of a kernel of places while it is emitted: Src and Dst, and the bytes, which go with Dst or, for the
// gradient, with Src.
type placeGen struct {
	v            isa
	a            reg.Register
	src, dst, at gp
}

// rows emits the kernel: block for four vectors of a row, and for single ones.
func (g *placeGen) rows(block func(name string, c int), bytesWithDst bool) {
	g.src, g.dst, g.at = Field(g.a, placeSrc), Field(g.a, placeDst), Field(g.a, placeAt)
	rows, ss, ds, done := Field(g.a, placeRows), Field(g.a, placeSrcStep), Field(g.a, placeDStep), Field(g.a, placeCols)
	SUBQ(done, ss) // what is left of a step behind the columns
	SUBQ(done, ds)
	Loop("row", rows, 1, func() {
		n := Field(g.a, placeCols)
		for _, c := range []int{4, 1} {
			Loop(fmt.Sprintf("c%d", c), n, c*g.v.Lanes, func() {
				block(fmt.Sprintf("b%d", c), c)
				ADDQ(U32(uint32(c*g.v.Bytes())), g.src)
				ADDQ(U32(uint32(c*g.v.Bytes())), g.dst)
				ADDQ(U32(uint32(c*g.v.Lanes)), g.at)
			})
		}
		LEAQ(Mem{Base: g.src, Index: ss, Scale: 4}, g.src)
		LEAQ(Mem{Base: g.dst, Index: ds, Scale: 4}, g.dst)
		if bytesWithDst {
			ADDQ(ds, g.at)
		} else {
			ADDQ(ss, g.at)
		}
	})
	VZEROUPPER()
	RET()
}

// taps emits body for each tap, the last first if reverse is set: it gets the tap's offset, in elements, and a vector of its number.
func (g *placeGen) taps(name string, reverse bool, body func(at gp, number reg.VecVirtual)) {
	off, number, count := Field(g.a, placeOff), Field(g.a, placeNumbers), Field(g.a, placeOffLen)
	if reverse {
		LEAQ(Mem{Base: off, Index: count, Scale: 8, Disp: -8}, off)
		LEAQ(Mem{Base: number, Index: count, Scale: 4, Disp: -4}, number)
	}
	Loop(name+"_taps", count, 1, func() {
		at, n := GP64(), g.v.Vec()
		MOVQ(Mem{Base: off}, at)
		VPBROADCASTD(Mem{Base: number}, n)
		body(at, n)
		if reverse {
			SUBQ(U8(8), off)
			SUBQ(U8(4), number)
		} else {
			ADDQ(U8(8), off)
			ADDQ(U8(4), number)
		}
	})
}

// maxPlaces emits the kernel that notes where the largest elements are. It walks over the taps from the last to the first, so that
// the first of equal ones stays.
func maxPlaces(v isa) {
	TEXT("maxPlaces"+v.Name, NOSPLIT, "func(a *byte)")
	Doc("maxPlaces" + v.Name + " is maxPlacesGeneric.")
	g := &placeGen{v: v, a: Load(Param("a"), GP64())}
	bits, low, least, none := GP32(), XMM(), v.Vec(), v.Vec()
	MOVL(U32(math.Float32bits(float32(math.Inf(-1)))), bits)
	VMOVD(bits, low)
	VBROADCASTSS(low, least)
	MOVL(U32(255), bits)
	VMOVD(bits, low)
	VPBROADCASTD(low, none)
	g.rows(func(name string, c int) {
		best, place := make([]reg.VecVirtual, c), make([]reg.VecVirtual, c)
		for j := range c {
			best[j], place[j] = v.Vec(), v.Vec()
			VMOVAPS(least, best[j])
			VMOVAPS(none, place[j])
		}
		g.taps(name, true, func(at gp, number reg.VecVirtual) {
			for j := range c {
				x := v.Vec()
				VMOVUPS(Mem{Base: g.src, Index: at, Scale: 4, Disp: j * v.Bytes()}, x)
				g.choose(x, best[j], number, place[j])
			}
		})
		for j := range c {
			VMOVUPS(best[j], Mem{Base: g.dst, Disp: j * v.Bytes()})
			g.store(place[j], Mem{Base: g.at, Disp: j * v.Lanes})
		}
	}, true)
}

// choose takes x and its number where it is not less than the best so far.
func (g *placeGen) choose(x, best, number, place reg.VecVirtual) {
	const notLess = 0x1d // and not NaN
	if g.v.Wide() {
		k := K()
		VCMPPS(U8(notLess), best, x, k)
		VMOVAPS(x, k, best)
		VMOVDQA32(number, k, place)
		return
	}
	m := YMM()
	VCMPPS(U8(notLess), best, x, m)
	VBLENDVPS(m, x, best, best)
	VBLENDVPS(m, number, place, place)
}

// store writes the numbers of a vector as bytes.
func (g *placeGen) store(place reg.VecVirtual, to Mem) {
	if g.v.Wide() {
		VPMOVDB(place, to)
		return
	}
	high := XMM()
	VEXTRACTI128(U8(1), place, high)
	VPACKUSDW(high, place.AsX(), high)
	VPACKUSWB(high, high, high)
	VMOVQ(high, to)
}

// placesGrad emits the kernel of the gradient: every element is a sum over the windows that see it.
func placesGrad(v isa) {
	TEXT("placesGrad"+v.Name, NOSPLIT, "func(a *byte)")
	Doc("placesGrad" + v.Name + " is placesGradGeneric.")
	g := &placeGen{v: v, a: Load(Param("a"), GP64())}
	g.rows(func(name string, c int) {
		sum := make([]reg.VecVirtual, c)
		for j := range c {
			sum[j] = v.Vec()
			v.Zero(sum[j])
		}
		g.taps(name, false, func(at gp, number reg.VecVirtual) {
			for j := range c {
				place := v.Vec()
				VPMOVZXBD(Mem{Base: g.at, Index: at, Scale: 1, Disp: j * v.Lanes}, place)
				g.add(Mem{Base: g.src, Index: at, Scale: 4, Disp: j * v.Bytes()}, number, place, sum[j])
			}
		})
		for j := range c {
			VMOVUPS(sum[j], Mem{Base: g.dst, Disp: j * v.Bytes()})
		}
	}, false)
}

// add adds the elements at m where the place is the number.
func (g *placeGen) add(m Mem, number, place, sum reg.VecVirtual) {
	if g.v.Wide() {
		k := K()
		VPCMPEQD(number, place, k)
		VADDPS(m, sum, k, sum)
		return
	}
	VPCMPEQD(number, place, place)
	VANDPS(m, place, place)
	VADDPS(place, sum, sum)
}
