package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	. "github.com/onnxrun/onnxrun/internal/kernel/_lanes"
)

// tallGen is the state of one tall kernel while it is emitted.
type tallGen struct {
	v                isa
	k                int // rows of the window
	a                reg.Register
	src, dst, ss, ds gp
	tail             mask
}

// tall emits the depthwise kernel of k rows of taps, any number of columns, and row stride 1: four output rows at once.
// For one column of taps after the other, the k weights stay in registers and each loaded vector is used by up to four
// rows. Off holds the taps of the first row. Rows is at least 4; a last block of fewer rows is moved up.
func tall(v isa, k int) {
	name := fmt.Sprintf("tall%d%s", k, v.Name)
	TEXT(name, NOSPLIT, "func(a *byte)")
	Doc(fmt.Sprintf("%s is tallGeneric for %d rows of taps.", name, k))
	a := Load(Param("a"), GP64())
	g := &tallGen{v: v, k: k, a: a}
	g.src, g.dst, g.ss, g.ds = Field(a, tapSrc), Field(a, tapDst), Field(a, tapSrcStep), Field(a, tapDstStep)
	rows := AllocLocal(8)
	MOVQ(Field(a, tapNRows), rows)
	SHLQ(U8(2), g.ss)
	SHLQ(U8(2), g.ds)
	left := Field(a, tapNCols)
	ANDQ(U32(uint32(v.Lanes-1)), left)
	g.tail = v.newMask()
	v.setCount(g.tail, left)
	Label("rows")
	CMPQ(rows, U8(4))
	JGE(LabelRef("block"))
	CMPQ(rows, U8(0))
	JLE(LabelRef("done"))
	Label("back")
	SUBQ(g.ss, g.src)
	SUBQ(g.ds, g.dst)
	INCQ(rows)
	CMPQ(rows, U8(4))
	JL(LabelRef("back"))
	Label("block")
	g.rowBlock()
	SUBQ(U8(4), rows)
	JMP(LabelRef("rows"))
	Label("done")
	VZEROUPPER()
	RET()
}

// rowBlock emits the column loops of four rows and steps src and dst to the next block.
func (g *tallGen) rowBlock() {
	n := Field(g.a, tapNCols)
	widths := []int{2, 1}
	if g.v.Lanes == 8 {
		widths = []int{1}
	}
	for _, c := range widths {
		Loop(fmt.Sprintf("c%d", c), n, c*g.v.Lanes, func() {
			g.block(c, nil)
			ADDQ(U32(uint32(c*g.v.Bytes())), g.src)
			ADDQ(U32(uint32(c*g.v.Bytes())), g.dst)
		})
	}
	TESTQ(n, n)
	JE(LabelRef("full"))
	g.block(1, &g.tail)
	Label("full")
	t, done := GP64(), Field(g.a, tapNCols)
	SUBQ(n, done)
	SHLQ(U8(2), done)
	for _, x := range [][2]gp{{g.ss, g.src}, {g.ds, g.dst}} {
		MOVQ(x[0], t)
		SHLQ(U8(2), t)
		SUBQ(done, t)
		ADDQ(t, x[1])
	}
}

// block emits four rows of c vectors.
func (g *tallGen) block(c int, m *mask) {
	v := g.v
	acc := make([]reg.VecVirtual, 4*c)
	for i := range acc {
		acc[i] = v.Vec()
		VBROADCASTSS(Mem{Base: g.a, Disp: tapBias}, acc[i])
	}
	off, left, w := Field(g.a, tapOff), Field(g.a, tapOffLen), Field(g.a, tapW)
	step := Field(g.a, tapOffLen)
	SHLQ(U8(2), step)
	name := fmt.Sprintf("taps%d", c)
	if m != nil {
		name += "tail"
	}
	Loop(name, left, 1, func() {
		r, q := GP64(), GP64()
		MOVQ(Mem{Base: off}, r)
		LEAQ(Mem{Base: g.src, Index: r, Scale: 4}, r)
		MOVQ(w, q)
		ws := make([]reg.VecVirtual, g.k)
		for i := range ws {
			ws[i] = v.Vec()
			VBROADCASTSS(Mem{Base: q}, ws[i])
			if i < g.k-1 {
				ADDQ(step, q)
			}
		}
		for y := range g.k + 3 {
			for j := range c {
				t := v.Vec()
				VMOVUPS(Mem{Base: r, Disp: j * v.Bytes()}, t)
				for o := max(0, y-g.k+1); o <= min(3, y); o++ {
					VFMADD231PS(ws[y-o], t, acc[o*c+j])
				}
			}
			if y < g.k+2 {
				ADDQ(g.ss, r)
			}
		}
		ADDQ(U8(8), off)
		ADDQ(U8(4), w)
	})
	ds3 := GP64()
	LEAQ(Mem{Base: g.ds, Index: g.ds, Scale: 2}, ds3)
	for i := range 4 {
		for j := range c {
			t, x := v.Vec(), acc[i*c+j]
			VBROADCASTSS(Mem{Base: g.a, Disp: tapLo}, t)
			VMAXPS(x, t, x)
			VBROADCASTSS(Mem{Base: g.a, Disp: tapHi}, t)
			VMINPS(x, t, x)
			v.store(m, x, rowMem(g.dst, g.ds, ds3, i, j*v.Bytes()))
		}
	}
}
