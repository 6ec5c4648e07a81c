package ops

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/tensor"
)

// Dropout passes its input on in inference; the mask is all ones. Since version 10 the mask is of truth values,
// since version 12 an input switches training on (see dropout_train.go). In older versions is_test has no effect here:
// a model that is run is not trained.

// dropoutInfer infers Dropout from version 10 on.
func dropoutInfer(c *InferCtx) error { return dropoutInto(c, tensor.Bool) }

// legacyDropoutInfer is that of versions 1 to 7, whose mask has the type of the input.
func legacyDropoutInfer(c *InferCtx) error { return dropoutInto(c, c.Type(0).DType) }

func dropoutInto(c *InferCtx, mask tensor.DType) error {
	t, err := denseInput(c, 0)
	if err != nil {
		return err
	}
	c.SetType(0, t)
	t.DType = mask
	c.SetType(1, t)
	return nil
}

// legacyDropoutKernel binds Dropout of the versions that know no training.
func legacyDropoutKernel(*KernelCtx) (Kernel, error) { return Kernel{Run: passOn}, nil }

// dropoutGrad uses the mask of the forward run; in inference it is all ones.
func dropoutGrad(c GradCtx) error {
	g := grads{c}
	dy, mode := g.Dy(0), g.In(2)
	if dy == 0 || !g.Wants(0) {
		return nil
	}
	if mode == 0 || g.Of(mode).Const != nil && !trains(g.Of(mode).Const) {
		g.SetGrad(0, dy)
		return nil
	}
	left := g.num(dy, 0.5)
	if ratio := g.In(1); ratio != 0 {
		left = g.sub(g.num(dy, 1), g.op("CastLike", ratio, dy))
	}
	scaled := g.where(mode, g.div(dy, left), dy)
	g.SetGrad(0, g.keep(g.Save(1), scaled))
	return nil
}

// passOn copies input 0 and sets the mask, if it is wanted, to ones.
func passOn(c *Call) error {
	if err := copyBytes(c); err != nil {
		return err
	}
	if len(c.Out) < 2 || c.Out[1] == nil {
		return nil
	}
	switch m := c.Out[1]; m.DType() {
	case tensor.Undefined:
	case tensor.Bool:
		vec.Fill(tensor.Raw[bool](m), true)
	case tensor.Float32:
		vec.Fill(tensor.Raw[float32](m), 1)
	case tensor.Float64:
		vec.Fill(tensor.Raw[float64](m), 1)
	case tensor.Float16:
		vec.Fill(tensor.Raw[uint16](m), 0x3c00)
	case tensor.BFloat16:
		vec.Fill(tensor.Raw[uint16](m), 0x3f80)
	default:
		return fmt.Errorf("ops: mask has element type %v, want bool or the type of the input", m.DType())
	}
	return nil
}
