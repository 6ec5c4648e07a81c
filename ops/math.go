package ops

import (
	"math"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/tensor"
)

// Functions of one input without attributes. Half precision is computed in float32.

// floatKernel binds a function of one float given for both widths.
func floatKernel(k *KernelCtx, f32 func(dst, x []float32), f64 func(dst, x []float64)) (Kernel, error) {
	switch d := k.DType(0); d {
	case tensor.Float32:
		return unary(f32)
	case tensor.Float64:
		return unary(f64)
	case tensor.Float16:
		return unary(vec.Half1[tensor.Float16Bits](f32))
	case tensor.BFloat16:
		return unary(vec.Half1[tensor.BFloat16Bits](f32))
	default:
		return Kernel{}, Unsupported("element type %v", d)
	}
}

// mapped makes a kernel from a function of one number, computed in float64.
func mapped[T vec.Number](f func(float64) float64) func(dst, x []T) {
	return func(dst, x []T) {
		for i, v := range x[:len(dst)] {
			dst[i] = T(f(float64(v)))
		}
	}
}

// floatFunction makes the Kernel function of an operator from its float32 kernel and its definition.
func floatFunction(f32 func(dst, x []float32), f func(float64) float64) func(*KernelCtx) (Kernel, error) {
	f64 := mapped[float64](f)
	if f32 == nil {
		f32 = mapped[float32](f)
	}
	return floatPair(f32, f64)
}

// floatPair makes the Kernel function of an operator from its kernels of both widths.
func floatPair(f32 func(dst, x []float32), f64 func(dst, x []float64)) func(*KernelCtx) (Kernel, error) {
	return func(k *KernelCtx) (Kernel, error) { return floatKernel(k, f32, f64) }
}

// What is one instruction is called by name, since mapped calls a function for each number.

func ceil64(dst, x []float64) {
	for i, v := range x[:len(dst)] {
		dst[i] = math.Ceil(v)
	}
}

func floor64(dst, x []float64) {
	for i, v := range x[:len(dst)] {
		dst[i] = math.Floor(v)
	}
}

func round64(dst, x []float64) {
	for i, v := range x[:len(dst)] {
		dst[i] = math.RoundToEven(v)
	}
}

func sqrt64(dst, x []float64) {
	for i, v := range x[:len(dst)] {
		dst[i] = math.Sqrt(v)
	}
}

var one64 = []float64{1} // not of the call, which would allocate it

func reciprocal64(dst, x []float64) { vec.DivOf(dst, one64, x[:len(dst)]) }

var (
	ceilKernel       = floatPair(vec.Ceil, ceil64)
	floorKernel      = floatPair(vec.Floor, floor64)
	roundKernel      = floatPair(vec.Round, round64)
	sqrtKernel       = floatPair(vec.Sqrt, sqrt64)
	reciprocalKernel = floatPair(vec.Reciprocal, reciprocal64)
	expKernel        = floatFunction(vec.Exp, math.Exp)
	logKernel        = floatFunction(vec.Log, math.Log)
	sinKernel        = floatFunction(vec.Sin, math.Sin)
	cosKernel        = floatFunction(vec.Cos, math.Cos)
	tanKernel        = floatFunction(vec.Tan, math.Tan)
	asinKernel       = floatFunction(vec.Asin, math.Asin)
	acosKernel       = floatFunction(vec.Acos, math.Acos)
	atanKernel       = floatFunction(vec.Atan, math.Atan)
	sinhKernel       = floatFunction(vec.Sinh, math.Sinh)
	coshKernel       = floatFunction(vec.Cosh, math.Cosh)
	asinhKernel      = floatFunction(vec.Asinh, math.Asinh)
	acoshKernel      = floatFunction(vec.Acosh, math.Acosh)
	atanhKernel      = floatFunction(vec.Atanh, math.Atanh)
	tanhKernel       = floatFunction(vec.Tanh, math.Tanh)
)

