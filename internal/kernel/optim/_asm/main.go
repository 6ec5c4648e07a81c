// Command _asm writes zoptim_amd64.s and zstubs_amd64.go of package optim. Run it through go generate in
// the package's folder.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("amd64,!purego")
	step("sgdAVX2", 0, 3, sgd)
	step("momentumAVX2", 1, 7, momentum)
	step("adamAVX2", 2, 9, func(s *stepper) { s.adam(false) })
	step("amsgradAVX2", 3, 9, func(s *stepper) { s.adam(true) })
	step("adagradAVX2", 1, 5, adagrad)
	step("rmspropAVX2", 2, 7, rmsprop)
	step("centeredAVX2", 3, 7, centered)
	step("lionAVX2", 1, 7, lion)
	sumSquares()
	Generate()
}

// A stepper holds the vectors of one round. The first coefficients are the rate, L2 and Shrink.
type stepper struct {
	c     []reg.VecVirtual // coefficients
	w     reg.VecVirtual
	d     reg.VecVirtual // the gradient with L2*w
	state []reg.VecVirtual
}

// step emits a routine over vectors of 8 elements: see stepFunc. body moves s.w and s.state.
func step(name string, states, coeffs int, body func(s *stepper)) {
	TEXT(name, NOSPLIT, "func(w, grad, s0, s1, s2 *float32, n int, c *[9]float32)")
	Pragma("noescape")
	pointers := []reg.Register{Load(Param("w"), GP64()), Load(Param("grad"), GP64())}
	for _, s := range []string{"s0", "s1", "s2"}[:states] {
		pointers = append(pointers, Load(Param(s), GP64()))
	}
	n := Load(Param("n"), GP64())
	from := Load(Param("c"), GP64())
	s := &stepper{}
	for i := range coeffs {
		r := YMM()
		VBROADCASTSS(Mem{Base: from, Disp: 4 * i}, r)
		s.c = append(s.c, r)
	}
	Label("loop")
	TESTQ(n, n)
	JE(LabelRef("done"))
	load := func(p reg.Register) reg.VecVirtual {
		r := YMM()
		VMOVUPS(Mem{Base: p}, r)
		return r
	}
	s.w, s.state = load(pointers[0]), nil
	s.d = add(load(pointers[1]), mul(s.c[1], s.w))
	for _, p := range pointers[2:] {
		s.state = append(s.state, load(p))
	}
	body(s)
	VMOVUPS(s.w, Mem{Base: pointers[0]})
	for i, v := range s.state {
		VMOVUPS(v, Mem{Base: pointers[2+i]})
	}
	for _, p := range pointers {
		ADDQ(U8(32), p)
	}
	SUBQ(U8(8), n)
	JMP(LabelRef("loop"))
	Label("done")
	VZEROUPPER()
	RET()
}

type instruction func(ops ...Op)

func binary(f instruction, a, b reg.VecVirtual) reg.VecVirtual {
	r := YMM()
	f(b, a, r)
	return r
}

func mul(a, b reg.VecVirtual) reg.VecVirtual { return binary(VMULPS, a, b) }
func add(a, b reg.VecVirtual) reg.VecVirtual { return binary(VADDPS, a, b) }
func sub(a, b reg.VecVirtual) reg.VecVirtual { return binary(VSUBPS, a, b) }
func div(a, b reg.VecVirtual) reg.VecVirtual { return binary(VDIVPS, a, b) }

func root(a reg.VecVirtual) reg.VecVirtual {
	r := YMM()
	VSQRTPS(a, r)
	return r
}

// move sets w to Shrink*w - by.
func (s *stepper) move(by reg.VecVirtual) { s.w = sub(mul(s.c[2], s.w), by) }

// blend is a*x + b*y.
func blend(a, x, b, y reg.VecVirtual) reg.VecVirtual { return add(mul(a, x), mul(b, y)) }

func sgd(s *stepper) { s.move(mul(s.c[0], s.d)) }

