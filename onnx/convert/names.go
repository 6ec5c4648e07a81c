package convert

import (
	"slices"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// namesOf returns all names of values and nodes in a model, functions and inner graphs included.
func namesOf(m *onnx.Model) map[string]bool {
	names := map[string]bool{}
	addNames(m.Graph, names)
	for _, f := range m.Functions {
		addNames(&onnx.Graph{Nodes: f.Nodes}, names)
		for _, list := range [][]string{f.Inputs, f.Outputs} {
			for _, s := range list {
				names[s] = true
			}
		}
	}
	for _, t := range m.TrainingInfo {
		for _, g := range []*onnx.Graph{t.Initialization, t.Algorithm} {
			if g != nil {
				addNames(g, names)
			}
		}
	}
	return names
}

func addNames(g *onnx.Graph, names map[string]bool) {
	for _, list := range [][]*onnx.ValueInfo{g.Inputs, g.Outputs, g.ValueInfos} {
		for _, v := range list {
			names[v.Name] = true
		}
	}
	for _, t := range g.Initializers {
		names[t.Name] = true
	}
	for _, t := range g.SparseInitializers {
		names[t.Name()] = true
	}
	for _, n := range g.Nodes {
		names[n.Name] = true
		for _, list := range [][]string{n.Inputs, n.Outputs} {
			for _, s := range list {
				names[s] = true
			}
		}
		for _, a := range n.Attributes {
			for _, b := range bodiesOf(a) {
				addNames(b, names)
			}
		}
	}
}

// uses counts how often a graph and those inside it read each name.
func uses(g *onnx.Graph, count map[string]int) map[string]int {
	for _, n := range g.Nodes {
		for _, s := range n.Inputs {
			count[s]++
		}
		for _, a := range n.Attributes {
			for _, b := range bodiesOf(a) {
				uses(b, count)
			}
		}
	}
	for _, v := range g.Outputs {
		count[v.Name]++
	}
	return count
}

// withoutUnused returns the converted graph without the constants that only the conversion made useless:
// adapters turned them into attributes, or made them for a step that a later one undid.
func withoutUnused(before, after *onnx.Graph) *onnx.Graph {
	if before == after {
		return after
	}
	was, is := uses(before, map[string]int{}), uses(after, map[string]int{})
	old := map[string]bool{}
	addNames(before, old)
	idle := func(name string) bool { return is[name] == 0 && (was[name] > 0 || !old[name]) }
	inputs := map[string]bool{}
	for _, v := range after.Inputs {
		inputs[v.Name] = true
	}
	out := *after
	out.Initializers = slices.DeleteFunc(slices.Clone(after.Initializers), func(t *onnx.TensorProto) bool {
		return idle(t.Name) && !inputs[t.Name]
	})
	out.Nodes = withoutIdle(after.Nodes, idle)
	return &out
}

func withoutIdle(nodes []*onnx.Node, idle func(string) bool) []*onnx.Node {
	out := make([]*onnx.Node, 0, len(nodes))
	for _, n := range nodes {
		if n.OpType == "Constant" && onnx.NormalDomain(n.Domain) == "" && len(n.Outputs) == 1 && idle(n.Outputs[0]) {
			continue
		}
		n, _ = mapBodies(n, func(_ string, g *onnx.Graph) (*onnx.Graph, error) {
			inner := *g
			inner.Nodes = withoutIdle(g.Nodes, idle)
			return &inner, nil
		})
		out = append(out, n)
	}
	return out
}

// renamedTensor returns a tensor under another name; its elements are shared.
func renamedTensor(t *onnx.TensorProto, name string) *onnx.TensorProto {
	v, err := t.Value()
	if err != nil || name == t.Name {
		return t
	}
	return tensor.NewProto(name, v)
}
