package ops

import (
	"math"

	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/tensor"
)

// Pow has the element type of its base. Since version 12 the exponent may have another one.

func powInfer(c *InferCtx) error {
	t, err := broadcastInputs(c, c.Type(0).DType, 0, 1)
	c.SetType(0, t)
	return err
}

func powKernel(k *KernelCtx) (Kernel, error) {
	e := k.DType(1)
	switch d := k.DType(0); d {
	case tensor.Float32:
		if e == tensor.Float32 {
			return binary(vec.Pow)
		}
		return powOf[float32](k)
	case tensor.Float64:
		return powOf[float64](k)
	case tensor.Int32:
		return powOf[int32](k)
	case tensor.Int64:
		return powOf[int64](k)
	case tensor.Float16:
		if e == d {
			return binary(vec.Half2[tensor.Float16Bits](vec.Pow))
		}
		return powHalf[tensor.Float16Bits](e)
	case tensor.BFloat16:
		if e == d {
			return binary(vec.Half2[tensor.BFloat16Bits](vec.Pow))
		}
		return powHalf[tensor.BFloat16Bits](e)
	default:
		return Kernel{}, Unsupported("element type %v", d)
	}
}

// powOf binds a base type that Go computes in to any type of exponent.
func powOf[T interface {
	vec.Number
	tensor.Element
}](k *KernelCtx) (Kernel, error) {
	switch e := k.DType(1); e {
	case tensor.Float32:
		return binary(vec.PowOf[T, float32])
	case tensor.Float64:
		return binary(vec.PowOf[T, float64])
	case tensor.Int8:
		return binary(vec.PowOf[T, int8])
	case tensor.Int16:
		return binary(vec.PowOf[T, int16])
	case tensor.Int32:
		return binary(vec.PowOf[T, int32])
	case tensor.Int64:
		return binary(vec.PowOf[T, int64])
	case tensor.Uint8:
		return binary(vec.PowOf[T, uint8])
	case tensor.Uint16:
		return binary(vec.PowOf[T, uint16])
	case tensor.Uint32:
		return binary(vec.PowOf[T, uint32])
	case tensor.Uint64:
		return binary(vec.PowOf[T, uint64])
	case tensor.Float16:
		return binary(powSmall[T, tensor.Float16Bits])
	case tensor.BFloat16:
		return binary(powSmall[T, tensor.BFloat16Bits])
	default:
		return Kernel{}, Unsupported("element type %v of the exponent", e)
	}
}

// powSmall takes exponents of half precision.
func powSmall[T vec.Number, U vec.Half](dst, a []T, b []U) {
	buf := floatBlocks.Get().(*[floatBlock]float32)
	defer floatBlocks.Put(buf)
	e, step := buf[:1], len(dst)
	vec.Widen(e, b[:1])
	if len(b) > 1 {
		step = floatBlock
	}
	for lo := 0; lo < len(dst); lo += step {
		hi, base := min(len(dst), lo+step), a
		if len(b) > 1 {
			e = buf[:hi-lo]
			vec.Widen(e, b[lo:hi])
		}
		if len(a) > 1 {
			base = a[lo:hi]
		}
		vec.PowOf(dst[lo:hi], base, e)
	}
}

// halfNumber is a half-precision type as a kernel computes with it.
type halfNumber interface {
	vec.Half
	tensor.Element
	Float32() float32
}

// powHalf binds bases of half precision to exponents of another type.
func powHalf[T halfNumber](e tensor.DType) (Kernel, error) {
	switch e {
	case tensor.Float16:
		return binary(powNarrow[T](wideHalf[tensor.Float16Bits]))
	case tensor.BFloat16:
		return binary(powNarrow[T](wideHalf[tensor.BFloat16Bits]))
	case tensor.Float32:
		return binary(powNarrow[T](wide[float32]))
	case tensor.Float64:
		return binary(powNarrow[T](wide[float64]))
	case tensor.Int8:
		return binary(powNarrow[T](wide[int8]))
	case tensor.Int16:
		return binary(powNarrow[T](wide[int16]))
	case tensor.Int32:
		return binary(powNarrow[T](wide[int32]))
	case tensor.Int64:
		return binary(powNarrow[T](wide[int64]))
	case tensor.Uint8:
		return binary(powNarrow[T](wide[uint8]))
	case tensor.Uint16:
		return binary(powNarrow[T](wide[uint16]))
	case tensor.Uint32:
		return binary(powNarrow[T](wide[uint32]))
	case tensor.Uint64:
		return binary(powNarrow[T](wide[uint64]))
	default:
		return Kernel{}, Unsupported("element type %v of the exponent", e)
	}
}

func wide[U vec.Number](v U) float64     { return float64(v) }
func wideHalf[U halfNumber](v U) float64 { return float64(v.Float32()) }

// powNarrow raises to exponents that value turns into numbers.
func powNarrow[T halfNumber, U any](value func(U) float64) func(dst, a []T, b []U) {
	return func(dst, a []T, b []U) {
		buf := floatBlocks.Get().(*[floatBlock]float32)
		defer floatBlocks.Put(buf)
		for lo := 0; lo < len(dst); lo += floatBlock {
			hi := min(len(dst), lo+floatBlock)
			for i := lo; i < hi; i++ {
				x, e := a[0], b[0]
				if len(a) > 1 {
					x = a[i]
				}
				if len(b) > 1 {
					e = b[i]
				}
				buf[i-lo] = float32(math.Pow(float64(x.Float32()), value(e)))
			}
			vec.Narrow(dst[lo:hi], buf[:hi-lo])
		}
	}
}

// powGrad has short forms for the exponents that models raise to. The derivative by the exponent is zero where
// the base is not positive.
func powGrad(c GradCtx) error {
	g := grads{c}
	dy, x, e, y := g.Dy(0), g.In(0), g.In(1), g.Out(0)
	if dy == 0 {
		return nil
	}
	g.setSum(0, func() Ref { return g.mul(dy, powSlope(g, x, e, y)) })
	g.setSum(1, func() Ref {
		positive := g.above(x, 0)
		log := g.op("Log", g.where(positive, x, g.num(x, 1)))
		return g.op("CastLike", g.keep(positive, g.mul(dy, y, log)), e)
	})
	return nil
}

// powSlope is the derivative of y = x to the power of e by x.
func powSlope(g grads, x, e, y Ref) Ref {
	if t := g.Of(e).Const; t != nil && t.Len() == 1 {
		switch v := tensor.Float64s(t, 1); v[0] {
		case 1:
			return g.num(x, 1)
		case 2:
			return g.scale(x, 2)
		case 3:
			return g.scale(g.mul(x, x), 3)
		case 0.5:
			return g.div(g.num(x, 0.5), y)
		case -1:
			return g.neg(g.mul(y, y))
		}
	}
	if g.Of(e).DType != g.Of(x).DType {
		e = g.op("CastLike", e, x)
	}
	slope := g.mul(e, g.op("Pow", x, g.shift(e, -1)))
	return g.where(g.op("Equal", e, g.num(e, 0)), g.num(x, 0), slope)
}
