package ops

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/kernel/move"
	"github.com/onnxrun/onnxrun/tensor"
)

// constantTensor returns the value of a Constant node: dense, or sparse where it is given so.
func constantTensor(a Attrs) (*tensor.Tensor, error) {
	for _, x := range a {
		switch x.Name {
		case "value":
			if x.T != nil {
				return x.T.Value()
			}
		case "sparse_value":
			if x.SparseTensor == nil {
				continue
			}
			t, err := x.SparseTensor.Tensor()
			if err != nil {
				return nil, err
			}
			return t, tensor.CheckSparse(t)
		case "value_float":
			return tensor.Scalar(x.F), nil
		case "value_floats":
			return tensor.FromSlice(x.Floats), nil
		case "value_int":
			return tensor.Scalar(x.I), nil
		case "value_ints":
			return tensor.FromSlice(x.Ints), nil
		case "value_string":
			return tensor.Scalar(string(x.S)), nil
		case "value_strings":
			return tensor.FromSlice(a.StrList(x.Name)), nil
		}
	}
	return nil, fmt.Errorf("ops: a constant without a value")
}

func constantInfer(c *InferCtx) error {
	t, err := constantTensor(c.Attrs)
	if err != nil {
		return err
	}
	v := ConstValue(t)
	v.Kind = tensor.KindTensor
	c.SetType(0, v.Type)
	if t.Kind() == tensor.KindTensor {
		c.Out[0].Const = t
		if e, ok := v.Ints(); ok && len(e) <= maxElems {
			elems := make([]Dim, len(e))
			for i, x := range e {
				elems[i] = mvConst(int(x))
			}
			mvSetElems(c, 0, elems)
		}
	}
	return nil
}

// constantKernel hands out the tensor of the attribute itself; sparse ones are written out in every run.
func constantKernel(k *KernelCtx) (Kernel, error) {
	t, err := constantTensor(k.Attrs)
	if err != nil {
		return Kernel{}, err
	}
	if t.Kind() == tensor.KindTensor {
		return Kernel{Run: func(c *Call) error { c.Put(0, t); return nil }}, nil
	}
	return Kernel{Run: func(c *Call) error {
		y, err := mvOut(c, 0, t.DType(), t.Shape())
		if err != nil {
			return err
		}
		return constantDense(y, t)
	}}, nil
}

// constantDense writes the sparse tensor t, which has been checked, to the dense tensor y.
func constantDense(y, t *tensor.Tensor) error {
	values, index := t.Elems()[0], tensor.Of[int64](t.Elems()[1])
	if packed.Has(y.DType()) {
		return Unsupported("a sparse constant of %v", y.DType())
	}
	to, from := mvDataOf(y), mvDataOf(values)
	clear(to.b)
	strides := t.Shape().Strides()
	for i := range values.Len() {
		at := 0
		if t.Elems()[1].Rank() == 1 {
			at = int(index[i])
		} else {
			for k, s := range strides {
				at += int(index[i*len(strides)+k]) * s
			}
		}
		if to.s != nil {
			to.s[at] = from.s[i]
		} else {
			copy(to.b[at*to.width:(at+1)*to.width], from.b[i*to.width:])
		}
	}
	return nil
}

// fillValue returns the value of ConstantOfShape, a tensor of one element.
func fillValue(a Attrs) (*tensor.Tensor, error) {
	t, err := a.Tensor("value")
	if err != nil {
		return nil, err
	}
	if t == nil {
		return tensor.FromSlice([]float32{0}), nil
	}
	if t.Len() != 1 {
		return nil, fmt.Errorf("ops: value has shape %v, want one element", t.Shape())
	}
	return t, nil
}

