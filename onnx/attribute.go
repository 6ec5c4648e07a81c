package onnx

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
