package onnx

import "github.com/onnxrun/onnxrun/tensor"

// A Model is a ModelProto: a graph, the functions it may call, and the operator sets both are written for.
type Model struct {
	IRVersion       int64
	Opsets          []OpsetID
	ProducerName    string
	ProducerVersion string
	Domain          string
	ModelVersion    int64
	Doc             string
	Graph           *Graph
	Functions       []*Function
	Metadata        []Entry
	TrainingInfo    []*TrainingInfo

	wire
}

// Opset returns the version of domain's operator set that the model imports, and 0 if it imports none.
// The domains "" and "ai.onnx" are the same.
func (m *Model) Opset(domain string) int64 { return opsetOf(m.Opsets, domain) }

// Function returns the model-local function with the given name, or nil.
func (m *Model) Function(domain, name, overload string) *Function {
	for _, f := range m.Functions {
		if f.Name == name && f.Overload == overload && NormalDomain(f.Domain) == NormalDomain(domain) {
			return f
		}
	}
	return nil
}

// An OpsetID names one version of an operator set.
type OpsetID struct {
	Domain  string
	Version int64

	wire
}

// An Entry is one key and value of a list such as the metadata of a model.
type Entry = tensor.ProtoEntry

// A Graph is a GraphProto: nodes in topological order, with the names they read and write.
type Graph struct {
	Name                    string
	Nodes                   []*Node
	Initializers            []*TensorProto
	SparseInitializers      []*SparseTensor
	Inputs                  []*ValueInfo
	Outputs                 []*ValueInfo
	ValueInfos              []*ValueInfo
	QuantizationAnnotations []Annotation
	Metadata                []Entry
	Doc                     string

	wire
}

// A Node is a NodeProto: one application of an operator or function. An empty name among the inputs or
// outputs stands for one that is left out.
type Node struct {
	Name       string
	OpType     string
	Domain     string
	Overload   string
	Inputs     []string
	Outputs    []string
	Attributes []*Attribute
	Doc        string
	Metadata   []Entry

	wire // holds the device configurations, too
}

// Attr returns the attribute of that name, or nil.
func (n *Node) Attr(name string) *Attribute {
	for _, a := range n.Attributes {
		if a.Name == name {
			return a
		}
	}
	return nil
}

// A ValueInfo gives the type of a named value. Type is nil when the model does not say.
type ValueInfo struct {
	Name     string
	Type     *Type
	Doc      string
	Metadata []Entry

	wire
}

// A Function is a FunctionProto: a body of nodes that a node may call by its domain, name and overload.
type Function struct {
	Domain          string
	Name            string
	Overload        string
	Inputs          []string
	Outputs         []string
	Attributes      []string     // names of attributes without a default
	AttributeProtos []*Attribute // attributes with a default
	Nodes           []*Node
	Opsets          []OpsetID
	ValueInfos      []*ValueInfo
	Metadata        []Entry
	Doc             string

	wire
}

// Opset returns the version of domain's operator set that the function's body is written for, and 0 if
// it imports none.
func (f *Function) Opset(domain string) int64 { return opsetOf(f.Opsets, domain) }

// TrainingInfo is a TrainingInfoProto: graphs that initialise and update the model's state.
type TrainingInfo struct {
	Initialization        *Graph
	Algorithm             *Graph
	InitializationBinding []Entry
	UpdateBinding         []Entry

	wire
}

// An Annotation names the quantisation parameters of one value.
type Annotation struct {
	TensorName string
	Params     []Entry

	wire
}

// TensorProto is a TensorProto message; its Value is decoded when asked for. See tensor.Proto.
type TensorProto = tensor.Proto

// A SparseTensor is a SparseTensorProto: the Values [NNZ] of a tensor of shape Dims at the Indices [NNZ] or
// [NNZ, rank]. Its name is that of Values.
type SparseTensor struct {
	Values  *TensorProto
	Indices *TensorProto
	Dims    []int64

	wire
}

// wire is what a message keeps of its encoded form: which scalar fields were present, and the records this
// package does not know. The zero value belongs to messages made by a program.
type wire struct {
	unknown []byte
	set     uint32 // bit n: field n was present
}

func (w *wire) has(field int) bool { return w.set>>field&1 != 0 }

// NormalDomain returns domain, or "" for "ai.onnx", which is the same.
func NormalDomain(domain string) string {
	if domain == "ai.onnx" {
		return ""
	}
	return domain
}

func opsetOf(opsets []OpsetID, domain string) int64 {
	for _, o := range opsets {
		if NormalDomain(o.Domain) == NormalDomain(domain) {
			return o.Version
		}
	}
	return 0
}
