package onnx

import "github.com/onnxrun/onnxrun/tensor"

// TypeKind is the alternative that a Type takes. The values are the field numbers of TypeProto.
type TypeKind uint8

// The kinds of types.
const (
	TypeNone     TypeKind = 0
	TypeTensor   TypeKind = 1
	TypeSequence TypeKind = 4
	TypeMap      TypeKind = 5
	TypeOpaque   TypeKind = 7
	TypeSparse   TypeKind = 8
	TypeOptional TypeKind = 9
)

// String returns the lower-case word of the kind.
func (k TypeKind) String() string {
	switch k {
	case TypeTensor:
		return "tensor"
	case TypeSequence:
		return "sequence"
	case TypeMap:
		return "map"
	case TypeOpaque:
		return "opaque"
	case TypeSparse:
		return "sparse_tensor"
	case TypeOptional:
		return "optional"
	}
	return "none"
}

// A Type is a TypeProto.
type Type struct {
	Kind       TypeKind
	HasShape   bool  // tensors: Dims is the shape; otherwise not even the rank is known
	ElemType   int32 // tensors: element type; maps: key type. Numbers as in tensor.DType, not checked
	Dims       []Dim // tensors
	Elem       *Type // sequences, optionals: the element; maps: the value
	Denotation string
	Opaque     *OpaqueType

	inner wire // of the message inside the alternative
	wire
}

// DType returns the element type of a tensor or the key type of a map, and tensor.Undefined if the number is
// not one of ONNX 1.23.
func (t *Type) DType() tensor.DType {
	if t.ElemType < 0 || t.ElemType >= tensor.NumDTypes {
		return tensor.Undefined
	}
	return tensor.DType(t.ElemType)
}

// NewTensorType returns the type of a dense tensor with the given dimensions. With no dimensions it is a
// scalar; set HasShape to false for an unknown rank.
func NewTensorType(d tensor.DType, dims ...Dim) *Type {
	return &Type{Kind: TypeTensor, ElemType: int32(d), HasShape: true, Dims: dims}
}

// OpaqueType names an opaque type.
type OpaqueType struct{ Domain, Name string }

// DimKind says what is known of a dimension.
type DimKind uint8

// The kinds of dimensions: nothing known, a Value, a Param. The values are the field numbers of the proto.
const (
	DimUnknown DimKind = 0
	DimValue   DimKind = 1
	DimParam   DimKind = 2
)

// A Dim is one dimension of a shape: a number, a named unknown, or nothing.
type Dim struct {
	Kind  DimKind
	Value int64
	Param string
	more  *dimMore
}

// dimMore holds what few dimensions have.
type dimMore struct {
	denotation string
	wire
}

// FixedDim returns a dimension of known size.
func FixedDim(n int64) Dim { return Dim{Kind: DimValue, Value: n} }

// NamedDim returns a dimension known by name only.
func NamedDim(name string) Dim { return Dim{Kind: DimParam, Param: name} }

// Denotation returns the semantic label of the dimension, usually empty.
func (d Dim) Denotation() string {
	if d.more == nil {
		return ""
	}
	return d.more.denotation
}
