package main

import (
	"fmt"
	"slices"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	. "github.com/onnxrun/onnxrun/internal/kernel/_lanes"
)

// Offsets in PlaneArgs.
const (
	planeSrc, planeAt, planeDst                              = 0, 24, 32
	planeRows, planeCols, planeInRows, planeTop              = 56, 64, 72, 80
	planeSrcStep, planeDstStep, planeTap, planeW, planeMasks = 88, 96, 104, 112, 136
	planeVectors, planeBias, planeLoBound, planeHigh         = 160, 200, 204, 208
)

// planeGen is the state of a kernel of 3 by 3 taps that reads planes where they lie.
type planeGen struct {
	v                           isa
	stride, rows                int // rows of a block
	a                           reg.Register
	ss, ds, tap, p, q, masks, n gp
	ws                          [9]reg.VecVirtual
	even, odd                   reg.VecVirtual // for stride 2, with 16 lanes
}

// plane emits the depthwise kernel of 3 by 3 taps and stride 1 or 2 for planes without a frame: blocks of rows of outputs,
// vector by vector. Rows of inputs that do not exist are passed over, columns masked. A last block of fewer rows is moved up.
func plane(v isa, stride, rows int) {
	name := fmt.Sprintf("plane3s%d%s", stride, v.Name)
	TEXT(name, NOSPLIT, "func(a *byte)")
	Doc(fmt.Sprintf("%s is planeGeneric for stride %d.", name, stride))
	g := &planeGen{v: v, stride: stride, rows: rows}
	g.a = Load(Param("a"), GP64())
	g.ss, g.ds, g.tap = Field(g.a, planeSrcStep), Field(g.a, planeDstStep), Field(g.a, planeTap)
	SHLQ(U8(2), g.ss)
	SHLQ(U8(2), g.ds)
	w := Field(g.a, planeW)
	for i := range g.ws {
		g.ws[i] = v.Vec()
		VBROADCASTSS(Mem{Base: w, Disp: 4 * i}, g.ws[i])
	}
	if stride == 2 && v.Wide() {
		g.even, g.odd = v.Vec(), v.Vec()
		VMOVDQU32(evenIdx, g.even)
		VMOVDQU32(oddIdx, g.odd)
	}
	src, dst := Field(g.a, planeSrc), Field(g.a, planeDst)
	at := Field(g.a, planeAt)
	LEAQ(Mem{Base: src, Index: at, Scale: 4}, src)
	left, top := Field(g.a, planeRows), GP64() // top is the row of inputs of the first tap
	XORQ(top, top)
	SUBQ(Mem{Base: g.a, Disp: planeTop}, top)
	Label("rows")
	TESTQ(left, left)
	JLE(LabelRef("done"))
	Label("fits")
	CMPQ(left, U8(uint8(rows)))
	JGE(LabelRef("block"))
	for range stride {
		SUBQ(g.ss, src)
	}
	SUBQ(U8(uint8(stride)), top)
	SUBQ(g.ds, dst)
	INCQ(left)
	JMP(LabelRef("fits"))
	Label("block")
	g.p, g.q, g.masks, g.n = GP64(), GP64(), Field(g.a, planeMasks), GP64()
	MOVQ(src, g.p)
	MOVQ(dst, g.q)
	for i, masked := range [][]int{{0, 1, 2, 3, 4}, {0}, {}, {2}, {0, 1, 2, 3, 4}} {
		if !(len(masked) == 1 && (stride == 2 || v.Wide())) {
			g.vectors(fmt.Sprintf("vectors%d", i), i, masked, top)
		}
	}
	for range rows {
		ADDQ(g.ds, dst)
		for range stride {
			ADDQ(g.ss, src)
		}
	}
	ADDQ(U8(uint8(rows*stride)), top)
	SUBQ(U8(uint8(rows)), left)
	JMP(LabelRef("rows"))
	Label("done")
	VZEROUPPER()
	RET()
}

// vectors emits a loop over the i-th kind of vectors of a block, of which some loads are masked.
func (g *planeGen) vectors(label string, i int, masked []int, top gp) {
	MOVQ(Mem{Base: g.a, Disp: planeVectors + 8*i}, g.n)
	Loop(label, g.n, 1, func() {
		g.block(label, masked, top)
		ADDQ(U32(uint32(g.stride*g.v.Bytes())), g.p)
		ADDQ(U32(uint32(g.v.Bytes())), g.q)
		if len(masked) > 0 {
			ADDQ(U32(uint32(planeMaskCount*g.v.Bytes())), g.masks)
		}
	})
}

// planeMaskCount is how many masks a vector has: of its loads, and of its store, the last.
const planeMaskCount = 5

