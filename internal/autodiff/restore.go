package autodiff

import (
	"slices"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// restore gives the copy of the body what it still reads of the forward run: scan inputs once more, and the values
// that each round began with, which the forward node returns as further outputs. Where their shape may differ from
// round to round they are kept in a sequence, else stacked.
func (b *backward) restore() error {
	l := b.l
	used := uses(b.graph)
	old := len(l.n.Out)
	var uneven []*graph.Value
	for k := range l.carried {
		v := l.in(l.body, k)
		switch c := b.copies.Of(v); {
		case !used[c] || c.IsConst():
		case v.Kind != tensor.KindTensor:
			return ops.Unsupported("no gradient of %s through carried value %d, which is %v (node %q)", l.n.Type, k, v.Type, l.n.Path())
		case l.steady(k):
			b.scan.walk(b.stack(v), c, 0, 1)
		default:
			uneven = append(uneven, v)
		}
	}
	for _, v := range b.cut {
		if c := b.copies.Of(v); used[c] {
			b.scan.walk(b.stack(v), c, 0, 1)
		}
	}
	for i := range l.inAxes {
		if c := b.copies.Of(l.slice(l.body, i)); used[c] || len(l.inAxes) == i+1 && len(b.scan.slices) == 0 {
			b.scan.walk(l.scanned(i), c, l.inAxes[i], 1-l.inBack[i])
		}
	}
	if l.n.Type == "Loop" {
		number := l.body.Inputs[0]
		if c := b.copies.Of(number); used[c] || len(uneven) > 0 || len(b.scan.slices) == 0 {
			b.scan.walk(b.stack(number), c, 0, 1)
		}
	}
	for _, v := range uneven {
		if err := b.sequence(v); err != nil {
			return err
		}
	}
	return b.extended(old + len(uneven))
}

// steady reports whether carried value k has one shape in all rounds. Those of a Scan do.
func (l *repeated) steady(k int) bool {
	in, first := l.in(l.body, k), l.n.In[l.first+k]
	if l.n.Type == "Scan" {
		return true
	}
	return in.Ranked && first.Ranked && slices.EqualFunc(in.Dims, first.Dims, ops.Dim.Equal)
}

// stack returns an output of the forward node in which the values v of all rounds are stacked along the first axis.
func (b *backward) stack(v *graph.Value) *graph.Value {
	l := b.l
	for j := range l.outAxes {
		if l.out(l.body, l.carried+j) == v && l.outAxes[j] == 0 && l.outBack[j] == 0 && l.n.Out[l.carried+j] != nil {
			return l.n.Out[l.carried+j]
		}
	}
	l.body.InsertOutput(len(l.body.Outputs), v)
	out := &graph.Value{Name: b.name("saved"), From: l.n, Index: len(l.n.Out)}
	l.n.Out = append(l.n.Out, out)
	return out
}

// sequence makes the forward node return v, a value of its body, of all rounds as a sequence, from which the copy of
// the body takes it.
func (b *backward) sequence(v *graph.Value) error {
	l, n := b.l, b.l.n
	elem := ops.Unranked(v.DType)
	elem.None = true
	empty := ops.Value{Type: ops.SequenceOf(elem), Const: tensor.NewSequence(v.DType)}
	in := &graph.Value{Name: b.name("past"), Value: ops.Value{Type: empty.Type}}
	push, err := graph.NewNode(b.table, "", "SequenceInsert", nil, []*graph.Value{in, v}, b.name("pushed"))
	if err != nil {
		return err
	}
	n.In = append(n.In[:len(n.In):len(n.In)], &graph.Value{Name: b.name("empty"), Value: empty})
	l.body.Inputs = append(l.body.Inputs, in)
	l.body.Nodes = append(l.body.Nodes, push)
	l.body.InsertOutput(l.skip+l.carried, push.Out[0])
	saved := &graph.Value{Name: b.name("saved"), From: n, Index: l.carried}
	n.Out = slices.Insert(n.Out, l.carried, saved)
	for i := l.carried + 1; i < len(n.Out); i++ {
		if n.Out[i] != nil {
			n.Out[i].Index = i
		}
	}
	l.carried++
	pop, err := graph.NewNode(b.table, "", "SequenceAt", nil, []*graph.Value{saved, b.copies.Of(l.body.Inputs[0])})
	if err != nil {
		return err
	}
	c := b.copies.Of(v)
	pop.Name, pop.Out, c.From, c.Index = c.Name, []*graph.Value{c}, pop, 0
	b.graph.Nodes = slices.Insert(b.graph.Nodes, 0, pop)
	return b.counts(2)
}

// extended infers what was added to the forward node, which has had old outputs and sequences, and leaves the others
// as they are.
func (b *backward) extended(old int) error {
	n := b.l.n
	if n.Type == "Scan" {
		n.Attrs = extendList(extendList(n.Attrs, "scan_output_axes", len(n.Out)-old), "scan_output_directions", len(n.Out)-old)
	} else if newest, err := graph.NewNode(b.table, "", n.Type, nil, nil); err != nil {
		return err
	} else { // older versions have no sequences
		n.Version, n.Schema, n.Op = newest.Version, newest.Schema, newest.Op
	}
	probe := *n
	probe.Out = make([]*graph.Value, len(n.Out))
	for i, v := range n.Out {
		if probe.Out[i] = v; v == nil || v.Present() {
			probe.Out[i] = &graph.Value{}
		}
	}
	return b.infer.Node(&probe)
}

// extendList appends zeros to a list of integers among attributes, if it is there.
func extendList(attrs ops.Attrs, name string, zeros int) ops.Attrs {
	out := slices.Clone(attrs)
	for i, a := range out {
		if a.Name == name && len(a.Ints) > 0 {
			out[i] = onnx.NewInts(name, append(slices.Clone(a.Ints), make([]int64, zeros)...)...)
		}
	}
	return out
}