// momentum has the coefficients keep, take, and those of d and of the buffer in the step.
func momentum(s *stepper) {
	s.state[0] = blend(s.c[3], s.state[0], s.c[4], s.d)
	s.move(mul(s.c[0], blend(s.c[5], s.d, s.c[6], s.state[0])))
}

// adam has the coefficients b1, 1-b1, b2, 1-b2, root and eps.
func (s *stepper) adam(peak bool) {
	s.state[0] = blend(s.c[3], s.state[0], s.c[4], s.d)
	s.state[1] = add(mul(s.c[5], s.state[1]), mul(mul(s.c[6], s.d), s.d))
	second := s.state[1]
	if peak {
		s.state[2] = binary(VMAXPS, s.state[2], second)
		second = s.state[2]
	}
	s.move(div(mul(s.c[0], s.state[0]), add(mul(s.c[7], root(second)), s.c[8])))
}

// adagrad has the coefficients eps and initial.
func adagrad(s *stepper) {
	s.state[0] = add(s.state[0], mul(s.d, s.d))
	s.move(div(mul(s.c[0], s.d), add(root(add(s.state[0], s.c[4])), s.c[3])))
}

// rmsprop has the coefficients eps, alpha, 1-alpha and keep, and the states square and buffer.
func rmsprop(s *stepper) {
	s.state[0] = add(mul(s.c[4], s.state[0]), mul(mul(s.c[5], s.d), s.d))
	s.state[1] = add(mul(s.c[6], s.state[1]), div(s.d, add(root(s.state[0]), s.c[3])))
	s.move(mul(s.c[0], s.state[1]))
}

// centered is rmsprop with the states square, mean and buffer.
func centered(s *stepper) {
	s.state[0] = add(mul(s.c[4], s.state[0]), mul(mul(s.c[5], s.d), s.d))
	s.state[1] = blend(s.c[4], s.state[1], s.c[5], s.d)
	zero := YMM()
	VXORPS(zero, zero, zero)
	variance := binary(VMAXPS, zero, sub(s.state[0], mul(s.state[1], s.state[1]))) // NaN stays NaN
	s.state[2] = add(mul(s.c[6], s.state[2]), div(s.d, add(root(variance), s.c[3])))
	s.move(mul(s.c[0], s.state[2]))
}

// lion has the coefficients b1, 1-b1, b2 and 1-b2.
func lion(s *stepper) {
	towards := blend(s.c[3], s.state[0], s.c[4], s.d)
	s.state[0] = blend(s.c[5], s.state[0], s.c[6], s.d)
	sign, zero, nonzero, by := YMM(), YMM(), YMM(), YMM()
	VPCMPEQD(sign, sign, sign)
	VPSLLD(U8(31), sign, sign)
	VXORPS(zero, zero, zero)
	VCMPPS(U8(4), zero, towards, nonzero) // not equal, or unordered
	VANDPS(sign, towards, by)
	VORPS(s.c[0], by, by)
	VANDPS(nonzero, by, by)
	s.move(by)
}

// sumSquares emits the routine of sumFunc.
func sumSquares() {
	TEXT("sumSquaresAVX2", NOSPLIT, "func(x *float32, n int, lanes *[8]float64)")
	Pragma("noescape")
	x, n, lanes := Load(Param("x"), GP64()), Load(Param("n"), GP64()), Load(Param("lanes"), GP64())
	sums := []reg.VecVirtual{YMM(), YMM()}
	for _, s := range sums {
		VXORPD(s, s, s)
	}
	Label("loop")
	TESTQ(n, n)
	JE(LabelRef("done"))
	for i, s := range sums {
		v := YMM()
		VCVTPS2PD(Mem{Base: x, Disp: 16 * i}, v)
		VMULPD(v, v, v)
		VADDPD(v, s, s)
	}
	ADDQ(U8(32), x)
	SUBQ(U8(8), n)
	JMP(LabelRef("loop"))
	Label("done")
	for i, s := range sums {
		VMOVUPD(s, Mem{Base: lanes, Disp: 32 * i})
	}
	VZEROUPPER()
	RET()
}
