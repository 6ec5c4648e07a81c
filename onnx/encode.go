package onnx

import (
	"github.com/onnxrun/onnxrun/internal/pb"
	"github.com/onnxrun/onnxrun/tensor"
)

// Encode returns m as an encoded message: the same bytes for the same model, fields in the order of their
// numbers, unknown fields last. External data stay where they are.
func Encode(m *Model) []byte {
	e := encoder{tensor: (*TensorProto).WriteWire}
	e.model(m)
	return e.w.AppendTo(make([]byte, 0, e.w.Len()))
}

// encoder writes the parts of a model.
type encoder struct {
	w      pb.Writer
	tensor func(*TensorProto, *pb.Writer) // writes the fields of a tensor
}

// str writes a string field that was present or is not empty.
func (e *encoder) str(w *wire, num int, s string) {
	if s != "" || w.has(num) {
		e.w.String(num, s)
	}
}

// int writes an integer field that was present or is not zero.
func (e *encoder) int(w *wire, num int, v int64) {
	if v != 0 || w.has(num) {
		e.w.Int(num, v)
	}
}

func (e *encoder) strs(num int, list []string) {
	for _, s := range list {
		e.w.String(num, s)
	}
}

// message writes a nested message, whose fields body writes.
func (e *encoder) message(num int, body func()) {
	e.w.Begin(num)
	body()
	e.w.End()
}

// messages writes each element of list as a message of field num.
func messages[T any](e *encoder, num int, list []T, body func(T)) {
	for _, v := range list {
		e.w.Begin(num)
		body(v)
		e.w.End()
	}
}

func (e *encoder) entries(num int, list []Entry) { tensor.WriteEntries(&e.w, num, list) }

func (e *encoder) model(m *Model) {
	e.int(&m.wire, 1, m.IRVersion)
	e.str(&m.wire, 2, m.ProducerName)
	e.str(&m.wire, 3, m.ProducerVersion)
	e.str(&m.wire, 4, m.Domain)
	e.int(&m.wire, 5, m.ModelVersion)
	e.str(&m.wire, 6, m.Doc)
	if m.Graph != nil {
		e.message(7, func() { e.graph(m.Graph) })
	}
	e.opsets(8, m.Opsets)
	e.entries(14, m.Metadata)
	messages(e, 20, m.TrainingInfo, e.training)
	messages(e, 25, m.Functions, e.function)
	e.w.Raw(m.unknown)
}

func (e *encoder) opsets(num int, list []OpsetID) {
	for i := range list {
		o := &list[i]
		e.message(num, func() {
			e.str(&o.wire, 1, o.Domain)
			e.int(&o.wire, 2, o.Version)
			e.w.Raw(o.unknown)
		})
	}
}

func (e *encoder) training(t *TrainingInfo) {
	if t.Initialization != nil {
		e.message(1, func() { e.graph(t.Initialization) })
	}
	if t.Algorithm != nil {
		e.message(2, func() { e.graph(t.Algorithm) })
	}
	e.entries(3, t.InitializationBinding)
	e.entries(4, t.UpdateBinding)
	e.w.Raw(t.unknown)
}

func (e *encoder) function(f *Function) {
	e.str(&f.wire, 1, f.Name)
	e.strs(4, f.Inputs)
	e.strs(5, f.Outputs)
	e.strs(6, f.Attributes)
	messages(e, 7, f.Nodes, e.node)
	e.str(&f.wire, 8, f.Doc)
	e.opsets(9, f.Opsets)
	e.str(&f.wire, 10, f.Domain)
	messages(e, 11, f.AttributeProtos, e.attribute)
	messages(e, 12, f.ValueInfos, e.valueInfo)
	e.str(&f.wire, 13, f.Overload)
	e.entries(14, f.Metadata)
	e.w.Raw(f.unknown)
}

func (e *encoder) graph(g *Graph) {
	messages(e, 1, g.Nodes, e.node)
	e.str(&g.wire, 2, g.Name)
	messages(e, 5, g.Initializers, e.tensorFields)
	e.str(&g.wire, 10, g.Doc)
	messages(e, 11, g.Inputs, e.valueInfo)
	messages(e, 12, g.Outputs, e.valueInfo)
	messages(e, 13, g.ValueInfos, e.valueInfo)
	for i := range g.QuantizationAnnotations {
		a := &g.QuantizationAnnotations[i]
		e.message(14, func() {
			e.str(&a.wire, 1, a.TensorName)
			e.entries(2, a.Params)
			e.w.Raw(a.unknown)
		})
	}
	messages(e, 15, g.SparseInitializers, e.sparse)
	e.entries(16, g.Metadata)
	e.w.Raw(g.unknown)
}

func (e *encoder) node(n *Node) {
	e.strs(1, n.Inputs)
	e.strs(2, n.Outputs)
	e.str(&n.wire, 3, n.Name)
	e.str(&n.wire, 4, n.OpType)
	messages(e, 5, n.Attributes, e.attribute)
	e.str(&n.wire, 6, n.Doc)
	e.str(&n.wire, 7, n.Domain)
	e.str(&n.wire, 8, n.Overload)
	e.entries(9, n.Metadata)
	e.w.Raw(n.unknown)
}

func (e *encoder) valueInfo(v *ValueInfo) {
	e.str(&v.wire, 1, v.Name)
	if v.Type != nil {
		e.message(2, func() { e.typ(v.Type) })
	}
	e.str(&v.wire, 3, v.Doc)
	e.entries(4, v.Metadata)
	e.w.Raw(v.unknown)
}

func (e *encoder) tensorFields(t *TensorProto) { e.tensor(t, &e.w) }

func (e *encoder) sparse(s *SparseTensor) {
	if s.Values != nil {
		e.message(1, func() { e.tensor(s.Values, &e.w) })
	}
	if s.Indices != nil {
		e.message(2, func() { e.tensor(s.Indices, &e.w) })
	}
	for _, d := range s.Dims {
		e.w.Int(3, d)
	}
	e.w.Raw(s.unknown)
}