var (
	sqrtGrad       = unaryGrad(func(g grads, dy, _, y Ref) Ref { return g.div(g.scale(dy, 0.5), y) })
	reciprocalGrad = unaryGrad(func(g grads, dy, _, y Ref) Ref { return g.neg(g.mul(dy, y, y)) })
	expGrad        = unaryGrad(func(g grads, dy, _, y Ref) Ref { return g.mul(dy, y) })
	logGrad        = unaryGrad(func(g grads, dy, x, _ Ref) Ref { return g.div(dy, x) })
	sinGrad        = unaryGrad(func(g grads, dy, x, _ Ref) Ref { return g.mul(dy, g.op("Cos", x)) })
	cosGrad        = unaryGrad(func(g grads, dy, x, _ Ref) Ref { return g.neg(g.mul(dy, g.op("Sin", x))) })
	tanGrad        = unaryGrad(func(g grads, dy, _, y Ref) Ref { return g.add(dy, g.mul(dy, g.mul(y, y))) })
	asinGrad       = unaryGrad(func(g grads, dy, x, _ Ref) Ref { return g.div(dy, g.op("Sqrt", g.oneMinusSquare(x))) })
	acosGrad       = unaryGrad(func(g grads, dy, x, _ Ref) Ref { return g.neg(g.div(dy, g.op("Sqrt", g.oneMinusSquare(x)))) })
	atanGrad       = unaryGrad(func(g grads, dy, x, _ Ref) Ref { return g.div(dy, g.shift(g.mul(x, x), 1)) })
	sinhGrad       = unaryGrad(func(g grads, dy, x, _ Ref) Ref { return g.mul(dy, g.op("Cosh", x)) })
	coshGrad       = unaryGrad(func(g grads, dy, x, _ Ref) Ref { return g.mul(dy, g.op("Sinh", x)) })
	asinhGrad      = unaryGrad(func(g grads, dy, x, _ Ref) Ref { return g.div(dy, g.op("Sqrt", g.shift(g.mul(x, x), 1))) })
	acoshGrad      = unaryGrad(func(g grads, dy, x, _ Ref) Ref { return g.div(dy, g.op("Sqrt", g.mul(g.shift(x, -1), g.shift(x, 1)))) })
	atanhGrad      = unaryGrad(func(g grads, dy, x, _ Ref) Ref { return g.div(dy, g.oneMinusSquare(x)) })
	tanhGrad       = unaryGrad(func(g grads, dy, _, y Ref) Ref { return g.mul(dy, g.oneMinusSquare(y)) })
)

// oneMinusSquare is 1-x*x without cancellation near 1.
func (g grads) oneMinusSquare(x Ref) Ref {
	return g.mul(g.sub(g.num(x, 1), x), g.shift(x, 1))
}

// numFns are the kernels of a one-input operator by element type.
type numFns struct {
	f32 func(dst, x []float32)
	f64 func(dst, x []float64)
	i8  func(dst, x []int8)
	i16 func(dst, x []int16)
	i32 func(dst, x []int32)
	i64 func(dst, x []int64)
	u8  func(dst, x []uint8)
	u16 func(dst, x []uint16)
	u32 func(dst, x []uint32)
	u64 func(dst, x []uint64)
}

func (f *numFns) kernel(k *KernelCtx) (Kernel, error) {
	switch k.DType(0) {
	case tensor.Int8:
		return unary(f.i8)
	case tensor.Int16:
		return unary(f.i16)
	case tensor.Int32:
		return unary(f.i32)
	case tensor.Int64:
		return unary(f.i64)
	case tensor.Uint8:
		return unary(f.u8)
	case tensor.Uint16:
		return unary(f.u16)
	case tensor.Uint32:
		return unary(f.u32)
	case tensor.Uint64:
		return unary(f.u64)
	}
	return floatKernel(k, f.f32, f.f64)
}

// mappedFns are the kernels of a function of one number for double and all integer types, whole for the latter.
func mappedFns(f32 func(dst, x []float32), f, whole func(float64) float64) *numFns {
	return &numFns{f32, mapped[float64](f), mapped[int8](whole), mapped[int16](whole), mapped[int32](whole), mapped[int64](whole),
		mapped[uint8](whole), mapped[uint16](whole), mapped[uint32](whole), mapped[uint64](whole)}
}

// erfWhole is erf of integers: rounded to float32 before the fraction is cut off, so that it is 1 from 4 on.
func erfWhole(v float64) float64 { return float64(float32(math.Erf(v))) }

