package main

import (
	"fmt"
	"slices"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	. "github.com/onnxrun/onnxrun/internal/kernel/_lanes"
)

// Offsets in SlideArgs.
const (
	slideX, slideY, slideSums                  = 0, 24, 48
	slidePlanes, slideRows                     = 72, 80
	slideXPlane, slideXRow, slideXCol          = 88, 96, 104
	slideYPlane, slideYRow, slideYCol          = 112, 120, 128
	slideLo, slideInside, slideEdge, slideRest = 136, 144, 152, 160
	slideLine, slideXAhead, slideYAhead        = 168, 176, 184
	slideAbove, slideBelow, slideAt            = 192, 200, 208
)

// slideGen is the state of a slide kernel while it is emitted.
type slideGen struct {
	v                   isa
	lines, taps, stride int
	acc                 [][]reg.VecVirtual // sums of each kernel element, for each of some outputs beside each other
	held                [][]reg.VecVirtual // of each line, the columns that the next output shares with this one
	p, q                gp                 // the next column of inputs, and the next output
	xcol, ycol          gp
	xahead, yahead      gp
	above, below        Mem // of the row at hand; unused for single lines
	line                func(p gp, i int) Mem
	labels              int
}

// tight reports whether sums and columns leave one register: a column then takes the place of the one that it displaces.
func (g *slideGen) tight() bool { return g.lines > 1 && g.v.Lanes == 8 }

// together is how many outputs a round takes.
func (g *slideGen) together() int {
	if g.tight() {
		return g.taps - g.stride
	}
	return len(g.acc)
}

// slides emits the kernel for some lines of taps: the columns of inputs pass through registers, so each is read once, and each
// output's gradient, too. It asks for what is read later: the processor does not follow vectors that lie far apart.
func slides(v isa, lines, taps, stride int) {
	name := fmt.Sprintf("slide%d", taps)
	if lines > 1 {
		name += fmt.Sprintf("x%d", lines)
	}
	if stride > 1 {
		name += fmt.Sprintf("s%d", stride)
	}
	TEXT(name+v.Name, NOSPLIT, "func(a *byte)")
	Doc(fmt.Sprintf("%s%s is slideLanes for %d lines of %d taps and stride %d.", name, v.Name, lines, taps, stride))
	g := &slideGen{v: v, lines: lines, taps: taps, stride: stride, p: GP64(), q: GP64()}
	a := Load(Param("a"), GP64())
	g.xcol, g.ycol = Elements(a, slideXCol), Elements(a, slideYCol)
	g.xahead, g.yahead = Elements(a, slideXAhead), Elements(a, slideYAhead)
	if lines > 1 {
		g.line = lineAddresses(lines, Elements(a, slideLine))
	} else {
		g.line = lineAddresses(lines, GP64())
	}
	to, all := Field(a, slideSums), lines*taps
	const apart = 9                        // sums between two additions to one, which take as long
	sets := max(1, (2*v.Lanes-taps-2)/all) // registers, but for columns and a gradient
	for s := range min(sets, (apart+all-1)/all) {
		g.acc = append(g.acc, nil)
		for t := range all {
			r := v.Vec()
			if s == 0 {
				VMOVUPS(Mem{Base: to, Disp: t * v.Bytes()}, r)
			} else {
				v.Zero(r)
			}
			g.acc[s] = append(g.acc[s], r)
		}
	}
	for range lines {
		var held []reg.VecVirtual
		for range taps - stride {
			held = append(held, v.Vec())
		}
		g.held = append(g.held, held)
	}
	x0, y0, planes := AllocLocal(8), AllocLocal(8), AllocLocal(8)
	g.above, g.below = AllocLocal(8), AllocLocal(8)
	first := Elements(a, slideAt)
	ADDQ(Mem{Base: a, Disp: slideX}, first)
	MOVQ(first, x0)
	MOVQ(Field(a, slideY), y0)
	MOVQ(Field(a, slidePlanes), planes)
	Label("planes")
	x, y, rows := GP64(), GP64(), Field(a, slideRows)
	MOVQ(x0, x)
	MOVQ(y0, y)
	if lines > 1 {
		MOVQ(Field(a, slideAbove), g.above)
		MOVQ(U32(0), g.below)
	}
	Label("rows")
	if lines > 1 {
		CMPQ(rows, U8(1))
		JNE(LabelRef("middle"))
		MOVQ(Field(a, slideBelow), g.below)
		Label("middle")
	}
	MOVQ(x, g.p)
	MOVQ(y, g.q)
	g.begin(a)
	n := Field(a, slideInside)
	for _, count := range []int{g.together(), 1} {
		Loop(fmt.Sprintf("inside%d", count), n, count, func() { g.outputs(fmt.Sprintf("inside%d", count), count, stride) })
		if count == 1 {
			break
		}
	}
	g.edge(a)
	advance(a, slideXRow, x)
	advance(a, slideYRow, y)
	if lines > 1 {
		MOVQ(U32(0), g.above)
	}
	DECQ(rows)
	JNE(LabelRef("rows"))
	advance(a, slideXPlane, x0)
	advance(a, slideYPlane, y0)
	DECQ(planes)
	JNE(LabelRef("planes"))
	to = Field(a, slideSums)
	for t := range all {
		for _, set := range g.acc[1:] {
			VADDPS(set[t], g.acc[0][t], g.acc[0][t])
		}
		VMOVUPS(g.acc[0][t], Mem{Base: to, Disp: t * v.Bytes()})
	}
	VZEROUPPER()
	RET()
}

