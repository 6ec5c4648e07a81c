package schema

// Domains of the operators in this package. The default domain is also
// spelled "ai.onnx"; schemas always carry the empty name.
const (
	ONNX            = ""
	ML              = "ai.onnx.ml"
	Preview         = "ai.onnx.preview"
	PreviewTraining = "ai.onnx.preview.training"
	Microsoft       = "com.microsoft"
	Internal        = "onnxrun" // operators that graph passes and gradients make
)

// Unlimited is the maximum number of inputs or outputs of an operator whose
// last parameter is variadic.
const Unlimited = 1<<31 - 1

// Schema is the interface of one version of an operator. Schemas are shared
// and must not be changed.
type Schema struct {
	Domain string
	Name   string
	// Since is the first operator set that has this version.
	Since int
	// Deprecated says that the operator was removed in this version.
	Deprecated bool
	// HasInference says that ONNX defines type and shape inference for it.
	HasInference bool
	// HasDataPropagation says that ONNX propagates values of shapes through it.
	HasDataPropagation bool
	// NonDeterministic says that the standard leaves the result open, as for
	// random numbers, or that a subgraph decides.
	NonDeterministic bool
	// ContextFunction says that the standard has a function body that depends
	// on the node (types, attributes, given inputs), which Function lacks.
	ContextFunction bool
	// Experimental says that the standard may still change this version.
	Experimental bool

	Inputs      []Param
	Outputs     []Param
	MinInputs   int
	MaxInputs   int
	MinOutputs  int
	MaxOutputs  int
	Attributes  []Attribute // sorted by name
	Constraints []TypeConstraint
}

// Option says how often a parameter occurs.
type Option uint8

// The options of a parameter.
const (
	Single Option = iota
	Optional
	Variadic
)

// Param is a formal input or output.
type Param struct {
	Name string
	// TypeStr names a type constraint of the schema or is a type itself, such
	// as "tensor(int64)".
	TypeStr string
	Option  Option
	// Homogeneous says that all values of a variadic parameter have one type.
	Homogeneous bool
	// MinArity is the least number of values of a variadic parameter.
	MinArity int
	// Differentiable says that the standard calls the operator differentiable
	// with respect to this parameter.
	Differentiable bool
}

// AttrType is the type of an attribute, with the numbers of ONNX
// AttributeProto.AttributeType.
type AttrType uint8

// The types of attributes.
const (
	Float        AttrType = 1
	Int          AttrType = 2
	String       AttrType = 3
	Tensor       AttrType = 4
	Graph        AttrType = 5
	Floats       AttrType = 6
	Ints         AttrType = 7
	Strings      AttrType = 8
	Tensors      AttrType = 9
	Graphs       AttrType = 10
	SparseTensor AttrType = 11
	TypeProto    AttrType = 13
)

// Attribute describes an attribute. Default is nil when there is none, else a
// float32, int64, string, []int64 or []string according to Type.
type Attribute struct {
	Name     string
	Type     AttrType
	Required bool
	Default  any
}

// TypeConstraint lists the types that a name used in TypeStr stands for.
type TypeConstraint struct {
	Param   string
	Allowed Types
}

// Attribute returns the attribute with this name, or nil.
func (s *Schema) Attribute(name string) *Attribute {
	for i := range s.Attributes {
		if s.Attributes[i].Name == name {
			return &s.Attributes[i]
		}
	}
	return nil
}

// Allowed returns the types that a TypeStr of this schema stands for.
func (s *Schema) Allowed(typeStr string) Types {
	for _, c := range s.Constraints {
		if c.Param == typeStr {
			return c.Allowed
		}
	}
	t, _ := parseTypes(typeStr)
	return t
}

// Input returns the formal parameter of input i; the last one stands for all
// further inputs when it is variadic. It is nil when there is no such input.
func (s *Schema) Input(i int) *Param { return param(s.Inputs, i) }

// Output returns the formal parameter of output i, as Input does for inputs.
func (s *Schema) Output(i int) *Param { return param(s.Outputs, i) }

func param(list []Param, i int) *Param {
	last := len(list) - 1
	if i > last && last >= 0 && list[last].Option == Variadic {
		i = last
	}
	if i < 0 || i > last {
		return nil
	}
	return &list[i]
}
