package graph

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/tensor"
)

// SelectOutputs makes the named values of the main graph its outputs, in this order, and removes what they
// do not need. No names leave the graph as it is.
func (g *Graph) SelectOutputs(names []string) error {
	if len(names) == 0 {
		return nil
	}
	byName := g.Names()
	before := g.Outputs
	g.Outputs, g.declared = nil, nil
	for _, name := range names {
		v := byName[name]
		if v == nil {
			var outputs []string
			for _, v := range before {
				outputs = append(outputs, v.Name)
			}
			return fmt.Errorf("graph: the model has no value %q: its outputs are %q", name, outputs)
		}
		g.Outputs = append(g.Outputs, v)
	}
	g.Prune()
	return nil
}

// SetOutputs makes the given values the outputs of the main graph. What the model declares of its outputs holds no more.
func (g *Graph) SetOutputs(outputs []*Value) { g.Outputs, g.declared = outputs, nil }

// Names maps names to values of the main graph: inputs, weights that a node reads, results of nodes, outputs.
func (g *Graph) Names() map[string]*Value {
	byName := map[string]*Value{}
	for _, v := range g.Inputs {
		byName[v.Name] = v
	}
	g.Walk(func(sub *Graph) {
		for _, n := range sub.Nodes {
			for _, v := range n.In {
				if v != nil && v.From == nil && v.IsConst() && byName[v.Name] == nil {
					byName[v.Name] = v
				}
			}
		}
	})
	for _, n := range g.Nodes {
		for _, v := range n.Out {
			if v != nil {
				byName[v.Name] = v
			}
		}
	}
	for _, v := range g.Outputs {
		byName[v.Name] = v
	}
	return byName
}

// FixInputs replaces the declared shapes of the inputs by concrete ones.
func (g *Graph) FixInputs(shapes []tensor.Shape) {
	for i, v := range g.Inputs {
		if v.Kind != tensor.KindTensor {
			continue
		}
		v.Ranked, v.Dims = true, nil
		for _, d := range shapes[i] {
			v.Dims = append(v.Dims, sym.Const(int64(d)))
		}
	}
}
