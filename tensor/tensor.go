package tensor

import (
	"fmt"
	"unsafe"
)

// Kind tells what a Tensor holds.
type Kind uint8

// The kinds of ONNX values.
const (
	KindTensor   Kind = iota // a dense tensor
	KindSparse               // a sparse tensor: Elems are values and indices, Shape the dense shape
	KindSequence             // a list of values: Elems
	KindOptional             // Elems holds one value, or none
	KindMap                  // Keys is a 1-d tensor (strings or integers), Elems the values in the same order
)

// String returns the lower-case word of the kind.
func (k Kind) String() string {
	return [...]string{"tensor", "sparse", "sequence", "optional", "map"}[k]
}

// A Tensor is one ONNX value: usually a dense tensor in row-major order, else one of the other kinds.
//
// Dense numeric data are kept as bytes in the machine's order, which is ONNX's (little-endian) on every
// platform with assembly kernels; typed views of them come from Of and View. Packed types (4 and 2 bits)
// hold their first element in the low bits. Strings are kept apart.
//
// A Tensor may be read by many goroutines. The fields are changed only by the functions of this package
// and by the Reset methods, which the run-time uses to rebind a tensor without allocating.
type Tensor struct {
	kind  Kind
	dtype DType
	shape Shape
	data  []byte
	strs  []string
	elems []*Tensor
	keys  *Tensor
	later func() // makes sure that data hold the elements; nil: they do
}

// New returns a zeroed dense tensor. It panics if the shape is negative or overflows: check sizes that
// come from a file with Shape.Count first.
func New(dtype DType, shape ...int) *Tensor {
	t := &Tensor{dtype: dtype, shape: Shape(shape).Clone()}
	n, err := t.shape.Count()
	if err != nil {
		panic(err)
	}
	if dtype == String {
		t.strs = make([]string, n)
	} else {
		t.data = make([]byte, dtype.ByteLen(n))
	}
	return t
}

// FromBytes returns a dense tensor over data, which is not copied and must have exactly the length that
// dtype and shape ask for.
func FromBytes(dtype DType, shape Shape, data []byte) (*Tensor, error) {
	n, err := shape.Count()
	if err != nil {
		return nil, err
	}
	if dtype == String || !dtype.Valid() {
		return nil, fmt.Errorf("tensor: no byte storage for dtype %v", dtype)
	}
	if dtype.Bits() >= 8 && n > 0 && len(data)/dtype.Size() < n || len(data) != dtype.ByteLen(n) {
		return nil, fmt.Errorf("tensor: %d bytes for %v%v", len(data), dtype, []int(shape))
	}
	return &Tensor{dtype: dtype, shape: shape, data: data}, nil
}

// Deferred returns a dense tensor over s whose elements are made when they are asked for: the function is called before each
// use, by any goroutine, and returns when they are there. It panics if the shape does not fit the number of elements.
func Deferred[T Element](s []T, shape Shape, ready func()) *Tensor {
	t := FromSlice(s, shape...)
	t.later = ready
	return t
}

// FromSlice returns a dense tensor over the elements of s, which are not copied. Without a shape the
// tensor is one-dimensional. It panics if the shape does not fit the number of elements.
func FromSlice[T Element](s []T, shape ...int) *Tensor {
	if shape == nil {
		shape = []int{len(s)}
	}
	if n, err := Shape(shape).Count(); err != nil || n != len(s) {
		panic(fmt.Sprintf("tensor: %d elements for shape %v", len(s), shape))
	}
	t := &Tensor{dtype: DTypeOf[T](), shape: Shape(shape).Clone()}
	if t.dtype == String {
		t.strs = any(s).([]string)
		return t
	}
	t.data = bytesOf(s)
	return t
}

// Scalar returns a 0-d tensor that holds v.
func Scalar[T Element](v T) *Tensor { return FromSlice([]T{v}, []int{}...) }

// Scalars returns a 0-d tensor for each element of s, which are not copied.
func Scalars[T Element](s []T) []*Tensor {
	ts, out := make([]Tensor, len(s)), make([]*Tensor, len(s))
	for i := range s {
		ts[i] = Tensor{dtype: DTypeOf[T](), shape: Shape{}}
		if x, ok := any(s).([]string); ok {
			ts[i].strs = x[i : i+1 : i+1]
		} else {
			ts[i].data = bytesOf(s[i : i+1 : i+1])
		}
		out[i] = &ts[i]
	}
	return out
}

// NewSequence returns a sequence of the given values. dtype is that of the elements; it matters when the
// sequence is empty.
func NewSequence(dtype DType, elems ...*Tensor) *Tensor {
	return &Tensor{kind: KindSequence, dtype: dtype, elems: elems}
}

