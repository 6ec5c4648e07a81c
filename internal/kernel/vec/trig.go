package vec

import "math"

// trigLimit bounds the arguments that the assembly of Sin, Cos and Tan reduces exactly.
const trigLimit = 1 << 20

// circular is apply for a function that is reduced by multiples of pi/2. Blocks with arguments beyond
// trigLimit take the generic loop, which reduces any number.
func circular(op unaryOp, dst, x []float32) {
	x = x[:len(dst)]
	for lo := 0; lo < len(dst); lo += block {
		hi := min(len(dst), lo+block)
		f := active.unary[op]
		if top, low := active.fold[opHighest](x[lo:hi]), active.fold[opLowest](x[lo:hi]); !(top <= trigLimit && low >= -trigLimit) {
			f = generic.unary[op]
		}
		f(dst[lo:hi], x[lo:hi], 0, 0)
	}
}

// Sin sets dst[i] to the sine of x[i].
func Sin(dst, x []float32) { circular(opSin, dst, x) }

// Cos sets dst[i] to the cosine of x[i].
func Cos(dst, x []float32) { circular(opCos, dst, x) }

// Tan sets dst[i] to the tangent of x[i].
func Tan(dst, x []float32) { circular(opTan, dst, x) }

// Atan sets dst[i] to the arc tangent of x[i].
func Atan(dst, x []float32) { apply(opAtan, dst, x, 0, 0) }

// Asin sets dst[i] to the arc sine of x[i]: NaN beyond 1.
func Asin(dst, x []float32) { apply(opAsin, dst, x, 0, 0) }

// Acos sets dst[i] to the arc cosine of x[i]: NaN beyond 1.
func Acos(dst, x []float32) { apply(opAcos, dst, x, 0, 0) }

// Sinh sets dst[i] to the hyperbolic sine of x[i].
func Sinh(dst, x []float32) { apply(opSinh, dst, x, 0, 0) }

// Cosh sets dst[i] to the hyperbolic cosine of x[i].
func Cosh(dst, x []float32) { apply(opCosh, dst, x, 0, 0) }

// Asinh sets dst[i] to the inverse hyperbolic sine of x[i].
func Asinh(dst, x []float32) { apply(opAsinh, dst, x, 0, 0) }

// Acosh sets dst[i] to the inverse hyperbolic cosine of x[i]: NaN below 1.
func Acosh(dst, x []float32) { apply(opAcosh, dst, x, 0, 0) }

// Atanh sets dst[i] to the inverse hyperbolic tangent of x[i]: infinite at 1, NaN beyond.
func Atanh(dst, x []float32) { apply(opAtanh, dst, x, 0, 0) }

// wide64 makes a generic loop of a function of float64.
func wide64(f func(float64) float64) unaryFunc {
	return func(dst, x []float32, _, _ float32) {
		for i := range dst {
			dst[i] = float32(f(float64(x[i])))
		}
	}
}

var (
	sinGo   = wide64(math.Sin)
	cosGo   = wide64(math.Cos)
	tanGo   = wide64(math.Tan)
	atanGo  = wide64(math.Atan)
	asinGo  = wide64(math.Asin)
	acosGo  = wide64(math.Acos)
	sinhGo  = wide64(math.Sinh)
	coshGo  = wide64(math.Cosh)
	asinhGo = wide64(math.Asinh)
	acoshGo = wide64(math.Acosh)
	atanhGo = wide64(math.Atanh)
)
