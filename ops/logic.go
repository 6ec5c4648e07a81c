package ops

import (
	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/tensor"
)

// Comparisons and logic. Up to version 6 the second input is aligned with an axis of the first (see legacy).

var (
	equalInfer          = compareInfer(exprEqual)
	lessInfer           = compareInfer(exprLess)
	lessOrEqualInfer    = compareInfer(exprLessEqual)
	greaterInfer        = compareInfer(exprGreater)
	greaterOrEqualInfer = compareInfer(exprGreaterEqual)
)

// compareFns are the kernels of a comparison by element type.
type compareFns struct {
	f32 func(dst []bool, a, b []float32)
	f64 func(dst []bool, a, b []float64)
	i8  func(dst []bool, a, b []int8)
	i16 func(dst []bool, a, b []int16)
	i32 func(dst []bool, a, b []int32)
	i64 func(dst []bool, a, b []int64)
	u8  func(dst []bool, a, b []uint8)
	u16 func(dst []bool, a, b []uint16)
	u32 func(dst []bool, a, b []uint32)
	u64 func(dst []bool, a, b []uint64)
}

func (f *compareFns) kernel(k *KernelCtx) (Kernel, error) {
	switch d := k.DType(0); d {
	case tensor.Float32:
		return binary(f.f32)
	case tensor.Float64:
		return binary(f.f64)
	case tensor.Float16:
		return binary(vec.HalfCompare[tensor.Float16Bits](f.f32))
	case tensor.BFloat16:
		return binary(vec.HalfCompare[tensor.BFloat16Bits](f.f32))
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
	equalFns = compareFns{vec.Equal[float32], vec.Equal[float64], vec.Equal[int8], vec.Equal[int16], vec.Equal[int32],
		vec.Equal[int64], vec.Equal[uint8], vec.Equal[uint16], vec.Equal[uint32], vec.Equal[uint64]}
	lessFns = compareFns{vec.Less[float32], vec.Less[float64], vec.Less[int8], vec.Less[int16], vec.Less[int32],
		vec.Less[int64], vec.Less[uint8], vec.Less[uint16], vec.Less[uint32], vec.Less[uint64]}
	lessEqualFns = compareFns{vec.LessEqual[float32], vec.LessEqual[float64], vec.LessEqual[int8], vec.LessEqual[int16],
		vec.LessEqual[int32], vec.LessEqual[int64], vec.LessEqual[uint8], vec.LessEqual[uint16], vec.LessEqual[uint32],
		vec.LessEqual[uint64]}
	greaterFns = compareFns{vec.Greater[float32], vec.Greater[float64], vec.Greater[int8], vec.Greater[int16],
		vec.Greater[int32], vec.Greater[int64], vec.Greater[uint8], vec.Greater[uint16], vec.Greater[uint32],
		vec.Greater[uint64]}
	greaterEqualFns = compareFns{vec.GreaterEqual[float32], vec.GreaterEqual[float64], vec.GreaterEqual[int8],
		vec.GreaterEqual[int16], vec.GreaterEqual[int32], vec.GreaterEqual[int64], vec.GreaterEqual[uint8],
		vec.GreaterEqual[uint16], vec.GreaterEqual[uint32], vec.GreaterEqual[uint64]}
)

func equalKernel(k *KernelCtx) (Kernel, error) {
	switch k.DType(0) {
	case tensor.Bool:
		return binary(vec.Equal[bool])
	case tensor.String:
		return binary(vec.Equal[string])
	}
	return equalFns.kernel(k)
}

func lessKernel(k *KernelCtx) (Kernel, error)           { return lessFns.kernel(k) }
func lessOrEqualKernel(k *KernelCtx) (Kernel, error)    { return lessEqualFns.kernel(k) }
func greaterKernel(k *KernelCtx) (Kernel, error)        { return greaterFns.kernel(k) }
func greaterOrEqualKernel(k *KernelCtx) (Kernel, error) { return greaterEqualFns.kernel(k) }

func andKernel(*KernelCtx) (Kernel, error) { return binary(vec.And) }
func orKernel(*KernelCtx) (Kernel, error)  { return binary(vec.Or) }
func xorKernel(*KernelCtx) (Kernel, error) { return binary(vec.Xor) }
func notKernel(*KernelCtx) (Kernel, error) { return unary(vec.Not) }

// Bitwise operators are on integers.

func bitwiseAndKernel(k *KernelCtx) (Kernel, error) {
	return bitwise(k, vec.BitAnd[uint8], vec.BitAnd[uint16], vec.BitAnd[uint32], vec.BitAnd[uint64])
}

func bitwiseOrKernel(k *KernelCtx) (Kernel, error) {
	return bitwise(k, vec.BitOr[uint8], vec.BitOr[uint16], vec.BitOr[uint32], vec.BitOr[uint64])
}

func bitwiseXorKernel(k *KernelCtx) (Kernel, error) {
	return bitwise(k, vec.BitXor[uint8], vec.BitXor[uint16], vec.BitXor[uint32], vec.BitXor[uint64])
}

func bitwise(k *KernelCtx, f8 func(dst, a, b []uint8), f16 func(dst, a, b []uint16), f32 func(dst, a, b []uint32), f64 func(dst, a, b []uint64)) (Kernel, error) {
	switch d := k.DType(0); d.Size() {
	case 1:
		return binary(f8)
	case 2:
		return binary(f16)
	case 4:
		return binary(f32)
	case 8:
		return binary(f64)
	default:
		return Kernel{}, Unsupported("element type %v", d)
	}
}

func bitwiseNotKernel(k *KernelCtx) (Kernel, error) {
	switch d := k.DType(0); d.Size() {
	case 1:
		return unary(vec.BitNot[uint8])
	case 2:
		return unary(vec.BitNot[uint16])
	case 4:
		return unary(vec.BitNot[uint32])
	case 8:
		return unary(vec.BitNot[uint64])
	default:
		return Kernel{}, Unsupported("element type %v", d)
	}
}

// BitShift takes signed integers since version 28: they shift right with their sign.
var (
	shiftLeft = arithFns{nil, nil, vec.Shl[int8], vec.Shl[int16], vec.Shl[int32], vec.Shl[int64],
		vec.Shl[uint8], vec.Shl[uint16], vec.Shl[uint32], vec.Shl[uint64]}
	shiftRight = arithFns{nil, nil, vec.Shr[int8], vec.Shr[int16], vec.Shr[int32], vec.Shr[int64],
		vec.Shr[uint8], vec.Shr[uint16], vec.Shr[uint32], vec.Shr[uint64]}
)

func bitShiftKernel(k *KernelCtx) (Kernel, error) {
	if !integer.Has(k.DType(0)) {
		return Kernel{}, Unsupported("element type %v", k.DType(0))
	}
	switch dir := k.Str("direction"); dir {
	case "LEFT":
		return shiftLeft.kernel(k)
	case "RIGHT":
		return shiftRight.kernel(k)
	default:
		return Kernel{}, Unsupported("direction=%q", dir)
	}
}
