package ops

import (
	"github.com/onnxrun/onnxrun/internal/kernel/conv"
	"github.com/onnxrun/onnxrun/internal/kernel/nhwc"
	"github.com/onnxrun/onnxrun/tensor"
)

// onnxrun NhwcConvTranspose is what the layout pass puts in the place of ConvTranspose: X [batch, spatial..., channels], the
// filter W of ConvTranspose, the bias B; the attributes of ConvTranspose and those of an activation.

func nhwcConvTransposeInfer(c *InferCtx) error { return channelsLastInfer(c, convTransposeInfer) }

// nhwcConvTransposeKernel binds NhwcConvTranspose, float32.
func nhwcConvTransposeKernel(k *KernelCtx) (Kernel, error) {
	if k.DType(0) != tensor.Float32 {
		return Kernel{}, Unsupported("NhwcConvTranspose of %v", k.DType(0))
	}
	a, err := readTransposed(k.Attrs)
	if err != nil {
		return Kernel{}, err
	}
	choose := nhwc.NewTransposedPlan
	if k.Attrs.Bool("exact") {
		choose = nhwc.NewExactTransposedPlan
	}
	return bindNhwcConv(k, func(planes, w tensor.Shape) (*nhwc.Plan, error) {
		g, err := conv.NewTransposedGeom(a.Attrs, a.groups, a.outPad, a.outShape, planes, w)
		if err != nil {
			return nil, err
		}
		return choose(g), nil
	})
}
