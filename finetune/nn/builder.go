package nn

import (
	"fmt"
	"strconv"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/onnx/schema"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// The versions that models are written for. Operator set 23 is the first with Attention and RMSNormalization.
const (
	irVersion = 11
	opset     = 23
)

// A Builder writes one model. It belongs to one goroutine.
type Builder struct {
	name    string
	seed    uint64
	shapes  *graph.Incremental
	dims    []string // names: entry i is the Dim Batch - i
	top     *frame   // the layer that is being added
	pending string   // the name that Named gives to the next layer
	used    map[string]bool
	inputs  []*onnx.ValueInfo
	outputs []output
	nodes   []*onnx.Node
	weights []*weight
	consts  []*onnx.TensorProto
	byName  map[string]*weight
	err     error
}

// An output is a value that the model returns under a name of its own.
type output struct {
	name string
	v    *graph.Value
}

// New returns a Builder of an empty model of the given name. The seed decides about the first values of its weights.
func New(name string, seed uint64) *Builder {
	return &Builder{
		name: name, seed: seed, shapes: graph.NewIncremental(ops.Default(), latest()), dims: dimNames[:len(dimNames):len(dimNames)],
		top: newFrame("", "", nil), used: map[string]bool{}, byName: map[string]*weight{},
	}
}

// latest lists the operator sets that nodes may be of: the newest of each domain, but for the standard one.
func latest() []onnx.OpsetID {
	list := []onnx.OpsetID{{Version: opset}}
	for _, domain := range schema.Domains() {
		if domain != schema.ONNX && domain != schema.Internal {
			list = append(list, onnx.OpsetID{Domain: domain, Version: int64(schema.LatestOpset(domain))})
		}
	}
	return list
}

// Input adds an input of the model.
func (b *Builder) Input(name string, dtype tensor.DType, dims ...Dim) *Value {
	shape := make([]ops.Dim, len(dims))
	for i, d := range dims {
		var err error
		if shape[i], err = b.expr(d); err != nil {
			return b.fail("input %q: %w", name, err)
		}
	}
	switch {
	case name == "":
		return b.fail("an input has no name")
	case !dtype.Valid():
		return b.fail("input %q: element type %v is none", name, dtype)
	}
	t := ops.TensorType(dtype, shape...)
	v, err := b.declare(name, t)
	if err != nil {
		return b.fail("input %q: %w", name, err)
	}
	b.inputs = append(b.inputs, &onnx.ValueInfo{Name: name, Type: b.declared(t)})
	return v
}

// Output makes x an output of the model and gives it that name.
func (b *Builder) Output(name string, x *Value) {
	switch {
	case !b.owns(x):
	case name == "":
		b.fail("an output has no name")
	case x.v.Kind != tensor.KindTensor:
		b.fail("output %q is %v, want a tensor", name, x)
	case b.used[name]:
		b.fail("output %q: the name is taken", name)
	default:
		b.used[name] = true
		b.outputs = append(b.outputs, output{name, x.v})
	}
}

// owns reports whether x can be used here, and notes it as a mistake if it belongs to another builder.
func (b *Builder) owns(x *Value) bool {
	if x.b != b {
		b.fail("a value of another builder (%q)", x.b.name)
	}
	return b.err == nil && x.v != nil
}

// Constant adds a tensor that is never trained: a table, a list of axes, a number.
func (b *Builder) Constant(name string, t *tensor.Tensor) *Value {
	if b.err != nil {
		return b.none()
	}
	name = b.unique(b.top.below(name))
	v, err := b.shapes.Constant(name, t)
	if err != nil {
		return b.fail("constant %q: %w", name, err)
	}
	b.used[name] = true
	b.consts = append(b.consts, tensor.NewProto(name, t))
	return &Value{b, v}
}

// declare adds an input or a weight.
func (b *Builder) declare(name string, t ops.Type) (*Value, error) {
	if b.used[name] {
		return nil, fmt.Errorf("the name is taken")
	}
	v, err := b.shapes.Declare(name, t)
	if err != nil {
		return nil, err
	}
	b.used[name] = true
	return &Value{b, v}, nil
}

// unique returns a name, with a number behind it if it is taken already.
func (b *Builder) unique(name string) string {
	try := name
	for i := 2; b.used[try]; i++ {
		try = name + "_" + strconv.Itoa(i)
	}
	return try
}

// fail keeps the first mistake, and returns a Value that knows nothing.
func (b *Builder) fail(format string, args ...any) *Value {
	if b.err == nil {
		b.err = fmt.Errorf("nn: %s"+format, append([]any{b.top.where()}, args...)...)
	}
	return b.none()
}

func (b *Builder) none() *Value { return &Value{b: b} }
