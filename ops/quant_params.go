package ops

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/kernel/quant"
	"github.com/onnxrun/onnxrun/tensor"
)

// quantParams returns what bytes of type d stand for: input scale is a float32 of one element, input zero a byte or absent.
func quantParams(c *Call, d tensor.DType, scale, zero int) (quant.Params, error) {
	var p quant.Params
	s, z := input(c, scale), input(c, zero)
	if s == nil || s.DType() != tensor.Float32 || s.Len() != 1 {
		return p, fmt.Errorf("ops: input %d is no scale of one float32 element", scale)
	}
	p.Scale = tensor.Of[float32](s)[0]
	if z == nil {
		return p, nil
	}
	if z.Len() != 1 || z.DType() != d {
		return p, fmt.Errorf("ops: input %d (zero point) is %v of shape %v, want one element of %v", zero, z.DType(), z.Shape(), d)
	}
	p.Zero = int32(zeroPoint(z, 0))
	return p, nil
}

// byteBits returns the elements of a tensor of bytes, signed or not.
func byteBits(t *tensor.Tensor) []uint8 { return tensor.Raw[uint8](t) }

// byteKernel binds one of two kernels by the element type of input i.
func byteKernel(k *KernelCtx, i int, signed, unsigned func(*KernelCtx) (Kernel, error)) (Kernel, error) {
	switch d := k.DType(i); d {
	case tensor.Int8:
		return signed(k)
	case tensor.Uint8:
		return unsigned(k)
	default:
		return Kernel{}, Unsupported("element type %v", d)
	}
}
