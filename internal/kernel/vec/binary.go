package vec

// A binaryOp names a float32 kernel with two inputs.
type binaryOp uint8

const (
	opAdd binaryOp = iota
	opSub
	opMul
	opDiv
	opMax
	opMin
	opAddRelu
	opAddGelu
	opAddGeluTanh
	opGeluGrad
	opGeluTanhGrad
	opMulAcc
	opPrelu
	opAddInt
	opSubInt
	opMulInt
	opAndBits
	opOrBits
	opXorBits
	numBinary
)

// pair runs a two-input kernel in blocks. Scalars become one-element slices of the block calls.
func pair(op binaryOp, dst, a, b []float32) {
	ma, mb := spread(len(a), len(dst)), spread(len(b), len(dst))
	if len(dst) == 0 {
		return
	}
	f := active.binary[op]
	if ma == 0 && mb == 0 { // the block kernels take one scalar at most
		pairOfScalars(f, op == opMulAcc, dst, a, b)
		return
	}
	for lo := 0; lo < len(dst); lo += block {
		n := min(block, len(dst)-lo)
		pa, pb := a, b
		if ma != 0 {
			pa = a[lo : lo+n]
		}
		if mb != 0 {
			pb = b[lo : lo+n]
		}
		f(dst[lo:lo+n], pa, pb)
	}
}

// pairOfScalars runs a kernel on two scalars; one that accumulates sees every element of dst.
func pairOfScalars(f binaryFunc, accumulates bool, dst, a, b []float32) {
	if !accumulates {
		f(dst[:1], a, b)
		Fill(dst[1:], dst[0])
		return
	}
	for i := range dst {
		f(dst[i:i+1], a, b)
	}
}

// Add sets dst[i] = a[i] + b[i].
func Add(dst, a, b []float32) { pair(opAdd, dst, a, b) }

// Sub sets dst[i] = a[i] - b[i].
func Sub(dst, a, b []float32) { pair(opSub, dst, a, b) }

// Mul sets dst[i] = a[i] * b[i].
func Mul(dst, a, b []float32) { pair(opMul, dst, a, b) }

// Div sets dst[i] = a[i] / b[i].
func Div(dst, a, b []float32) { pair(opDiv, dst, a, b) }

// Max sets dst[i] to the larger of a[i] and b[i], and to NaN if either is NaN.
func Max(dst, a, b []float32) { pair(opMax, dst, a, b) }

// Min sets dst[i] to the smaller of a[i] and b[i], and to NaN if either is NaN.
func Min(dst, a, b []float32) { pair(opMin, dst, a, b) }

// AddRelu sets dst[i] = max(0, a[i] + b[i]) and keeps NaN.
func AddRelu(dst, a, b []float32) { pair(opAddRelu, dst, a, b) }

// AddGelu sets dst[i] to Gelu of a[i] + b[i].
func AddGelu(dst, a, b []float32) { pair(opAddGelu, dst, a, b) }

// AddGeluTanh sets dst[i] to GeluTanh of a[i] + b[i].
func AddGeluTanh(dst, a, b []float32) { pair(opAddGeluTanh, dst, a, b) }

// GeluGrad sets dst[i] to dy[i] times the gradient of Gelu at x[i].
func GeluGrad(dst, x, dy []float32) { pair(opGeluGrad, dst, x, dy) }

// GeluTanhGrad sets dst[i] to dy[i] times the gradient of GeluTanh at x[i].
func GeluTanhGrad(dst, x, dy []float32) { pair(opGeluTanhGrad, dst, x, dy) }

// Prelu sets dst[i] = a[i], times slope[i] where a[i] is negative.
func Prelu(dst, a, slope []float32) { pair(opPrelu, dst, a, slope) }

// MulAcc adds a[i] * b[i] to dst[i] with one or two roundings, as the processor has it.
func MulAcc(dst, a, b []float32) { pair(opMulAcc, dst, a, b) }

// Axpy adds s * x[i] to dst[i].
func Axpy(dst []float32, s float32, x []float32) { apply(opAxpy, dst, x, s, 0) }

// Word is the set of integer types of 32 bits, which the kernels that do not care for signs take.
type Word interface{ int32 | uint32 }

// AddWord sets dst[i] = a[i] + b[i].
func AddWord[T Word](dst, a, b []T) { pair(opAddInt, asLanes(dst), asLanes(a), asLanes(b)) }

// SubWord sets dst[i] = a[i] - b[i].
func SubWord[T Word](dst, a, b []T) { pair(opSubInt, asLanes(dst), asLanes(a), asLanes(b)) }

// MulWord sets dst[i] = a[i] * b[i].
func MulWord[T Word](dst, a, b []T) { pair(opMulInt, asLanes(dst), asLanes(a), asLanes(b)) }
