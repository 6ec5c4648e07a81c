package vec

// A unaryOp names a float32 kernel with one input and up to two parameters.
type unaryOp uint8

const (
	opExp unaryOp = iota
	opExpTerm
	opLog
	opTanh
	opSigmoid
	opErf
	opGelu
	opGeluTanh
	opSilu
	opSoftplus
	opMish
	opHardSwish
	opHardSigmoid
	opRelu
	opLeakyRelu
	opElu
	opClip
	opNeg
	opAbs
	opSqrt
	opReciprocal
	opFloor
	opCeil
	opRound
	opScaleShift
	opAxpy
	opCube
	opSub2
	opSin
	opCos
	opTan
	opAtan
	opAsin
	opAcos
	opSinh
	opCosh
	opAsinh
	opAcosh
	opAtanh
	opSoftsign
	opSign
	opThresholdedRelu
	opShrink
	numUnary
)

// block is the number of elements one kernel call may take: it bounds the time during which the
// goroutine can not be preempted.
const block = 1 << 15

// apply runs a one-input kernel over x in blocks.
func apply(op unaryOp, dst, x []float32, a, b float32) {
	x = x[:len(dst)]
	f := active.unary[op]
	for len(dst) > block {
		f(dst[:block], x[:block], a, b)
		dst, x = dst[block:], x[block:]
	}
	if len(dst) > 0 {
		f(dst, x, a, b)
	}
}

// Exp sets dst[i] = e**x[i]. Subnormal results are exact to rounding, overflow gives +Inf.
func Exp(dst, x []float32) { apply(opExp, dst, x, 0, 0) }

// ExpTerm sets dst[i] = e**x[i] for the sum of a softmax: x[i] is a difference that is at most 0. Results below leastTerm are 0.
func ExpTerm(dst, x []float32) { apply(opExpTerm, dst, x, 0, 0) }

// Log sets dst[i] to the natural logarithm of x[i]: NaN below zero, -Inf at zero.
func Log(dst, x []float32) { apply(opLog, dst, x, 0, 0) }

// Tanh sets dst[i] to the hyperbolic tangent of x[i].
func Tanh(dst, x []float32) { apply(opTanh, dst, x, 0, 0) }

// Sigmoid sets dst[i] = 1 / (1 + exp(-x[i])).
func Sigmoid(dst, x []float32) { apply(opSigmoid, dst, x, 0, 0) }

// Erf sets dst[i] to the error function of x[i].
func Erf(dst, x []float32) { apply(opErf, dst, x, 0, 0) }

// Gelu sets dst[i] = x/2 * (1 + erf(x/sqrt(2))).
func Gelu(dst, x []float32) { apply(opGelu, dst, x, 0, 0) }

// GeluTanh sets dst[i] to the tanh approximation of Gelu: x/2 * (1 + tanh(sqrt(2/pi) * (x + 0.044715 x**3))).
func GeluTanh(dst, x []float32) { apply(opGeluTanh, dst, x, 0, 0) }

// Silu sets dst[i] = x * sigmoid(x), which is 0 from siluEnd below zero on.
func Silu(dst, x []float32) { apply(opSilu, dst, x, 1, 0) }

// Swish sets dst[i] = x * sigmoid(alpha*x), which is 0 where alpha*x is siluEnd or more below zero.
func Swish(dst, x []float32, alpha float32) { apply(opSilu, dst, x, alpha, 0) }

// Softplus sets dst[i] = log(1 + exp(x)).
func Softplus(dst, x []float32) { apply(opSoftplus, dst, x, 0, 0) }

// Mish sets dst[i] = x * tanh(log(1 + exp(x))).
func Mish(dst, x []float32) { apply(opMish, dst, x, 0, 0) }

// HardSwish sets dst[i] = x * max(0, min(1, x/6 + 1/2)).
func HardSwish(dst, x []float32) { apply(opHardSwish, dst, x, 0, 0) }

// HardSigmoid sets dst[i] = max(0, min(1, alpha*x + beta)).
func HardSigmoid(dst, x []float32, alpha, beta float32) { apply(opHardSigmoid, dst, x, alpha, beta) }

// Relu sets dst[i] = max(0, x[i]) and keeps NaN.
func Relu(dst, x []float32) { apply(opRelu, dst, x, 0, 0) }

// LeakyRelu sets dst[i] = x[i], times alpha where x[i] is negative.
func LeakyRelu(dst, x []float32, alpha float32) { apply(opLeakyRelu, dst, x, alpha, 0) }

// Elu sets dst[i] = x[i], or alpha*(exp(x[i])-1) where x[i] is negative.
func Elu(dst, x []float32, alpha float32) { apply(opElu, dst, x, alpha, 0) }

// Clip sets dst[i] = min(max(x[i], lo), hi) and keeps NaN. If lo > hi the result is hi.
func Clip(dst, x []float32, lo, hi float32) { apply(opClip, dst, x, lo, hi) }

// Neg sets dst[i] = -x[i].
func Neg(dst, x []float32) { apply(opNeg, dst, x, 0, 0) }

// Abs sets dst[i] to the absolute value of x[i].
func Abs(dst, x []float32) { apply(opAbs, dst, x, 0, 0) }

// Sqrt sets dst[i] to the square root of x[i].
func Sqrt(dst, x []float32) { apply(opSqrt, dst, x, 0, 0) }

// Reciprocal sets dst[i] = 1 / x[i].
func Reciprocal(dst, x []float32) { apply(opReciprocal, dst, x, 0, 0) }

// Floor sets dst[i] to the largest integer not above x[i].
func Floor(dst, x []float32) { apply(opFloor, dst, x, 0, 0) }

// Ceil sets dst[i] to the smallest integer not below x[i].
func Ceil(dst, x []float32) { apply(opCeil, dst, x, 0, 0) }

// Round sets dst[i] to the integer nearest to x[i], halves to even.
func Round(dst, x []float32) { apply(opRound, dst, x, 0, 0) }

// Softsign sets dst[i] = x[i] / (1 + |x[i]|).
func Softsign(dst, x []float32) { apply(opSoftsign, dst, x, 0, 0) }

// Sign sets dst[i] to -1, 0 or 1 like x[i], and keeps NaN.
func Sign(dst, x []float32) { apply(opSign, dst, x, 0, 0) }

// ThresholdedRelu sets dst[i] = x[i] where that is above alpha, and 0 elsewhere.
func ThresholdedRelu(dst, x []float32, alpha float32) { apply(opThresholdedRelu, dst, x, alpha, 0) }

// Shrink moves what is beyond lambd in size by bias towards zero and makes the rest zero.
func Shrink(dst, x []float32, lambd, bias float32) { apply(opShrink, dst, x, lambd, bias) }

// Sub2 sets dst[i] = (x[i] - a) - b.
func Sub2(dst, x []float32, a, b float32) { apply(opSub2, dst, x, a, b) }

// ScaleShift sets dst[i] = x[i]*scale + shift.
func ScaleShift(dst, x []float32, scale, shift float32) { apply(opScaleShift, dst, x, scale, shift) }
