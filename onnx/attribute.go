package onnx

import (
	"fmt"

	"github.com/onnxrun/onnxrun/tensor"
)

// AttributeType says which field of an Attribute holds its value. The values are those of the proto.
type AttributeType int32

// The types of attributes.
const (
	AttrUndefined     AttributeType = 0
	AttrFloat         AttributeType = 1
	AttrInt           AttributeType = 2
	AttrString        AttributeType = 3
	AttrTensor        AttributeType = 4
	AttrGraph         AttributeType = 5
	AttrFloats        AttributeType = 6
	AttrInts          AttributeType = 7
	AttrStrings       AttributeType = 8
	AttrTensors       AttributeType = 9
	AttrGraphs        AttributeType = 10
	AttrSparseTensor  AttributeType = 11
	AttrSparseTensors AttributeType = 12
	AttrTypeProto     AttributeType = 13
	AttrTypeProtos    AttributeType = 14
)

var attributeTypes = [...]string{"undefined", "float", "int", "string", "tensor", "graph", "floats", "ints", "strings",
	"tensors", "graphs", "sparse_tensor", "sparse_tensors", "type_proto", "type_protos"}

// String returns the lower-case word of the type, as in "ints".
func (t AttributeType) String() string {
	if t < 0 || int(t) >= len(attributeTypes) {
		return "unknown"
	}
	return attributeTypes[t]
}

// An Attribute is an AttributeProto: a named constant of a node. Inside a function, RefAttrName may name the
// attribute of the calling node that the value is taken from.
type Attribute struct {
	Name          string
	RefAttrName   string
	Doc           string
	Type          AttributeType
	F             float32
	I             int64
	S             []byte
	T             *TensorProto
	G             *Graph
	SparseTensor  *SparseTensor
	TypeProto     *Type
	Floats        []float32
	Ints          []int64
	Strings       [][]byte
	Tensors       []*TensorProto
	Graphs        []*Graph
	SparseTensors []*SparseTensor
	TypeProtos    []*Type

	wire
}

// NewFloat returns a float attribute.
func NewFloat(name string, v float32) *Attribute {
	return &Attribute{Name: name, Type: AttrFloat, F: v}
}

// NewInt returns an integer attribute.
func NewInt(name string, v int64) *Attribute { return &Attribute{Name: name, Type: AttrInt, I: v} }

// NewString returns a string attribute.
func NewString(name, v string) *Attribute {
	return &Attribute{Name: name, Type: AttrString, S: []byte(v)}
}

// NewFloats returns an attribute that is a list of floats.
func NewFloats(name string, v ...float32) *Attribute {
	return &Attribute{Name: name, Type: AttrFloats, Floats: v}
}

// NewInts returns an attribute that is a list of integers.
func NewInts(name string, v ...int64) *Attribute {
	return &Attribute{Name: name, Type: AttrInts, Ints: v}
}

// NewStrings returns an attribute that is a list of strings.
func NewStrings(name string, v ...string) *Attribute {
	a := &Attribute{Name: name, Type: AttrStrings}
	for _, s := range v {
		a.Strings = append(a.Strings, []byte(s))
	}
	return a
}

// NewTensor returns a tensor attribute.
func NewTensor(name string, v *TensorProto) *Attribute {
	return &Attribute{Name: name, Type: AttrTensor, T: v}
}

// NewGraph returns an attribute that is a graph.
func NewGraph(name string, v *Graph) *Attribute {
	return &Attribute{Name: name, Type: AttrGraph, G: v}
}

// NewAttribute returns an attribute for a Go value: bool, int, int64, float32, float64, string, a list of int, int64,
// float32 or string, an element type, a tensor, a graph.
func NewAttribute(name string, value any) (*Attribute, error) {
	switch v := value.(type) {
	case bool:
		if v {
			return NewInt(name, 1), nil
		}
		return NewInt(name, 0), nil
	case int:
		return NewInt(name, int64(v)), nil
	case int64:
		return NewInt(name, v), nil
	case tensor.DType:
		return NewInt(name, int64(v)), nil
	case float32:
		return NewFloat(name, v), nil
	case float64:
		return NewFloat(name, float32(v)), nil
	case string:
		return NewString(name, v), nil
	case []int:
		a := NewInts(name)
		for _, n := range v {
			a.Ints = append(a.Ints, int64(n))
		}
		return a, nil
	case []int64:
		return NewInts(name, v...), nil
	case []float32:
		return NewFloats(name, v...), nil
	case []string:
		return NewStrings(name, v...), nil
	case *tensor.Tensor:
		return NewTensor(name, tensor.NewProto("", v)), nil
	case *Graph:
		return NewGraph(name, v), nil
	}
	return nil, fmt.Errorf("onnx: attribute %q is a %T, which no attribute can hold", name, value)
}
