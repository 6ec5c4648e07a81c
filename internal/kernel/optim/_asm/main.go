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
	sizes, leasts = constant("sizes", 1<<31-1), constant("leasts", 1<<23)
	step("sgdAVX2", 0, 3, sgd)
	step("momentumAVX2", 1, 7, momentum)
	step("adamAVX2", 2, 9, func(s *stepper) { s.adam(false) })
	step("amsgradAVX2", 3, 9, func(s *stepper) { s.adam(true) })
	step("adagradAVX2", 1, 5, adagrad)
	step("rmspropAVX2", 2, 7, rmsprop)
	step("centeredAVX2", 3, 7, centered)
	step("lionAVX2", 1, 7, lion)
	loop("approachAVX2", 0, 0, approach)
	loop("addScaledAVX2", 0, 0, addScaled)
	sumSquares()
	Generate()
}

// sizes masks the signs, leasts are the least normal numbers.
var sizes, leasts Mem

// scale is the index of the coefficient that the gradient is multiplied by.
const scale = 9

// A stepper emits one round. The first coefficients are the rate, L2 and Shrink.
type stepper struct {
	c        []reg.VecVirtual // coefficients
	d        reg.VecVirtual   // the scaled gradient with L2*w
	pointers []reg.Register   // to the parameter, its gradient and the states
}

// step emits a routine over vectors of 8 elements: see stepFunc. body stores the states and the parameter.
func step(name string, states, coeffs int, body func(s *stepper)) {
	loop(name, states, coeffs, func(s *stepper) {
		s.d = mul(s.c[coeffs], s.vector(1))
		s.d = add(s.d, mul(s.c[1], s.vector(0)))
		body(s)
	})
}

// loop emits a routine that has the given coefficients and the scale in registers.
func loop(name string, states, coeffs int, body func(s *stepper)) {
	TEXT(name, NOSPLIT, "func(w, grad, s0, s1, s2 *float32, n int, c [10]float32)")
	Pragma("noescape")
	s := &stepper{}
	for _, p := range []string{"w", "grad", "s0", "s1", "s2"}[:2+states] {
		s.pointers = append(s.pointers, Load(Param(p), GP64()))
	}
	n := Load(Param("n"), GP64())
	for i := range coeffs + 1 {
		if i == coeffs {
			i = scale
		}
		from, err := Param("c").Index(i).Resolve()
		if err != nil {
			panic(err)
		}
		r := YMM()
		VBROADCASTSS(from.Addr, r)
		s.c = append(s.c, r)
	}
	Label("loop")
	TESTQ(n, n)
	JE(LabelRef("done"))
	body(s)
	for _, p := range s.pointers {
		ADDQ(U8(32), p)
	}
	SUBQ(U8(8), n)
	JMP(LabelRef("loop"))
	Label("done")
	VZEROUPPER()
	RET()
}

// vector loads the vector of a pointer.
func (s *stepper) vector(i int) reg.VecVirtual {
	r := YMM()
	VMOVUPS(Mem{Base: s.pointers[i]}, r)
	return r
}

// state loads a state.
func (s *stepper) state(k int) reg.VecVirtual { return s.vector(2 + k) }

// settle makes elements below the normal range zero. NaN stays.
func settle(v reg.VecVirtual) reg.VecVirtual {
	size, normal, r := YMM(), YMM(), YMM()
	VANDPS(sizes, v, size)
	VCMPPS(U8(5), leasts, size, normal) // not less
	VANDPS(normal, v, r)
	return r
}

// constant puts eight times a number of 32 bits into the data.
func constant(name string, bits uint32) Mem {
	m := GLOBL(name, RODATA|NOPTR)
	for i := range 8 {
		DATA(4*i, U32(bits))
	}
	return m
}

