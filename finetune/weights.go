package finetune

import (
	"fmt"
	"slices"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// A holder is the place in a model where a weight is stored.
type holder struct {
	proto *onnx.TensorProto         // nil where the value is not a TensorProto
	set   func(p *onnx.TensorProto) // puts another tensor there
	undo  func()                    // puts back what was there
}

// locate finds the weight of a name in m: an initializer, or the output of a Constant node, of the graph or of a body.
// It returns nil if there is none.
func locate(m *onnx.Model, name string) *holder {
	if m.Graph == nil {
		return nil
	}
	return locateIn(m.Graph, name)
}

func locateIn(g *onnx.Graph, name string) *holder {
	for i, p := range g.Initializers {
		if p.Name == name {
			put := p
			return &holder{p, func(q *onnx.TensorProto) { put, g.Initializers[i] = q, q }, func() {
				// Who used the model in between may have moved initializers, or taken some out.
				if at := slices.Index(g.Initializers, put); at >= 0 {
					g.Initializers[at] = p
				}
			}}
		}
	}
	for _, n := range g.Nodes {
		if n.OpType == "Constant" && onnx.NormalDomain(n.Domain) == "" && len(n.Outputs) == 1 && n.Outputs[0] == name {
			old := n.Attributes
			h := &holder{set: func(q *onnx.TensorProto) { n.Attributes = []*onnx.Attribute{onnx.NewTensor("value", q)} }, undo: func() { n.Attributes = old }}
			if a := n.Attr("value"); a != nil {
				h.proto = a.T
			}
			return h
		}
		for _, a := range n.Attributes {
			if a.G == nil {
				continue
			}
			if h := locateIn(a.G, name); h != nil {
				return h
			}
		}
	}
	return nil
}

// master returns a float32 copy of a weight's tensor.
func master(t *tensor.Tensor) *tensor.Tensor {
	out := tensor.New(tensor.Float32, t.Shape()...)
	w := tensor.Of[float32](out)
	if t.DType() == tensor.Float32 {
		copy(w, tensor.Of[float32](t))
		return out
	}
	for i, x := range tensor.Float64s(t, t.Len()) {
		w[i] = float32(x)
	}
	return out
}

// stored returns w in the element type that the model holds it in.
func stored(w *tensor.Tensor, d tensor.DType) (*tensor.Tensor, error) {
	if d == tensor.Float32 {
		return w, nil
	}
	return tensor.FromFloat64s(d, w.Shape(), tensor.Float64s(w, w.Len()))
}

// withWeights calls use with a copy of the model in which each parameter has its present value, and puts back what was there.
// Transformations may change the copy: it shares tensors, nodes and bodies with the model, which they do not change.
func withWeights(m *onnx.Model, params []*Param, use func(*onnx.Model) error) error {
	var undo []func()
	defer func() {
		for _, f := range undo {
			f()
		}
	}()
	for _, p := range params {
		h := locate(m, p.Name)
		if h == nil {
			return fmt.Errorf("finetune: the model has no weight %q", p.Name)
		}
		t, err := stored(p.W, p.DType)
		if err != nil {
			return fmt.Errorf("finetune: weight %q: %w", p.Name, err)
		}
		proto := tensor.NewProto(p.Name, t)
		if h.proto != nil {
			proto.Name, proto.Doc, proto.Metadata = h.proto.Name, h.proto.Doc, h.proto.Metadata
		}
		h.set(proto)
		undo = append(undo, h.undo)
	}
	model, graph := *m, *m.Graph
	graph.Initializers, model.Metadata = slices.Clone(graph.Initializers), slices.Clone(m.Metadata)
	model.Graph = &graph
	return use(&model)
}
