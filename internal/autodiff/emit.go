package autodiff

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// An Emitter collects nodes that are to be added to an inferred graph, in topological order, and infers each
// when it is made.
type Emitter struct {
	Nodes []*graph.Node

	table *ops.Table
	infer graph.Inferrer
	path  string // of the node that the next ones belong to
	count int    // of names
	made  int    // of nodes
}

// maxMade bounds the nodes that one Emitter makes: gradients of gradients grow without end.
const maxMade = 1 << 17

// NewEmitter returns an Emitter for operators of a table.
func NewEmitter(table *ops.Table) *Emitter {
	return &Emitter{table: table, infer: graph.Inferrer{Prefix: "g"}}
}

// Node adds a node of the newest version of an operator and returns its outputs. GradCtx.Emit says what
// attributes may be.
func (e *Emitter) Node(outputs int, domain, op string, attrs map[string]any, in ...*graph.Value) ([]*graph.Value, error) {
	return e.nodeAround(nil, outputs, domain, op, attrs, in...)
}

// nodeAround is Node for an operator with graphs inside.
func (e *Emitter) nodeAround(bodies []graph.Body, outputs int, domain, op string, attrs map[string]any, in ...*graph.Value) ([]*graph.Value, error) {
	list, err := attributes(attrs)
	if err != nil {
		return nil, fmt.Errorf("autodiff: %s: %w", op, err)
	}
	names := make([]string, outputs)
	for i := range names {
		names[i] = e.name(op)
	}
	n, err := graph.NewNode(e.table, domain, op, list, in, names...)
	if err != nil {
		return nil, err
	}
	n.Name, n.Bodies = names[0], bodies
	return n.Out, e.add(n)
}

// inside returns the nodes that f emits, which belong to a graph of their own.
func (e *Emitter) inside(f func() error) ([]*graph.Node, error) {
	outer := e.Nodes
	e.Nodes = nil
	err := f()
	nodes := e.Nodes
	e.Nodes = outer
	return nodes, err
}

// One is Node for the first output.
func (e *Emitter) One(op string, attrs map[string]any, in ...*graph.Value) (*graph.Value, error) {
	out, err := e.Node(1, "", op, attrs, in...)
	if err != nil {
		return nil, err
	}
	return out[0], nil
}

// Const returns a constant.
func (e *Emitter) Const(t *tensor.Tensor) *graph.Value {
	return &graph.Value{Name: e.name("const"), Value: ops.ConstValue(t)}
}

// sum adds tensors, or the elements of sequences.
func (e *Emitter) sum(parts ...*graph.Value) (*graph.Value, error) {
	domain, op := "", "Sum"
	switch parts[0].Kind {
	case tensor.KindSequence:
		domain, op = "onnxrun", "SequenceSum"
	case tensor.KindOptional:
		return nil, ops.Unsupported("no gradient of several uses of an optional (value %q)", parts[0].Name)
	}
	out, err := e.Node(1, domain, op, nil, parts...)
	if err != nil {
		return nil, err
	}
	return out[0], nil
}

// zeros returns zeros of the type and shape of v, a tensor or a sequence.
func (e *Emitter) zeros(v *graph.Value) (*graph.Value, error) {
	switch v.Kind {
	case tensor.KindSequence:
		out, err := e.Node(1, "onnxrun", "SequenceZeros", nil, v)
		if err != nil {
			return nil, err
		}
		return out[0], nil
	case tensor.KindOptional:
		return nil, ops.Unsupported("no gradient of an optional (value %q)", v.Name)
	}
	return e.Filled(v, 0)
}

// Filled returns a value of the type and shape of v all of whose elements are x.
func (e *Emitter) Filled(v *graph.Value, x float64) (*graph.Value, error) {
	t, err := tensor.FromFloat64s(v.DType, tensor.Shape{1}, []float64{x})
	if err != nil {
		return nil, err
	}
	shape, err := e.One("Shape", nil, v)
	if err != nil {
		return nil, err
	}
	return e.One("ConstantOfShape", map[string]any{"value": t}, shape)
}

func (e *Emitter) add(n *graph.Node) error {
	if err := e.counts(1); err != nil {
		return err
	}
	e.Nodes = append(e.Nodes, n)
	return e.infer.Node(n)
}

// counts adds to the nodes made.
func (e *Emitter) counts(nodes int) error {
	if e.made += nodes; e.made > maxMade {
		return fmt.Errorf("autodiff: gradients take more than %d nodes", maxMade)
	}
	return nil
}

func (e *Emitter) name(op string) string {
	e.count++
	return fmt.Sprintf("%s%s%d/%s", e.path, mark, e.count, op)
}

// attributes makes the attributes of a node, sorted by name.
func attributes(m map[string]any) (ops.Attrs, error) {
	var out ops.Attrs
	for _, name := range slices.Sorted(maps.Keys(m)) {
		a, err := onnx.NewAttribute(name, m[name])
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

// mark is in the names of what an Emitter makes.
const mark = "/grad:"

// Emitted reports whether an Emitter made n, or a pass put it in the place of such a node.
func Emitted(n *graph.Node) bool { return strings.Contains(n.Name, mark) }
