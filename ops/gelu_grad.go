package ops

import (
	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/tensor"
)

// GeluGrad of the onnxrun domain is the gradient of Gelu in float32: from that of the result, and the input.

func geluGradKernel(k *KernelCtx) (Kernel, error) {
	if k.DType(0) != tensor.Float32 || k.DType(1) != tensor.Float32 {
		return Kernel{}, Unsupported("GeluGrad of %v", k.DType(1))
	}
	f := vec.GeluGrad
	if k.Str("approximate") == "tanh" {
		f = vec.GeluTanhGrad
	}
	return binary(func(dx, dy, x []float32) { f(dx, x, dy) })
}

// geluRule is the rule of Gelu: GeluGrad in float32, else that written out.
func geluRule(g grads, approximate string) error {
	dy := g.Dy(0)
	if dy == 0 || !g.Wants(0) {
		return nil
	}
	if g.Of(g.In(0)).DType == tensor.Float32 && g.Of(dy).DType == tensor.Float32 {
		g.SetGrad(0, g.own("GeluGrad", map[string]any{"approximate": approximate}, dy, g.In(0)))
		return nil
	}
	g.SetGrad(0, g.mul(dy, geluSlope(g, g.In(0), approximate)))
	return nil
}

// geluSlope is the derivative of Gelu in either form.
func geluSlope(g grads, x Ref, approximate string) Ref {
	if approximate == "tanh" {
		return tanhGeluSlope(g, x)
	}
	return erfGeluSlope(g, x)
}

// geluGradGrad is the rule of what GeluGrad is written out.
func geluGradGrad(c GradCtx) error {
	return composedGrad(func(g grads) (Ref, error) {
		return g.mul(g.In(0), geluSlope(g, g.In(1), g.Attrs().Str("approximate"))), nil
	})(c)
}
