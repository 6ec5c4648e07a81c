package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

const (
	pointA  = 0.625
	pointB  = 1.5
	squareA = pointA * pointA
	squareB = pointB * pointB
	scale0  = 1 / (squareA * squareB)
	scaleA  = 1 / (2 * squareA * (squareA - squareB))
	scaleB  = 1 / (2 * squareB * (squareB - squareA))

	pointC  = 0.75
	pointD  = 1.5
	squareC = pointC * pointC
	squareD = pointD * pointD
	cubeD   = pointD * squareD
	pair0   = 1 / (squareC * pointD)
	pair1   = 1 / (2 * squareC * (pointC - pointD))
	pair2   = -1 / (2 * squareC * (pointC + pointD))
	pair3   = 1 / (pointD * (squareD - squareC))
)

// size is a size of tile: m outputs, n inputs and elements along each axis.
type size struct {
	m, n int
	name string
}

var (
	four = size{4, 6, "4"}
	two  = size{2, 4, "2"}
	pair = size{4, 5, "Pair"} // of windows of 2×2
)

// points are the registers that hold the constants of a size; the 2×2 tile needs none.
type points struct{ a, b, a2, b2, b3 reg.VecVirtual }

func (s size) points(v isa) points {
	switch s {
	case two:
		return points{}
	case pair:
		return points{v.constant("pointC"), v.constant("pointD"), v.constant("squareC"), v.constant("squareD"), v.constant("cubeD")}
	}
	return points{a: v.constant("pointA"), b: v.constant("pointB"), a2: v.constant("squareA"), b2: v.constant("squareB")}
}

// enter multiplies d by Bᵀ and returns the registers of the elements.
func (s size) enter(v isa, p points, d []reg.VecVirtual) []reg.VecVirtual {
	if s == pair {
		return enterPair(v, p, d)
	}
	if s == two {
		t := v.Vec()
		VADDPS(d[1], d[2], t)
		VSUBPS(d[2], d[0], d[0])
		VSUBPS(d[1], d[2], d[2])
		VSUBPS(d[1], d[3], d[3])
		return []reg.VecVirtual{d[0], t, d[2], d[3]}
	}
	t, u := v.Vec(), v.Vec()
	VMOVAPS(d[1], t)
	VFNMADD213PS(d[3], p.b2, t)    // t = d3 - b²d1
	VFNMADD213PS(d[3], p.a2, d[1]) // d1 = d3 - a²d1
	VFNMADD213PS(d[2], p.b2, d[0]) // d0 = d2 - b²d0
	VMOVAPS(d[2], u)
	VFNMADD213PS(d[4], p.b2, u)    // u = d4 - b²d2
	VFNMADD213PS(d[4], p.a2, d[2]) // d2 = d4 - a²d2
	VFNMADD213PS(u, p.a2, d[0])
	VFNMADD231PS(d[3], p.b2, d[5])
	VFNMADD231PS(t, p.a2, d[5])
	VMOVAPS(u, d[3])
	VFMADD231PS(t, p.a, d[3])
	VFNMADD231PS(t, p.a, u)
	VMOVAPS(d[2], d[4])
	VFMADD231PS(d[1], p.b, d[4])
	VFNMADD231PS(d[1], p.b, d[2])
	return []reg.VecVirtual{d[0], d[3], u, d[4], d[2], d[5]}
}

// leave multiplies the elements by Aᵀ. Elements 0 and n-1 are operands that need not be registers.
func (s size) leave(v isa, p points, first, last Op, d []reg.VecVirtual) []reg.VecVirtual {
	if s == pair {
		return leavePair(v, p, first, last, d)
	}
	if s == two {
		y := v.Vecs(2)
		VADDPS(d[0], d[1], y[0])
		VADDPS(first, y[0], y[0])
		VSUBPS(d[1], d[0], y[1])
		VADDPS(last, y[1], y[1])
		return y
	}
	q, y0 := v.Vec(), v.Vec()
	VSUBPS(d[1], d[0], q)
	VADDPS(d[1], d[0], d[0]) // p = m1+m2
	VSUBPS(d[3], d[2], d[1])
	VADDPS(d[3], d[2], d[2]) // r = m3+m4
	VMULPS(p.a, q, q)        // q = a(m1-m2)
	VMULPS(p.b, d[1], d[1])  // s = b(m3-m4)
	VADDPS(d[0], d[2], y0)
	VADDPS(first, y0, y0)
	VADDPS(q, d[1], d[3])
	VMULPS(p.a2, d[0], d[0])
	VFMADD231PS(p.b2, d[2], d[0])
	VMULPS(p.a2, q, q)
	VFMADD231PS(p.b2, d[1], q)
	VADDPS(last, q, q)
	return []reg.VecVirtual{y0, d[3], d[0], q}
}
