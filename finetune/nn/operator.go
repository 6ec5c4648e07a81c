package nn

import (
	"maps"
	"slices"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/onnx/schema"
)

// Attrs are attributes of a node by name: bool, int, int64, float32, float64, string, lists of int, int64, float32 or
// string, tensor.DType, *tensor.Tensor or *onnx.Graph.
type Attrs map[string]any

// An Operator is a layer that applies any operator of ONNX to its input. As an operator of several inputs takes more
// than what a layer is applied to, the others follow in Inputs.
type Operator struct {
	Domain string // "" is the standard one
	Name   string // as in "Softsign"
	Attrs  Attrs
	Inputs []*Value // after the first; nil for one that is left out
}

// Apply adds the node and returns its first output.
func (l Operator) Apply(x *Value) *Value {
	b := x.b
	defer b.enter(l.Name, prefixOf(l.Name))()
	out := b.node(b.top.name, l.Domain, l.Name, l.Attrs, 1, append([]*Value{x}, l.Inputs...)...)
	return out[0]
}

// Op adds a node of a standard operator and returns its first output. An input that is left out is nil.
func (b *Builder) Op(name string, attrs Attrs, in ...*Value) *Value {
	return b.node(b.top.below(name), "", name, attrs, 1, in...)[0]
}

// Node adds a node of an operator of any domain and returns the given number of outputs.
func (b *Builder) Node(domain, name string, attrs Attrs, outputs int, in ...*Value) []*Value {
	return b.node(b.top.below(name), domain, name, attrs, outputs, in...)
}

// sole adds the only node of a layer, which gets the layer's name.
func (b *Builder) sole(op string, attrs Attrs, in ...*Value) *Value {
	return b.node(b.top.name, "", op, attrs, 1, in...)[0]
}

func (b *Builder) node(name, domain, op string, attrs Attrs, outputs int, in ...*Value) []*Value {
	out := make([]*Value, max(1, outputs))
	for i := range out {
		out[i] = b.none()
	}
	n := &onnx.Node{Name: b.unique(name), OpType: op, Domain: onnx.NormalDomain(domain)}
	for _, x := range in {
		switch {
		case x == nil:
			n.Inputs = append(n.Inputs, "")
		case !b.owns(x):
			return out
		default:
			n.Inputs = append(n.Inputs, x.v.Name)
		}
	}
	if b.err != nil {
		return out
	}
	for len(n.Inputs) > 0 && n.Inputs[len(n.Inputs)-1] == "" {
		n.Inputs = n.Inputs[:len(n.Inputs)-1]
	}
	for _, key := range slices.Sorted(maps.Keys(attrs)) {
		a, err := onnx.NewAttribute(key, attrs[key])
		if err != nil {
			b.fail("%w", err)
			return out
		}
		n.Attributes = append(n.Attributes, a)
	}
	n.Outputs = b.outputNames(n, len(out))
	values, err := b.shapes.Node(n)
	if err != nil {
		b.fail("%w", err)
		return out
	}
	b.used[n.Name] = true
	for i, v := range values {
		b.used[n.Outputs[i]] = true
		out[i].v = v
	}
	b.nodes = append(b.nodes, n)
	return out
}

// outputNames names a single output like its node, and one of several by its formal name, as in "lstm1.Y_h".
func (b *Builder) outputNames(n *onnx.Node, count int) []string {
	if count == 1 {
		return []string{n.Name}
	}
	names := make([]string, count)
	s := schema.Lookup(n.Domain, n.OpType, int(latestOf(n.Domain)))
	for i := range names {
		formal := "output"
		if s != nil && s.Output(i) != nil {
			formal = s.Output(i).Name
		}
		names[i] = b.unique(n.Name + "." + formal)
		b.used[names[i]] = true
	}
	return names
}

// latestOf returns the operator set of a domain that nodes are of.
func latestOf(domain string) int64 {
	if domain == schema.ONNX {
		return opset
	}
	return int64(schema.LatestOpset(domain))
}
