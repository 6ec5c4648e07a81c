package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	. "github.com/onnxrun/onnxrun/internal/kernel/_lanes"
)

// Offsets of FilterArgs.
const filterW, filterWidth, filterC, filterU, filterPlane = 0, 24, 32, 40, 64

// filter emits the filter transform of a group of a size, output channels in lanes. A group is the rows of a pair of points,
// and the row of zero before it or that of infinity behind it; the only one of the 2×2 tile has both.
func filter(v isa, s size, group string) {
	TEXT("filter"+s.name+group+v.Name, NOSPLIT, "func(a *byte)")
	a := Load(Param("a"), GP64())
	w, u, channels := Field(a, filterW), Field(a, filterU), Field(a, filterC)
	planes := newSteps(Elements(a, filterPlane), s.n)
	columns := newSteps(Elements(a, filterWidth), 3)
	Label("loop")
	TESTQ(channels, channels)
	JZ(LabelRef("done"))
	left := GP64()
	MOVQ(columns.one, left)
	Label("width")
	f := filterRows{isa: v, size: s, columns: columns, planes: planes, w: w, u: GP64()}
	MOVQ(u, f.u)
	if group != "B" {
		f.single(0, "scale0")
		f.next()
	}
	f.pair(group)
	if group != "A" {
		f.next()
		f.single(2, "")
	}
	ADDQ(U32(uint32(v.Bytes())), w)
	ADDQ(U32(uint32(v.Bytes())), u)
	SUBQ(U32(uint32(v.Bytes())), left)
	JNZ(LabelRef("width"))
	LEAQ(Mem{Base: w, Index: columns.one, Scale: 8}, w) // the next channel's windows
	DECQ(channels)
	JMP(LabelRef("loop"))
	Label("done")
	VZEROUPPER()
	RET()
}

// filterRows emits rows of elements of one vector of windows.
type filterRows struct {
	isa
	size
	columns, planes steps
	w, u            reg.GPVirtual // the windows, and the row's first plane
}

// next moves to the next row of elements.
func (f *filterRows) next() {
	if f.size == four {
		LEAQ(Mem{Base: f.u, Index: f.planes.three, Scale: 2}, f.u)
	} else {
		LEAQ(Mem{Base: f.u, Index: f.planes.one, Scale: 4}, f.u)
	}
}

// row returns the address of row i of the windows.
func (f *filterRows) row(i int) reg.GPVirtual {
	at, three := GP64(), GP64()
	MOVQ(f.w, at)
	if i > 0 {
		LEAQ(Mem{Base: f.columns.one, Index: f.columns.one, Scale: 2}, three)
		LEAQ(Mem{Base: at, Index: three, Scale: uint8(i)}, at)
	}
	return at
}

// single computes the row of elements that depends on row i of the windows only.
func (f *filterRows) single(i int, scale string) {
	r, at := f.Vecs(3), f.row(i)
	for j := range r {
		VMOVUPS(f.columns.at(at, j), r[j])
		if scale != "" && f.size == four {
			c := f.constant(scale)
			VMULPS(c, r[j], r[j])
		}
	}
	f.put(r)
}

// pair computes the rows of elements of a point and of its negative.
func (f *filterRows) pair(point string) {
	sum, diff := f.Vecs(3), f.Vecs(3)
	top, middle, bottom := f.row(0), f.row(1), f.row(2)
	for j := range sum {
		odd := f.Vec()
		f.combine(point, f.columns.at(top, j), f.columns.at(middle, j), f.columns.at(bottom, j), diff[j], odd)
		VADDPS(odd, diff[j], sum[j])
		VSUBPS(odd, diff[j], diff[j])
	}
	f.put(sum)
	f.next()
	f.put(diff)
}

// combine sets even and odd to those parts of a row of G, of the named point, times three numbers.
func (f *filterRows) combine(point string, x, y, z Op, even, odd reg.VecVirtual) {
	c := f.constant("even" + point)
	VMULPS(x, c, even)
	c = f.constant("far" + point)
	VFMADD231PS(z, c, even)
	c = f.constant("odd" + point)
	VMULPS(y, c, odd)
}

// put multiplies a row by all rows of G and stores the elements.
func (f *filterRows) put(r []reg.VecVirtual) {
	points := []string{"A", "B"}
	if f.size == two {
		points = []string{""}
	}
	for i, point := range points {
		even, odd, sum := f.Vec(), f.Vec(), f.Vec()
		f.combine(point, r[0], r[1], r[2], even, odd)
		VADDPS(odd, even, sum)
		VSUBPS(odd, even, even)
		VMOVUPS(sum, f.planes.at(f.u, 1+2*i))
		VMOVUPS(even, f.planes.at(f.u, 2+2*i))
	}
	VMOVUPS(r[2], f.planes.at(f.u, f.n-1))
	if f.size == four {
		c, first := f.constant("scale0"), f.Vec()
		VMULPS(c, r[0], first)
		VMOVUPS(first, Mem{Base: f.u})
		return
	}
	VMOVUPS(r[0], Mem{Base: f.u})
}