var (
	absFns = numFns{vec.Abs, vec.AbsOf[float64], vec.AbsOf[int8], vec.AbsOf[int16], vec.AbsOf[int32], vec.AbsOf[int64],
		vec.AbsOf[uint8], vec.AbsOf[uint16], vec.AbsOf[uint32], vec.AbsOf[uint64]}
	negFns = numFns{vec.Neg, vec.NegOf[float64], vec.NegOf[int8], vec.NegOf[int16], vec.NegOf[int32], vec.NegOf[int64],
		vec.NegOf[uint8], vec.NegOf[uint16], vec.NegOf[uint32], vec.NegOf[uint64]}
	signFns = numFns{vec.Sign, vec.SignOf[float64], vec.SignOf[int8], vec.SignOf[int16], vec.SignOf[int32],
		vec.SignOf[int64], vec.SignOf[uint8], vec.SignOf[uint16], vec.SignOf[uint32], vec.SignOf[uint64]}
	erfFns = mappedFns(vec.Erf, math.Erf, erfWhole)
)

func absKernel(k *KernelCtx) (Kernel, error)  { return absFns.kernel(k) }
func negKernel(k *KernelCtx) (Kernel, error)  { return negFns.kernel(k) }
func signKernel(k *KernelCtx) (Kernel, error) { return signFns.kernel(k) }
func erfKernel(k *KernelCtx) (Kernel, error)  { return erfFns.kernel(k) }

var (
	absGrad = unaryGrad(func(g grads, dy, x, _ Ref) Ref { return g.mul(dy, g.op("Sign", x)) })
	negGrad = unaryGrad(func(g grads, dy, _, _ Ref) Ref { return g.neg(dy) })
	erfGrad = unaryGrad(func(g grads, dy, x, _ Ref) Ref {
		return g.mul(g.scale(dy, 2/math.Sqrt(math.Pi)), g.op("Exp", g.neg(g.mul(x, x))))
	})
)

func absInfer(c *InferCtx) error {
	err := unaryInfer(c)
	follow(c, 1, func(x []Dim) (Dim, bool) { return x[0], x[0].NonNegative() })
	return err
}

func negInfer(c *InferCtx) error {
	err := unaryInfer(c)
	follow(c, 1, func(x []Dim) (Dim, bool) { return x[0].Neg(), true })
	return err
}

// IsNaN and IsInf take 8-bit floats too since version 20.

func isNaNKernel(k *KernelCtx) (Kernel, error) {
	return classifyKernel(k, vec.IsNaN[float32], vec.IsNaN[float64])
}

func isInfKernel(k *KernelCtx) (Kernel, error) {
	pos, neg := k.Bool("detect_positive"), k.Bool("detect_negative")
	return classifyKernel(k, func(dst []bool, x []float32) { vec.IsInf(dst, x, pos, neg) },
		func(dst []bool, x []float64) { vec.IsInf(dst, x, pos, neg) })
}

func classifyKernel(k *KernelCtx, f32 func(dst []bool, x []float32), f64 func(dst []bool, x []float64)) (Kernel, error) {
	switch d := k.DType(0); d {
	case tensor.Float32:
		return unary(f32)
	case tensor.Float64:
		return unary(f64)
	case tensor.Float16:
		return unary(classifySmall[tensor.Float16Bits](f32))
	case tensor.BFloat16:
		return unary(classifySmall[tensor.BFloat16Bits](f32))
	case tensor.Float8E4M3FN:
		return unary(classifySmall[tensor.Float8E4M3FNBits](f32))
	case tensor.Float8E4M3FNUZ:
		return unary(classifySmall[tensor.Float8E4M3FNUZBits](f32))
	case tensor.Float8E5M2:
		return unary(classifySmall[tensor.Float8E5M2Bits](f32))
	case tensor.Float8E5M2FNUZ:
		return unary(classifySmall[tensor.Float8E5M2FNUZBits](f32))
	default:
		return Kernel{}, Unsupported("element type %v", d)
	}
}

// floatBlocks holds blocks of float32 for kernels that compute by way of them: *[floatBlock]float32.
var floatBlocks = sync.Pool{New: func() any { return new([floatBlock]float32) }}

const floatBlock = 512

func classifySmall[T interface{ Float32() float32 }](f func(dst []bool, x []float32)) func(dst []bool, x []T) {
	return func(dst []bool, x []T) {
		buf := floatBlocks.Get().(*[floatBlock]float32)
		defer floatBlocks.Put(buf)
		for lo := 0; lo < len(dst); lo += floatBlock {
			n := min(floatBlock, len(dst)-lo)
			for i, v := range x[lo : lo+n] {
				buf[i] = v.Float32()
			}
			f(dst[lo:lo+n], buf[:n])
		}
	}
}
