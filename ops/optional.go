package ops

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// optionalInfer takes the element's type from the input, or from the attribute type where there is none.
func optionalInfer(c *InferCtx) error {
	if c.Has(0) {
		c.SetType(0, OptionalOf(c.Type(0)))
		return nil
	}
	a := c.Find("type")
	if a == nil || a.TypeProto == nil {
		return fmt.Errorf("ops: neither an input nor the attribute type is given")
	}
	elem, err := optionalDeclared(c, a.TypeProto)
	elem.None = true
	c.SetType(0, OptionalOf(elem))
	return err
}

// optionalDeclared returns the type that an attribute declares.
func optionalDeclared(c *InferCtx, t *onnx.Type) (Type, error) {
	switch {
	case t.Kind == onnx.TypeTensor:
		elem := Unranked(t.DType())
		elem.Ranked = t.HasShape
		for _, d := range t.Dims {
			if d.Kind == onnx.DimValue && d.Value >= 0 {
				elem.Dims = append(elem.Dims, sym.Const(d.Value))
			} else {
				elem.Dims = append(elem.Dims, c.Fresh())
			}
		}
		return elem, nil
	case t.Kind == onnx.TypeSequence && t.Elem != nil && t.Elem.Kind == onnx.TypeTensor:
		elem, err := optionalDeclared(c, t.Elem)
		return SequenceOf(elem), err
	}
	return Type{}, fmt.Errorf("ops: attribute type is %v, want a tensor or a sequence of tensors", t)
}

func optionalKernel(k *KernelCtx) (Kernel, error) {
	d := k.OutType(0).DType
	return Kernel{Run: func(c *Call) error {
		t := input(c, 0)
		if t == nil {
			c.Put(0, tensor.NewOptional(d, nil))
			return nil
		}
		t, err := seqKeep(c, t)
		if err != nil {
			return err
		}
		c.Put(0, tensor.NewOptional(d, t))
		return nil
	}}, nil
}

func optionalGetInfer(c *InferCtx) error {
	t := c.Type(0)
	if t.Kind == tensor.KindOptional {
		t = seqElem(c, t)
	}
	c.SetType(0, t)
	return nil
}

func optionalGetKernel(k *KernelCtx) (Kernel, error) {
	want := k.OutType(0)
	return Kernel{Run: func(c *Call) error {
		t := c.In[0]
		switch {
		case t.Kind() != tensor.KindOptional:
			return bodyResult(c, 0, t)
		case t.Len() == 0:
			return fmt.Errorf("ops: the optional is empty")
		}
		elem := t.Elems()[0]
		if err := seqCheck(elem, want); err != nil {
			return err
		}
		c.Put(0, elem)
		return nil
	}}, nil
}

func optionalHasInfer(c *InferCtx) error {
	c.Set(0, tensor.Bool)
	return nil
}

func optionalHasKernel(*KernelCtx) (Kernel, error) {
	return Kernel{Run: func(c *Call) error {
		t := input(c, 0)
		tensor.Of[bool](c.Out[0])[0] = t != nil && (t.Kind() != tensor.KindOptional || t.Len() > 0)
		return nil
	}}, nil
}

// optionalGetGrad hands on the gradient of what never was an optional.
func optionalGetGrad(c GradCtx) error {
	if c.Of(c.In(0)).Kind != tensor.KindTensor {
		return Unsupported("no gradient of OptionalGetElement of an optional")
	}
	return passGrad(c)
}