// advance moves a pointer by a number of elements that is a field of the arguments.
func advance(a reg.Register, off int, p Op) {
	step := Elements(a, off)
	ADDQ(step, p)
}

func (v isa) zero(r reg.VecVirtual) {
	if v.Wide() {
		VPXORD(r, r, r)
	} else {
		VXORPS(r, r, r)
	}
}

// begin fills the columns that the first output of a row has besides those that it reads, the first Lo of them with zeros.
func (g *slideGen) begin(a reg.Register) {
	for j := range g.taps - g.stride {
		label := fmt.Sprintf("begin%d", j)
		for _, held := range g.held {
			g.v.Zero(held[j])
		}
		CMPQ(Mem{Base: a, Disp: slideLo}, U8(uint8(j)))
		JGT(LabelRef(label))
		for l, held := range g.held {
			g.there(label, l, func() { VMOVUPS(g.line(g.p, l), held[j]) })
		}
		ADDQ(g.xcol, g.p)
		Label(label)
	}
}

// there emits what is left out where line l of the taps is missing for the row at hand.
func (g *slideGen) there(label string, l int, emit func()) {
	flag := g.above
	switch {
	case g.lines == 1 || l > 0 && l < g.lines-1:
		emit()
		return
	case l > 0:
		flag = g.below
	}
	g.labels++
	label = fmt.Sprintf("%s_line%d", label, g.labels)
	CMPQ(flag, U8(0))
	JNE(LabelRef(label))
	emit()
	Label(label)
}

// outputs adds the products of some outputs beside each other, which read that many new columns each; the others are zero.
func (g *slideGen) outputs(label string, count, columns int) {
	if g.tight() {
		g.inTurn(label, count, columns)
		return
	}
	window := make([][]reg.VecVirtual, g.lines) // the columns of each line
	for l, held := range g.held {
		window[l] = slices.Clone(held)
	}
	for s := range count {
		d, at := g.operands(columns)
		for l := range g.lines {
			for range g.stride {
				window[l] = append(window[l], g.v.Vec())
			}
			line := window[l][s*g.stride:]
			g.there(label, l, func() {
				for i, c := range line[g.taps-g.stride:] {
					if i < columns {
						VMOVUPS(g.line(at[i], l), c)
					} else {
						g.v.Zero(c)
					}
				}
				for t, r := range g.acc[s][l*g.taps:][:g.taps] {
					VFMADD231PS(line[t], d, r)
				}
			})
		}
		g.pass(columns)
	}
	for l, held := range g.held {
		for j, r := range held {
			VMOVAPS(window[l][count*g.stride+j], r)
		}
	}
}

// operands loads the gradient of the next output, and returns where its new columns are.
func (g *slideGen) operands(columns int) (d reg.VecVirtual, at []gp) {
	d = g.v.Vec()
	VMOVUPS(Mem{Base: g.q}, d)
	PREFETCHT1(Mem{Base: g.q, Index: g.yahead, Scale: 1})
	ADDQ(g.ycol, g.q)
	at = make([]gp, columns)
	for i := range at {
		if at[i] = g.p; i > 0 {
			at[i] = GP64()
			LEAQ(Mem{Base: at[i-1], Index: g.xcol, Scale: 1}, at[i])
		}
	}
	return d, at
}

// pass goes on by so many columns.
func (g *slideGen) pass(columns int) {
	for range columns {
		g.ask()
		ADDQ(g.xcol, g.p)
	}
}

// ask asks for the column of what will be read soon, in the lines that no row has read by then.
func (g *slideGen) ask() {
	later := GP64()
	LEAQ(Mem{Base: g.p, Index: g.xahead, Scale: 1}, later)
	for l := range min(g.lines, g.stride) {
		PREFETCHT1(g.line(later, l))
	}
}

// edge adds the outputs behind, whose columns end in the padding: the first may have Rest of them, the others have none.
func (g *slideGen) edge(a reg.Register) {
	n := Field(a, slideEdge)
	TESTQ(n, n)
	JE(LabelRef("row_end"))
	if g.stride > 1 {
		CMPQ(Mem{Base: a, Disp: slideRest}, U8(0))
		JE(LabelRef("edge"))
		g.outputs("rest", 1, 1)
		DECQ(n)
	}
	Loop("edge", n, 1, func() { g.outputs("edge", 1, 0) })
	Label("row_end")
}