// NewOptional returns an optional that holds elem, or nothing when elem is nil.
func NewOptional(dtype DType, elem *Tensor) *Tensor {
	t := &Tensor{kind: KindOptional, dtype: dtype}
	if elem != nil {
		t.elems = []*Tensor{elem}
	}
	return t
}

// NewMap returns a map from the elements of keys, a 1-d tensor, to vals, in the same order.
func NewMap(keys *Tensor, vals ...*Tensor) (*Tensor, error) {
	if keys.Len() != len(vals) {
		return nil, fmt.Errorf("tensor: map with %d keys and %d values", keys.Len(), len(vals))
	}
	t := &Tensor{kind: KindMap, keys: keys, elems: vals}
	if len(vals) > 0 {
		t.dtype = vals[0].dtype
	}
	return t, nil
}

// NewSparse returns a sparse tensor in the coordinate format of ONNX: values [NNZ], and indices [NNZ]
// (linear) or [NNZ, rank].
func NewSparse(shape Shape, values, indices *Tensor) *Tensor {
	return &Tensor{kind: KindSparse, dtype: values.dtype, shape: shape.Clone(), elems: []*Tensor{values, indices}}
}

// Kind returns what t holds.
func (t *Tensor) Kind() Kind { return t.kind }

// DType returns the element type; for sequences, optionals and maps that of the values inside.
func (t *Tensor) DType() DType { return t.dtype }

// Shape returns the dimensions. The caller must not change them.
func (t *Tensor) Shape() Shape { return t.shape }

// Rank returns the number of dimensions.
func (t *Tensor) Rank() int { return len(t.shape) }

// Len returns the number of elements of a dense tensor, and the number of values of the other kinds.
func (t *Tensor) Len() int {
	if t.kind == KindTensor {
		return t.shape.Len()
	}
	return len(t.elems)
}

// Bytes returns the storage of a dense numeric tensor. Writing to it changes the tensor.
func (t *Tensor) Bytes() []byte {
	if t.later != nil {
		t.later()
	}
	return t.data
}

// Start returns the address of the storage of a dense numeric tensor, nil if it has no elements. It tells tensors apart
// without making the elements of a Deferred one.
func (t *Tensor) Start() *byte {
	if len(t.data) == 0 {
		return nil
	}
	return &t.data[0]
}

// Strings returns the elements of a string tensor.
func (t *Tensor) Strings() []string { return t.strs }

// Elems returns the values of a sequence, an optional or a map, and values and indices of a sparse tensor.
func (t *Tensor) Elems() []*Tensor { return t.elems }

// Keys returns the keys of a map, a 1-d tensor, and nil for other kinds.
func (t *Tensor) Keys() *Tensor { return t.keys }

// Clone returns a deep copy.
func (t *Tensor) Clone() *Tensor {
	c := &Tensor{kind: t.kind, dtype: t.dtype, shape: t.shape.Clone()}
	if t.data != nil {
		c.data = append(make([]byte, 0, len(t.data)), t.Bytes()...)
	}
	if t.strs != nil {
		c.strs = append([]string{}, t.strs...)
	}
	for _, e := range t.elems {
		c.elems = append(c.elems, e.Clone())
	}
	if t.keys != nil {
		c.keys = t.keys.Clone()
	}
	return c
}

// Reshaped returns a tensor over the same elements with another shape of the same length.
func (t *Tensor) Reshaped(shape ...int) (*Tensor, error) {
	if n, err := Shape(shape).Count(); err != nil || t.kind != KindTensor || n != t.Len() {
		return nil, fmt.Errorf("tensor: cannot reshape %v %v to %v", t.kind, []int(t.shape), shape)
	}
	c := *t
	c.shape = Shape(shape).Clone()
	return &c, nil
}

// Reset makes t a dense tensor of the given dtype and shape over data, reusing t's own shape storage, so
// that it allocates nothing once the rank has been seen. The sizes must agree; they are not checked.
func (t *Tensor) Reset(dtype DType, shape Shape, data []byte) {
	t.kind, t.dtype, t.data, t.strs, t.elems, t.keys, t.later = KindTensor, dtype, data, nil, nil, nil, nil
	t.shape = append(t.shape[:0], shape...)
}

// SetData replaces the storage of a dense numeric tensor; the length must fit, it is not checked.
func (t *Tensor) SetData(data []byte) { t.data, t.later = data, nil }

// ResetTo makes t a second header of the value that src holds, sharing its elements but not its shape
// storage.
func (t *Tensor) ResetTo(src *Tensor) {
	shape := append(t.shape[:0], src.shape...)
	*t = *src
	t.shape = shape
}

func bytesOf[T Element](s []T) []byte {
	if len(s) == 0 {
		return []byte{}
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), len(s)*int(unsafe.Sizeof(s[0])))
}

// SetShape changes the dimensions to others of the same length, reusing t's shape storage; it is not
// checked.
func (t *Tensor) SetShape(shape Shape) { t.shape = append(t.shape[:0], shape...) }
