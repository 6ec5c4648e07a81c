package nn

import (
	"fmt"
	"maps"
	"slices"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/onnx/schema"
	"github.com/onnxrun/onnxrun/tensor"
)

// Model returns the model, with every weight initialised, or the first mistake that was made. Further layers may be
// added afterwards; each call returns a model of its own.
func (b *Builder) Model() (*onnx.Model, error) {
	if b.err == nil && len(b.outputs) == 0 {
		b.fail("model %q has no outputs", b.name)
	}
	if b.err != nil {
		return nil, b.err
	}
	g := &onnx.Graph{Name: b.name, Inputs: slices.Clone(b.inputs), Initializers: slices.Clone(b.consts)}
	for _, w := range b.weights {
		t, err := w.tensor(b.seed)
		if err != nil {
			return nil, fmt.Errorf("nn: weight %q: %w", w.name, err)
		}
		g.Initializers = append(g.Initializers, tensor.NewProto(w.name, t))
	}
	b.appendNodes(g)
	m := &onnx.Model{IRVersion: irVersion, Opsets: opsetsOf(g.Nodes), ProducerName: "onnxrun", Graph: g}
	if err := onnx.Check(m).Err(); err != nil {
		return nil, fmt.Errorf("nn: model %q: %w", b.name, err)
	}
	return m, nil
}

// appendNodes adds the nodes and outputs: the result of a node takes the name of the output that it is, and what is no
// result of a node, or an output twice, is passed through an Identity. So are all outputs where graphs inside of nodes
// might use the names.
func (b *Builder) appendNodes(g *onnx.Graph) {
	made, bodies := map[string]bool{}, false
	for _, n := range b.nodes {
		for _, out := range n.Outputs {
			made[out] = true
		}
		for _, a := range n.Attributes {
			bodies = bodies || a.G != nil || len(a.Graphs) > 0
		}
	}
	names := map[string]string{}
	var copies []*onnx.Node
	for _, out := range b.outputs {
		g.Outputs = append(g.Outputs, &onnx.ValueInfo{Name: out.name, Type: b.declared(out.v.Type)})
		if _, twice := names[out.v.Name]; made[out.v.Name] && !twice && !bodies {
			names[out.v.Name] = out.name
			continue
		}
		copies = append(copies, &onnx.Node{Name: b.unique(out.name + "/Identity"), OpType: "Identity", Inputs: []string{out.v.Name}, Outputs: []string{out.name}})
	}
	for _, n := range slices.Concat(b.nodes, copies) {
		c := *n
		c.Inputs, c.Outputs = renamed(n.Inputs, names), renamed(n.Outputs, names)
		g.Nodes = append(g.Nodes, &c)
	}
}

func renamed(list []string, names map[string]string) []string {
	out := slices.Clone(list)
	for i, name := range out {
		if to, ok := names[name]; ok {
			out[i] = to
		}
	}
	return out
}

// opsetsOf lists the operator sets that nodes and the graphs inside them are of, the standard one first.
func opsetsOf(nodes []*onnx.Node) []onnx.OpsetID {
	domains := map[string]bool{}
	collectDomains(nodes, domains)
	delete(domains, schema.ONNX)
	list := []onnx.OpsetID{{Version: opset}}
	for _, domain := range slices.Sorted(maps.Keys(domains)) {
		list = append(list, onnx.OpsetID{Domain: domain, Version: int64(schema.LatestOpset(domain))})
	}
	return list
}

func collectDomains(nodes []*onnx.Node, domains map[string]bool) {
	for _, n := range nodes {
		domains[onnx.NormalDomain(n.Domain)] = true
		for _, a := range n.Attributes {
			for _, g := range append([]*onnx.Graph{a.G}, a.Graphs...) {
				if g != nil {
					collectDomains(g.Nodes, domains)
				}
			}
		}
	}
}