// block emits a vector of each row of a block.
func (g *planeGen) block(label string, masked []int, top gp) {
	v := g.v
	acc := make([]reg.VecVirtual, g.rows)
	for i := range acc {
		if acc[i] = v.Vec(); i == 0 {
			VBROADCASTSS(Mem{Base: g.a, Disp: planeBias}, acc[0])
		} else {
			VMOVAPS(acc[0], acc[i])
		}
	}
	var ks []reg.Register
	if len(masked) > 0 && v.Wide() { // lanes whose sign bit is set
		for i := range planeMaskCount {
			m, k := ZMM(), K()
			VMOVDQU32(Mem{Base: g.masks, Disp: i * v.Bytes()}, m)
			VPMOVD2M(m, k)
			ks = append(ks, k)
		}
	}
	r, row := GP64(), GP64()
	MOVQ(g.p, r)
	MOVQ(top, row)
	for y := range (g.rows-1)*g.stride + 3 {
		skip := fmt.Sprintf("%s_skip%d", label, y)
		CMPQ(row, Mem{Base: g.a, Disp: planeInRows})
		JAE(LabelRef(skip))
		use := func(x int, t reg.VecVirtual) {
			for o := range acc {
				if k := y - o*g.stride; k >= 0 && k < 3 {
					VFMADD231PS(g.ws[3*k+x], t, acc[o])
				}
			}
		}
		load := func(i int, m Mem) reg.VecVirtual { return g.load(slices.Contains(masked, i), ks, i, m) }
		if g.stride == 1 {
			use(0, load(0, Mem{Base: r}))
			use(1, load(1, Mem{Base: r, Index: g.tap, Scale: 4}))
			use(2, load(2, Mem{Base: r, Index: g.tap, Scale: 8}))
		} else {
			g.split(r, load, use)
		}
		Label(skip)
		ADDQ(g.ss, r)
		INCQ(row)
	}
	g.store(slices.Contains(masked, planeMaskCount-1), ks, acc)
}

// split loads a row for stride 2: even and odd columns are the first two taps, and the even ones two further on the third.
func (g *planeGen) split(r gp, load func(int, Mem) reg.VecVirtual, use func(int, reg.VecVirtual)) {
	v := g.v
	for i, disp := range []int{0, 8} {
		x, y := load(2*i, Mem{Base: r, Disp: disp}), load(2*i+1, Mem{Base: r, Disp: disp + v.Bytes()})
		if v.Wide() {
			e := ZMM()
			VMOVDQA32(g.even, e)
			VPERMI2PS(y, x, e)
			use(2*i, e)
			if i == 0 {
				o := ZMM()
				VMOVDQA32(g.odd, o)
				VPERMI2PS(y, x, o)
				use(1, o)
			}
			continue
		}
		e := YMM()
		VSHUFPS(U8(0x88), y, x, e)
		VPERMPD(U8(0xd8), e, e)
		use(2*i, e)
		if i == 0 {
			VSHUFPS(U8(0xdd), y, x, x)
			VPERMPD(U8(0xd8), x, x)
			use(1, x)
		}
	}
}

// load loads a vector, with the i-th mask.
func (g *planeGen) load(masked bool, ks []reg.Register, i int, m Mem) reg.VecVirtual {
	t := g.v.Vec()
	switch {
	case !masked:
		VMOVUPS(m, t)
	case g.v.Wide():
		VMOVUPS_Z(m, ks[i], t)
	default:
		VMOVUPS(Mem{Base: g.masks, Disp: i * g.v.Bytes()}, t)
		VMASKMOVPS(m, t, t)
	}
	return t
}

// store clamps the sums and stores them.
func (g *planeGen) store(masked bool, ks []reg.Register, acc []reg.VecVirtual) {
	v := g.v
	q, t := GP64(), v.Vec()
	VBROADCASTSS(Mem{Base: g.a, Disp: planeLoBound}, t)
	for i := range acc {
		VMAXPS(acc[i], t, acc[i])
	}
	VBROADCASTSS(Mem{Base: g.a, Disp: planeHigh}, t)
	for i := range acc {
		VMINPS(acc[i], t, acc[i])
	}
	if masked && v.Lanes == 8 {
		VMOVUPS(Mem{Base: g.masks, Disp: (planeMaskCount - 1) * v.Bytes()}, t)
	}
	MOVQ(g.q, q)
	for i := range acc {
		switch {
		case !masked:
			VMOVUPS(acc[i], Mem{Base: q})
		case v.Wide():
			VMOVUPS(acc[i], ks[planeMaskCount-1], Mem{Base: q})
		default:
			VMASKMOVPS(acc[i], t, Mem{Base: q})
		}
		ADDQ(g.ds, q)
	}
}