// keep stores a state.
func (s *stepper) keep(k int, v reg.VecVirtual) reg.VecVirtual {
	v = settle(v)
	VMOVUPS(v, Mem{Base: s.pointers[2+k]})
	return v
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
func (s *stepper) move(by reg.VecVirtual) {
	VMOVUPS(sub(mul(s.c[2], s.vector(0)), by), Mem{Base: s.pointers[0]})
}

// blend is a*x + b*y.
func blend(a, x, b, y reg.VecVirtual) reg.VecVirtual { return add(mul(a, x), mul(b, y)) }

func sgd(s *stepper) { s.move(mul(s.c[0], s.d)) }

// momentum has the coefficients keep, take, and those of d and of the buffer in the step.
func momentum(s *stepper) {
	b := s.keep(0, blend(s.c[3], s.state(0), s.c[4], s.d))
	s.move(mul(s.c[0], blend(s.c[5], s.d, s.c[6], b)))
}

// adam has the coefficients b1, 1-b1, b2, 1-b2, root and eps.
func (s *stepper) adam(peak bool) {
	first := s.keep(0, blend(s.c[3], s.state(0), s.c[4], s.d))
	second := s.keep(1, add(mul(s.c[5], s.state(1)), mul(mul(s.c[6], s.d), s.d)))
	if peak {
		second = s.keep(2, binary(VMAXPS, s.state(2), second))
	}
	s.move(div(mul(s.c[0], first), add(mul(s.c[7], root(second)), s.c[8])))
}

// adagrad has the coefficients eps and initial.
func adagrad(s *stepper) {
	sum := s.keep(0, add(s.state(0), mul(s.d, s.d)))
	s.move(div(mul(s.c[0], s.d), add(root(add(sum, s.c[4])), s.c[3])))
}

// rmsprop has the coefficients eps, alpha, 1-alpha and keep, and the states square and buffer.
func rmsprop(s *stepper) {
	square := s.keep(0, add(mul(s.c[4], s.state(0)), mul(mul(s.c[5], s.d), s.d)))
	b := s.keep(1, add(mul(s.c[6], s.state(1)), div(s.d, add(root(square), s.c[3]))))
	s.move(mul(s.c[0], b))
}

// centered is rmsprop with the states square, mean and buffer.
func centered(s *stepper) {
	square := s.keep(0, add(mul(s.c[4], s.state(0)), mul(mul(s.c[5], s.d), s.d)))
	mean := s.keep(1, blend(s.c[4], s.state(1), s.c[5], s.d))
	zero := YMM()
	VXORPS(zero, zero, zero)
	variance := binary(VMAXPS, zero, sub(square, mul(mean, mean))) // NaN stays NaN
	b := s.keep(2, add(mul(s.c[6], s.state(2)), div(s.d, add(root(variance), s.c[3]))))
	s.move(mul(s.c[0], b))
}

// lion has the coefficients b1, 1-b1, b2 and 1-b2.
func lion(s *stepper) {
	m := s.state(0)
	towards := blend(s.c[3], m, s.c[4], s.d)
	s.keep(0, blend(s.c[5], m, s.c[6], s.d))
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

// approach moves w the share scale of the way to the vector in the place of the gradient.
func approach(s *stepper) {
	w := s.vector(0)
	VMOVUPS(settle(add(w, mul(s.c[0], sub(s.vector(1), w)))), Mem{Base: s.pointers[0]})
}

// addScaled adds the gradient times scale to w.
func addScaled(s *stepper) {
	VMOVUPS(add(s.vector(0), mul(s.c[0], s.vector(1))), Mem{Base: s.pointers[0]})
}

// sumSquares emits the routine of sumFunc.
func sumSquares() {
	TEXT("sumSquaresAVX2", NOSPLIT, "func(x *float32, n int) (lanes [8]float64)")
	Pragma("noescape")
	x, n := Load(Param("x"), GP64()), Load(Param("n"), GP64())
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
		to, err := Return("lanes").Index(4 * i).Resolve()
		if err != nil {
			panic(err)
		}
		VMOVUPD(s, to.Addr)
	}
	VZEROUPPER()
	RET()
}
