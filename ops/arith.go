package ops

import (
	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/tensor"
)

// Add, Sub, Mul and Div broadcast both inputs since version 7; before, the second input was aligned with
// an axis of the first (see legacy). Integers wrap around, their quotients truncate. Mod has the sign of the
// divisor, or with fmod that of the dividend.

var (
	addInfer = arithInfer(exprAdd)
	subInfer = arithInfer(exprSub)
	mulInfer = arithInfer(exprMul)
	divInfer = arithInfer(exprDiv)
)

func modInfer(c *InferCtx) error {
	if err := binaryInfer(c); err != nil {
		return err
	}
	if !c.Bool("fmod") {
		follow(c, 2, exprMod)
	}
	return nil
}

// arithFns are the kernels of a two-input operator by element type. Half precision is computed in float32.
type arithFns struct {
	f32 func(dst, a, b []float32)
	f64 func(dst, a, b []float64)
	i8  func(dst, a, b []int8)
	i16 func(dst, a, b []int16)
	i32 func(dst, a, b []int32)
	i64 func(dst, a, b []int64)
	u8  func(dst, a, b []uint8)
	u16 func(dst, a, b []uint16)
	u32 func(dst, a, b []uint32)
	u64 func(dst, a, b []uint64)
}

func (f *arithFns) kernel(k *KernelCtx) (Kernel, error) {
	switch d := k.DType(0); d {
	case tensor.Float32:
		return binary(f.f32)
	case tensor.Float64:
		return binary(f.f64)
	case tensor.Float16:
		return binary(vec.Half2[tensor.Float16Bits](f.f32))
	case tensor.BFloat16:
		return binary(vec.Half2[tensor.BFloat16Bits](f.f32))
	case tensor.Int8:
		return binary(f.i8)
	case tensor.Int16:
		return binary(f.i16)
	case tensor.Int32:
		return binary(f.i32)
	case tensor.Int64:
		return binary(f.i64)
	case tensor.Uint8:
		return binary(f.u8)
	case tensor.Uint16:
		return binary(f.u16)
	case tensor.Uint32:
		return binary(f.u32)
	case tensor.Uint64:
		return binary(f.u64)
	default:
		return Kernel{}, Unsupported("element type %v", d)
	}
}

var (
	addFns = arithFns{vec.Add, vec.AddOf[float64], vec.AddOf[int8], vec.AddOf[int16], vec.AddWord[int32], vec.AddOf[int64],
		vec.AddOf[uint8], vec.AddOf[uint16], vec.AddWord[uint32], vec.AddOf[uint64]}
	subFns = arithFns{vec.Sub, vec.SubOf[float64], vec.SubOf[int8], vec.SubOf[int16], vec.SubWord[int32], vec.SubOf[int64],
		vec.SubOf[uint8], vec.SubOf[uint16], vec.SubWord[uint32], vec.SubOf[uint64]}
	mulFns = arithFns{vec.Mul, vec.MulOf[float64], vec.MulOf[int8], vec.MulOf[int16], vec.MulWord[int32], vec.MulOf[int64],
		vec.MulOf[uint8], vec.MulOf[uint16], vec.MulWord[uint32], vec.MulOf[uint64]}
	divFns = arithFns{vec.Div, vec.DivOf[float64], vec.DivInt[int8], vec.DivInt[int16], vec.DivInt[int32], vec.DivInt[int64],
		vec.DivInt[uint8], vec.DivInt[uint16], vec.DivInt[uint32], vec.DivInt[uint64]}
	modFns = arithFns{vec.ModOf[float32], vec.ModOf[float64], vec.ModInt[int8], vec.ModInt[int16], vec.ModInt[int32],
		vec.ModInt[int64], vec.ModInt[uint8], vec.ModInt[uint16], vec.ModInt[uint32], vec.ModInt[uint64]}
	fmodFns = arithFns{vec.Fmod, vec.FmodOf[float64], vec.FmodInt[int8], vec.FmodInt[int16], vec.FmodInt[int32],
		vec.FmodInt[int64], vec.FmodInt[uint8], vec.FmodInt[uint16], vec.FmodInt[uint32], vec.FmodInt[uint64]}
)

func addKernel(k *KernelCtx) (Kernel, error) { return addFns.kernel(k) }
func subKernel(k *KernelCtx) (Kernel, error) { return subFns.kernel(k) }
func mulKernel(k *KernelCtx) (Kernel, error) { return mulFns.kernel(k) }
func divKernel(k *KernelCtx) (Kernel, error) { return divFns.kernel(k) }

var (
	addGrad = binaryGrad(firstPart, firstPart)
	subGrad = binaryGrad(firstPart, func(g grads, dy, _, _, _ Ref) Ref { return g.neg(dy) })
	mulGrad = binaryGrad(func(g grads, dy, _, b, _ Ref) Ref { return g.mul(dy, b) },
		func(g grads, dy, a, _, _ Ref) Ref { return g.mul(dy, a) })
	divGrad = binaryGrad(func(g grads, dy, _, b, _ Ref) Ref { return g.div(dy, b) },
		func(g grads, dy, _, b, y Ref) Ref { return g.neg(g.mul(dy, g.div(y, b))) })
)

// firstPart is the gradient of an operand that the output grows with one to one.
func firstPart(_ grads, dy, _, _, _ Ref) Ref { return dy }

func modKernel(k *KernelCtx) (Kernel, error) {
	if k.Bool("fmod") {
		return fmodFns.kernel(k)
	}
	return modFns.kernel(k)
}

// modGrad takes the whole quotient, which the second input is multiplied by, from the difference of input and
// output. For integers there is nothing to do.
var modGrad = binaryGrad(firstPart, func(g grads, dy, a, b, y Ref) Ref {
	return g.neg(g.mul(dy, g.op("Round", g.div(g.sub(a, y), b))))
})