func constantOfShapeInfer(c *InferCtx) error {
	v, err := fillValue(c.Attrs)
	if err != nil {
		return err
	}
	if err := mvIsList(c, 0, "input"); err != nil {
		return err
	}
	dims, ok := c.Exprs(0)
	if !ok {
		if n, counted := mvListLen(c, 0); counted {
			c.Set(0, v.DType(), c.FreshDims(n)...)
		} else {
			c.SetType(0, Unranked(v.DType()))
		}
		return nil
	}
	if len(dims) > mvMaxRank {
		return fmt.Errorf("ops: input 0 asks for %d dimensions, want at most %d", len(dims), mvMaxRank)
	}
	if err := mvSet(c, 0, v.DType(), append([]Dim(nil), dims...)...); err != nil {
		return err
	}
	if e, ok := (Value{Const: v}).Ints(); ok && len(dims) == 1 {
		fillElems(c, dims[0], mvConst(int(e[0])))
	}
	return nil
}

// fillElems tells that output 0, a list of n elements, repeats e.
func fillElems(c *InferCtx, n, e Dim) {
	m, ok := n.Const()
	if !ok || m > maxElems {
		return
	}
	elems := make([]Dim, m)
	for i := range elems {
		elems[i] = e
	}
	mvSetElems(c, 0, elems)
}

func constantOfShapeKernel(k *KernelCtx) (Kernel, error) {
	v, err := fillValue(k.Attrs)
	if err != nil {
		return Kernel{}, err
	}
	return Kernel{Run: func(c *Call) error {
		var buf mvDims
		dims := buf[:0]
		for _, n := range tensor.Of[int64](c.In[0]) {
			if n < 0 {
				return fmt.Errorf("ops: input 0 asks for a negative dimension %d", n)
			}
			dims = append(dims, int(n))
		}
		y, err := mvOut(c, 0, v.DType(), dims)
		if err != nil {
			return err
		}
		fillTensor(y, v)
		return nil
	}}, nil
}

// fillTensor sets all elements of y to the only one of v, which has the same type.
func fillTensor(y, v *tensor.Tensor) {
	switch d := y.DType(); {
	case d == tensor.String:
		for i := range y.Strings() {
			y.Strings()[i] = v.Strings()[0]
		}
	case packed.Has(d):
		e := v.Bytes()[0] & (1<<d.Bits() - 1)
		b := e
		for i := d.Bits(); i < 8; i += d.Bits() {
			b |= e << i
		}
		out := y.Bytes()
		for i := range out {
			out[i] = b
		}
		if used := y.Len() * d.Bits() % 8; used > 0 {
			out[len(out)-1] &= 1<<used - 1
		}
	default:
		move.Fill(y.Bytes(), v.Bytes())
	}
}

// eyeType returns the element type of EyeLike's output.
func eyeType(a Attrs, in tensor.DType) (tensor.DType, error) {
	if !a.HasAttr("dtype") {
		return in, nil
	}
	d := a.Int("dtype")
	if d < 0 || d > 31 || !bytes.Has(tensor.DType(d)) {
		return 0, Unsupported("EyeLike with dtype %d", d)
	}
	return tensor.DType(d), nil
}

func eyeLikeInfer(c *InferCtx) error {
	x := c.Type(0)
	d, err := eyeType(c.Attrs, x.DType)
	if err != nil {
		return err
	}
	switch {
	case !x.Ranked:
		c.Set(0, d, c.FreshDims(2)...)
	case len(x.Dims) != 2:
		return fmt.Errorf("ops: input 0 has shape %v, want 2 axes", x)
	default:
		c.Set(0, d, x.Dims...)
	}
	return nil
}

func eyeLikeKernel(k *KernelCtx) (Kernel, error) {
	d, err := eyeType(k.Attrs, k.DType(0))
	if err != nil {
		return Kernel{}, err
	}
	one, err := tensor.FromFloat64s(d, tensor.Shape{1}, []float64{1})
	if err != nil {
		return Kernel{}, err
	}
	diagonal := k.Int("k")
	return Kernel{Run: func(c *Call) error {
		s := c.In[0].Shape()
		if len(s) != 2 {
			return fmt.Errorf("ops: input 0 has shape %v, want 2 axes", s)
		}
		y, err := mvOut(c, 0, d, s)
		if err != nil {
			return err
		}
		b, e := y.Bytes(), one.Bytes()
		clear(b)
		for r := max(0, -diagonal); r < s[0] && r < s[1]-diagonal; r++ {
			copy(b[(r*s[1]+r+diagonal)*len(e):], e)
		}
		return nil
	}}, nil
}
