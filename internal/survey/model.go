package survey

import (
	"cmp"
	"slices"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
)

// A Model is the description of a model.
type Model struct {
	Producer   string         `json:"producer"`
	IRVersion  int64          `json:"ir_version"`
	Opsets     map[string]int `json:"opsets"`
	Inputs     []Value        `json:"inputs"`
	Outputs    []Value        `json:"outputs"`
	Nodes      int            `json:"nodes"` // those of subgraphs and functions included
	Functions  int            `json:"functions"`
	Parameters int64          `json:"parameters"` // elements of initializers and constants
	Bytes      int64          `json:"parameter_bytes"`
	Operators  []Count        `json:"operators"`
	Compute
	ArenaBytes  int      `json:"arena_bytes"` // memory for inner values at these sizes
	Supported   bool     `json:"supported"`
	Unsupported []string `json:"unsupported"`
	Problem     string   `json:"problem,omitempty"` // why the model cannot be planned, other than by what is unsupported
}

// A Value is an input, an output or an inner value. Dims holds numbers, names of symbolic dimensions, and
// null where nothing is known; it is nil where not even the rank is known.
type Value struct {
	Path  string `json:"path"`
	Kind  string `json:"kind"`
	DType string `json:"dtype"`
	Dims  []any  `json:"dims"`
}

// A Count says how often an operator occurs.
type Count struct {
	Operator string `json:"operator"`
	Nodes    int    `json:"nodes"`
}

// Describe reads what stands in the model itself.
func Describe(m *onnx.Model) *Model {
	d := &Model{
		Producer: m.ProducerName, IRVersion: m.IRVersion, Opsets: map[string]int{}, Functions: len(m.Functions),
		Inputs: []Value{}, Outputs: []Value{}, Operators: []Count{}, Unsupported: []string{},
	}
	if m.ProducerVersion != "" {
		d.Producer += " " + m.ProducerVersion
	}
	for _, o := range m.Opsets {
		name := o.Domain
		if onnx.NormalDomain(name) == "" {
			name = "ai.onnx"
		}
		d.Opsets[name] = int(o.Version)
	}
	counts := map[string]int{}
	if g := m.Graph; g != nil {
		given := map[string]bool{}
		for _, p := range g.Initializers {
			given[p.Name] = true
		}
		for _, v := range g.Inputs {
			if !given[v.Name] {
				d.Inputs = append(d.Inputs, declared(v))
			}
		}
		for _, v := range g.Outputs {
			d.Outputs = append(d.Outputs, declared(v))
		}
		d.graph(g, counts)
	}
	for _, f := range m.Functions {
		d.nodes(f.Nodes, counts)
	}
	for name, n := range counts {
		d.Operators = append(d.Operators, Count{name, n})
		d.Nodes += n
	}
	slices.SortFunc(d.Operators, func(a, b Count) int {
		return cmp.Or(cmp.Compare(b.Nodes, a.Nodes), cmp.Compare(a.Operator, b.Operator))
	})
	return d
}

func (d *Model) graph(g *onnx.Graph, counts map[string]int) {
	for _, p := range g.Initializers {
		d.parameter(p)
	}
	for _, s := range g.SparseInitializers {
		d.parameter(s.Values)
	}
	d.nodes(g.Nodes, counts)
}

func (d *Model) nodes(nodes []*onnx.Node, counts map[string]int) {
	for _, n := range nodes {
		name := n.OpType
		if dom := onnx.NormalDomain(n.Domain); dom != "" {
			name = dom + ":" + name
		}
		counts[name]++
		for _, a := range n.Attributes {
			if a.G != nil {
				d.graph(a.G, counts)
			}
			for _, g := range a.Graphs {
				d.graph(g, counts)
			}
			if a.T != nil && n.OpType == "Constant" {
				d.parameter(a.T)
			}
		}
	}
}

func (d *Model) parameter(p *onnx.TensorProto) {
	if p == nil {
		return
	}
	if shape, err := p.Shape(); err == nil {
		n := shape.Len()
		d.Parameters += int64(n)
		d.Bytes += int64(p.DType().ByteLen(n))
	}
}

// declared describes a value by the type that the model gives it.
func declared(v *onnx.ValueInfo) Value {
	d := Value{Path: v.Name, Kind: "unknown"}
	if v.Type == nil {
		return d
	}
	t := v.Type
	d.Kind = t.Kind.String()
	for t.Elem != nil && t.Kind != onnx.TypeTensor {
		t = t.Elem
	}
	d.DType = t.DType().String()
	if t.HasShape {
		d.Dims = []any{}
		for _, dim := range t.Dims {
			switch dim.Kind {
			case onnx.DimValue:
				d.Dims = append(d.Dims, dim.Value)
			case onnx.DimParam:
				d.Dims = append(d.Dims, dim.Param)
			default:
				d.Dims = append(d.Dims, nil)
			}
		}
	}
	return d
}

// inferred describes a value by its inferred type.
func inferred(path string, t ops.Type) Value {
	v := Value{Path: path, Kind: t.Kind.String(), DType: t.DType.String()}
	if t.Ranked {
		v.Dims = []any{}
		for _, dim := range t.Dims {
			if n, ok := dim.Const(); ok {
				v.Dims = append(v.Dims, n)
			} else {
				v.Dims = append(v.Dims, dim.String())
			}
		}
	}
	return v
}
