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
