package ops

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/tensor"
)

// Type is what is known of a value's type and shape before running.
type Type struct {
	Kind   tensor.Kind
	DType  tensor.DType // element type (of sequences, optionals and maps: of the tensors inside); Undefined marks an absent input
	Ranked bool         // Dims is meaningful
	Dims   []Dim
	Elem   *Type        // of a sequence, an optional, or the value of a map
	None   bool         // of an Elem: there is no such value yet, so the shape is only what was declared
	Key    tensor.DType // of a map
}

// TensorType returns the type of a dense tensor with the given dimensions.
func TensorType(d tensor.DType, dims ...Dim) Type { return Type{DType: d, Ranked: true, Dims: dims} }

// Unranked returns the type of a dense tensor of unknown rank.
func Unranked(d tensor.DType) Type { return Type{DType: d} }

// SequenceOf returns the type of a sequence of values of type elem.
func SequenceOf(elem Type) Type {
	return Type{Kind: tensor.KindSequence, DType: elem.DType, Elem: &elem}
}

// OptionalOf returns the type of an optional value of type elem.
func OptionalOf(elem Type) Type {
	return Type{Kind: tensor.KindOptional, DType: elem.DType, Elem: &elem}
}

// Present reports whether t is the type of an actual value rather than of an absent optional input.
func (t Type) Present() bool { return t.DType != tensor.Undefined || t.Kind != tensor.KindTensor }

// Rank returns the rank, and -1 if it is unknown.
func (t Type) Rank() int {
	if !t.Ranked {
		return -1
	}
	return len(t.Dims)
}

// Static returns the dimensions as integers if all are known.
func (t Type) Static() (tensor.Shape, bool) {
	if !t.Ranked || t.Kind != tensor.KindTensor {
		return nil, false
	}
	s := make(tensor.Shape, len(t.Dims))
	for i, d := range t.Dims {
		v, ok := d.Const()
		if !ok || v < 0 || int64(int(v)) != v {
			return nil, false
		}
		s[i] = int(v)
	}
	return s, true
}

// String writes t like "float32[batch,3,224,224]", with [?] for an unknown rank.
func (t Type) String() string {
	switch t.Kind {
	case tensor.KindSequence, tensor.KindOptional:
		return fmt.Sprintf("%v(%v)", t.Kind, t.Elem)
	case tensor.KindMap:
		return fmt.Sprintf("map(%v,%v)", t.Key, t.Elem)
	}
	if !t.Ranked {
		return t.DType.String() + "[?]"
	}
	s := t.DType.String() + "["
	for i, d := range t.Dims {
		if i > 0 {
			s += ","
		}
		s += d.String()
	}
	return s + "]"
}

// A Value is what is known of one input or output of a node: its type and, if constant, its elements.
// Elements of small integer tensors (rank 0 or 1) may be known as expressions over symbolic dimensions
// even where they are not constant: that is how shapes flow through Shape, Gather, Concat and Reshape.
type Value struct {
	Type
	Const *tensor.Tensor
	Elems []Dim
}

// An InferCtx is what an Infer function works on: it reads Attrs and In and fills Out. At run time, for
// nodes behind data-dependent shapes, it is called again with all dimensions known and small integer
// inputs constant.
type InferCtx struct {
	Attrs
	In  []Value // an absent optional input is the zero Value
	Out []Value // one per declared output; an unused optional one may be filled too

	// Subgraph infers the named body for the given inputs and returns its outputs. nil at run time.
	Subgraph func(name string, in []Value) ([]Value, error)

	// BodyInput returns the type of formal input i of the named body: what it was given the last time, before
	// that what the model declares. nil at run time.
	BodyInput func(name string, i int) Type

	// Fresh returns a new symbol for a dimension that only running can tell.
	Fresh func() Dim
}

// Has reports whether input i is present.
func (c *InferCtx) Has(i int) bool { return i < len(c.In) && c.In[i].Present() }

// Type returns the type of input i, zero if it is absent.
func (c *InferCtx) Type(i int) Type {
	if i >= len(c.In) {
		return Type{}
	}
	return c.In[i].Type
}

// Set makes output i a tensor of the given type and dimensions.
func (c *InferCtx) Set(i int, d tensor.DType, dims ...Dim) {
	if i < len(c.Out) {
		c.Out[i].Type = TensorType(d, dims...)
	}
}

// SetType gives output i the type t.
func (c *InferCtx) SetType(i int, t Type) {
	if i < len(c.Out) {
		c.Out[i].Type = t
	}
}

// SetElems tells the elements of output i, an integer tensor of rank 0 or 1.
func (c *InferCtx) SetElems(i int, e []Dim) {
	if i < len(c.Out) {
		c.Out[i].Elems = e
	}
}

// Ints returns the elements of input i if it is a constant tensor of int64 or int32.
func (c *InferCtx) Ints(i int) ([]int64, bool) {
	if i >= len(c.In) {
		return nil, false
	}
	return c.In[i].Ints()
}

// Ints returns the elements if v is a constant tensor of int64 or int32, or has constant Elems.
func (v Value) Ints() ([]int64, bool) {
	if v.Const == nil {
		if v.Elems == nil {
			return nil, false
		}
		out := make([]int64, len(v.Elems))
		for j, e := range v.Elems {
			x, ok := e.Const()
			if !ok {
				return nil, false
			}
			out[j] = x
		}
		return out, true
	}
	switch v.Const.DType() {
	case tensor.Int64:
		return tensor.Of[int64](v.Const), true
	case tensor.Int32:
		s := tensor.Of[int32](v.Const)
		out := make([]int64, len(s))
		for j, x := range s {
			out[j] = int64(x)
		}
		return out, true
	}
	return nil, false
}

// Exprs returns the elements of input i, an integer tensor, as expressions if they are known.
func (c *InferCtx) Exprs(i int) ([]Dim, bool) {
	if i >= len(c.In) {
		return nil, false
	}
	if c.In[i].Elems != nil {
		return c.In[i].Elems, true
	}
	v, ok := c.In[i].Ints()
	if !ok || len(v) > maxElems {
		return nil, false
	}
	out := make([]Dim, len(v))
	for j, x := range v {
		out[j] = sym.Const(x)
	}
	return out, true
}

// maxElems bounds the integer tensors whose elements are followed as expressions: shapes are short.
const maxElems = 64

// FreshDims returns n new symbols.
func (c *InferCtx) FreshDims(n int) []Dim {
	out := make([]Dim, n)
	for i := range out {
		out[i] = c.Fresh()
	}
	return out
}
