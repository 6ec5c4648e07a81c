package convert

import (
	"slices"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/onnx/schema"
	"github.com/onnxrun/onnxrun/tensor"
)

// irVersions lists the IR version of the ONNX release that brought an operator set: the last row whose opset
// is not above it counts.
var irVersions = map[string][][2]int64{ // opset, IR version
	schema.ONNX: {{1, 3}, {9, 4}, {10, 5}, {11, 6}, {12, 7}, {15, 8}, {19, 9}, {21, 10}, {23, 11}, {24, 12}, {25, 13}, {28, 14}},
	schema.ML:   {{1, 3}, {2, 6}, {3, 8}, {4, 9}, {5, 10}},
}

// dtypeVersions lists the IR versions that element types came with; those not listed were always there.
var dtypeVersions = map[tensor.DType]int64{
	tensor.BFloat16: 4, tensor.Float8E4M3FN: 9, tensor.Float8E4M3FNUZ: 9, tensor.Float8E5M2: 9, tensor.Float8E5M2FNUZ: 9,
	tensor.Uint4: 10, tensor.Int4: 10, tensor.Float4E2M1: 11, tensor.Float8E8M0: 12, tensor.Uint2: 13, tensor.Int2: 13,
	tensor.Float6E2M3: 14, tensor.Float6E3M2: 14,
}

const (
	functionsVersion = 8  // IR version with model-local functions
	overloadsVersion = 10 // with overloads and metadata of nodes
	freeVersion      = 4  // from which initializers need not be inputs
)

// setIRVersion gives a converted model the IR version of its operator sets, or a newer one that its parts
// need; upwards it never falls.
func setIRVersion(m, before *onnx.Model) {
	if slices.EqualFunc(m.Opsets, before.Opsets, func(a, b onnx.OpsetID) bool { return a.Version == b.Version }) {
		return
	}
	version, up := int64(3), false
	for i, o := range m.Opsets {
		for _, row := range irVersions[onnx.NormalDomain(o.Domain)] {
			if row[0] <= o.Version {
				version = max(version, row[1])
			}
		}
		up = up || i >= len(before.Opsets) || o.Version > before.Opsets[i].Version
	}
	if len(m.Functions) > 0 {
		version = max(version, functionsVersion)
	}
	for _, f := range m.Functions {
		if f.Overload != "" {
			version = max(version, overloadsVersion)
		}
		version = max(version, newestPart(&onnx.Graph{Nodes: f.Nodes}))
	}
	version = max(version, newestPart(m.Graph))
	if up {
		version = max(version, before.IRVersion)
	}
	m.IRVersion = version
	if version < freeVersion {
		m.Graph = withInputs(m.Graph)
	}
}

// newestPart returns the least IR version that the parts of a graph need.
func newestPart(g *onnx.Graph) int64 {
	version := int64(1)
	need := func(t *onnx.Type) {
		for ; t != nil; t = t.Elem {
			version = max(version, dtypeVersions[t.DType()])
			if t.Kind == onnx.TypeOptional {
				version = max(version, functionsVersion)
			}
		}
	}
	for _, list := range [][]*onnx.ValueInfo{g.Inputs, g.Outputs, g.ValueInfos} {
		for _, v := range list {
			need(v.Type)
		}
	}
	for _, t := range g.Initializers {
		version = max(version, dtypeVersions[t.DType()])
	}
	if len(g.SparseInitializers) > 0 {
		version = max(version, 5)
	}
	for _, n := range g.Nodes {
		if len(n.Metadata) > 0 || n.Overload != "" {
			version = max(version, overloadsVersion)
		}
		for _, a := range n.Attributes {
			if a.T != nil {
				version = max(version, dtypeVersions[a.T.DType()])
			}
			need(a.TypeProto)
			for _, b := range bodiesOf(a) {
				version = max(version, newestPart(b))
			}
		}
	}
	return version
}

// withInputs returns a main graph whose initializers are inputs, too, as IR version 3 demands. Those of
// inner graphs, which cannot have more inputs, become Constant nodes.
func withInputs(g *onnx.Graph) *onnx.Graph {
	out := *g
	out.Inputs = slices.Clone(g.Inputs)
	for _, t := range g.Initializers {
		if slices.ContainsFunc(g.Inputs, func(v *onnx.ValueInfo) bool { return v.Name == t.Name }) {
			continue
		}
		info := &onnx.ValueInfo{Name: t.Name, Type: onnx.NewTensorType(t.DType())}
		for _, d := range t.Dims {
			info.Type.Dims = append(info.Type.Dims, onnx.FixedDim(d))
		}
		out.Inputs = append(out.Inputs, info)
	}
	out.Nodes = slices.Clone(g.Nodes)
	for i, n := range out.Nodes {
		out.Nodes[i], _ = mapBodies(n, func(_ string, b *onnx.Graph) (*onnx.Graph, error) { return withConstants(b), nil })
	}
	return &out
}

// withConstants returns an inner graph with nodes in place of initializers.
func withConstants(g *onnx.Graph) *onnx.Graph {
	out := *g
	out.Initializers, out.Nodes = nil, nil
	for _, t := range g.Initializers {
		out.Nodes = append(out.Nodes, &onnx.Node{OpType: "Constant", Outputs: []string{t.Name},
			Attributes: []*onnx.Attribute{onnx.NewTensor("value", t)}})
	}
	for _, n := range g.Nodes {
		n, _ = mapBodies(n, func(_ string, b *onnx.Graph) (*onnx.Graph, error) { return withConstants(b), nil })
		out.Nodes = append(out.Nodes, n)
	}
	return &out
}

// mapBodies returns n with f, which also gets the attribute's name, applied to the graphs in its attributes; a node without
// any stays itself.
func mapBodies(n *onnx.Node, f func(attr string, g *onnx.Graph) (*onnx.Graph, error)) (*onnx.Node, error) {
	out := n
	for i, a := range n.Attributes {
		if a.G == nil && len(a.Graphs) == 0 {
			continue
		}
		if out == n {
			c := *n
			c.Attributes = slices.Clone(n.Attributes)
			out = &c
		}
		b := *a
		b.Graphs = slices.Clone(a.Graphs)
		var err error
		if a.G != nil {
			if b.G, err = f(a.Name, a.G); err != nil {
				return nil, err
			}
		}
		for k, g := range a.Graphs {
			if b.Graphs[k], err = f(a.Name, g); err != nil {
				return nil, err
			}
		}
		out.Attributes[i] = &b
	}
	return out, nil
}
