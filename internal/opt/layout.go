package opt

import (
	"slices"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// layouts moves convolutions and what lies between them to tensors whose channels are their last axis. Every value of
// the graph may have a twin, the same elements with the axes in that order. In the order of the graph, a convolution or
// pool reads the twin of its input and makes that of its output; nodes that mean the same on permuted axes
// (layout_nodes.go) follow when an input has a twin. A value whose own order somebody asks for is transposed from its
// twin then, once; so the reorders end up at the edges of the region, and those that the model writes itself vanish.
func layouts(g *graph.Graph) error {
	if !worthMoving(g.Nodes) {
		return nil
	}
	room := 2 * len(g.Nodes)
	l := &layout{g: g, nodes: make([]*graph.Node, 0, room), twin: make(map[*graph.Value]*graph.Value, room), pending: make(map[*graph.Value]*graph.Node, room)}
	for _, n := range g.Nodes {
		l.node(n)
	}
	for _, v := range g.Outputs {
		l.need(v)
	}
	g.Nodes = l.nodes
	return nil
}

// layout is the pass at work.
type layout struct {
	g       *graph.Graph
	nodes   []*graph.Node                 // what the graph becomes
	twin    map[*graph.Value]*graph.Value // channels last
	pending map[*graph.Value]*graph.Node  // makes a value whose own order nobody has asked for so far; nil: a reorder of its twin
}

// anchor reports whether n is a node for which it pays to transpose its input.
func anchor(n *graph.Node) bool {
	if n.Domain != "" || len(n.Out) != 1 || len(n.In) < 2 || !fits(n.In[0]) || !fits(n.Out[0]) {
		return false
	}
	name := convolutions[n.Type]
	return name != "" && ops.Default().Find("onnxrun", name, 1) != nil && n.In[1] != nil && n.In[1].DType == tensor.Float32
}

// A depthwise convolution of few taps is as fast on planes whose rows have planeRow elements.
const planeRow, planeTaps = 28, 9

// worthMoving reports whether there are convolutions that pay for the reorders at the edges: depthwise ones between wide planes
// do not, since they take less time than these do; unless the model reorders axes itself.
func worthMoving(nodes []*graph.Node) bool {
	planes, transposes := false, false
	for _, n := range nodes {
		switch {
		case !anchor(n):
			transposes = transposes || n.Domain == "" && n.Type == "Transpose"
		case planewise(n):
			planes = true
		default:
			return true
		}
	}
	return planes && transposes
}

// planewise reports whether n is a depthwise convolution that is as fast plane by plane.
func planewise(n *graph.Node) bool {
	x, w := n.In[0], n.In[1]
	if n.Type != "Conv" || !w.Ranked || w.Rank() != x.Rank() {
		return false
	}
	channels, ok := x.Dims[1].Const()
	if row, known := x.Dims[x.Rank()-1].Const(); !ok || !known || row < planeRow || int64(n.Attrs.IntOr("group", 1)) != channels {
		return false
	}
	taps := int64(1)
	for _, d := range w.Dims[2:] {
		k, known := d.Const()
		if !known {
			return false
		}
		taps *= k
	}
	return channels > 1 && taps <= planeTaps
}

// fits reports whether v is a tensor that may have a twin.
func fits(v *graph.Value) bool {
	return v != nil && v.Kind == tensor.KindTensor && v.Ranked && len(v.Dims) >= 3 && len(v.Dims) <= 5
}

// node moves n, or adds it as it is.
func (l *layout) node(n *graph.Node) {
	if anchor(n) {
		l.convolution(n)
		return
	}
	if len(n.In) > 0 && len(n.Bodies) == 0 && (n.Domain == "" || n.Domain == "onnxrun") {
		f := followers[n.Type]
		if n.Domain != "" {
			f = trainers[n.Type]
		} else if n.Op != nil && n.Op.Flags&ops.Elementwise != 0 {
			f = (*layout).elementwise
		}
		if f != nil && f(l, n) {
			return
		}
	}
	l.keep(n)
}

// keep adds n as it is, and before it whatever makes its inputs.
func (l *layout) keep(n *graph.Node) {
	for _, v := range n.In {
		l.need(v)
	}
	for _, v := range n.Captures() {
		l.need(v)
	}
	l.nodes = append(l.nodes, n)
}

// need sees to it that v exists in its own order.
func (l *layout) need(v *graph.Value) {
	n, waits := l.pending[v]
	if !waits {
		return
	}
	delete(l.pending, v)
	if n == nil {
		n = l.reorder(l.twin[v], toSecond(v.Rank()))
		n.Out = []*graph.Value{v}
		v.From, v.Index = n, 0
	}
	l.nodes = append(l.nodes, n)
}

// own sees to it that values exist in their own order, and returns them.
func (l *layout) own(list []*graph.Value) []*graph.Value {
	for _, v := range list {
		l.need(v)
	}
	return list
}

// last returns the twin of v, transposing v if there is none.
func (l *layout) last(v *graph.Value) *graph.Value {
	if t := l.twin[v]; t != nil {
		return t
	}
	if v.Const != nil {
		t := &graph.Value{Name: v.Name + "/last", Value: ops.ConstValue(transposed(v.Const, toLast(v.Rank())))}
		l.twin[v] = t
		return t
	}
	n := l.reorder(v, toLast(v.Rank()))
	n.Out = []*graph.Value{{Name: v.Name + "/last", From: n, Value: ops.Value{Type: lastType(v.Type)}}}
	l.nodes = append(l.nodes, n)
	l.twin[v] = n.Out[0]
	return n.Out[0]
}

// reorder returns the node that permutes the axes of v: a Reshape where no element moves.
func (l *layout) reorder(v *graph.Value, perm []int64) *graph.Node {
	n := newNode("", "Transpose", 13, ops.Attrs{onnx.NewInts("perm", perm...)}, v)
	if shape := stationary(v, perm); shape != nil {
		n = newNode("", "Reshape", 14, ops.Attrs{onnx.NewInt("allowzero", 0)}, v, ints(v.Name+"/shape", shape...))
	}
	n.Name = v.Name + "/reorder"
	return n
}

// stationary returns the shape that a permutation of the axes of v gives, for Reshape, if the axes longer than 1 keep
// their order.
func stationary(v *graph.Value, perm []int64) []int64 {
	shape := make([]int64, len(perm))
	before, open := int64(-1), false
	for i, p := range perm {
		d, ok := v.Dims[p].Const()
		if shape[i] = d; ok && d == 1 {
			continue
		}
		if p < before {
			return nil
		}
		before = p
		switch {
		case ok:
		case int(p) == i:
			shape[i] = 0 // as in v
		case open:
			return nil
		default:
			shape[i], open = -1, true
		}
	}
	return shape
}

// moved adds a node that makes the twin of v, which v is transposed from on demand.
func (l *layout) moved(n *graph.Node, v *graph.Value) {
	n.Out = append(n.Out, l.twinOf(v, n, len(n.Out)))
	l.nodes = append(l.nodes, n)
}

// twinOf makes the twin of v as an output of n.
func (l *layout) twinOf(v *graph.Value, n *graph.Node, index int) *graph.Value {
	t := &graph.Value{Name: v.Name + "/last", From: n, Index: index, Value: ops.Value{Type: lastType(v.Type)}}
	l.twin[v] = t
	l.pending[v] = nil
	return t
}

// convolutions names the operator for channels last of each convolution.
var convolutions = map[string]string{"Conv": "NhwcConv", "ConvTranspose": "NhwcConvTranspose"}

// convolution puts the form for channels last in the place of a convolution.
func (l *layout) convolution(n *graph.Node) {
	in, attrs := l.mergeCovered(n, l.last(n.In[0]))
	attrs = append(slices.Clone(attrs), onnx.NewString("activation", ""), floats(nil))
	m := newNode("onnxrun", convolutions[n.Type], 1, attrs, in...)
	m.Name = n.Name
	l.moved(m, n.Out[0])
}

// toLast is the permutation that moves the second axis to the end, toSecond its inverse.
func toLast(rank int) []int64 {
	p := []int64{0}
	for i := 2; i < rank; i++ {
		p = append(p, int64(i))
	}
	return append(p, 1)
}

func toSecond(rank int) []int64 {
	p := []int64{0, int64(rank - 1)}
	for i := 1; i < rank-1; i++ {
		p = append(p, int64(i))
	}
	return p
}

func lastType(t ops.Type) ops.Type {
	d := make([]ops.Dim, 0, len(t.Dims))
	for _, p := range toLast(len(t.Dims)) {
		d = append(d, t.Dims[p])
	}
	t.Dims = d
	return t
}

// ints returns a constant vector of integers.
func ints(name string, v ...int64) *graph.Value {
	return &graph.Value{Name: name, Value: ops.ConstValue(tensor.FromSlice(v, len(v)))}
}

// transposed permutes the axes of a constant.
func transposed(t *tensor.Tensor, perm []int64) *tensor.Tensor {
	n := newNode("", "Transpose", 13, nil)
	out, err := n.Op.Eval(ops.Attrs{onnx.NewInts("perm", perm...)}, 1, t)
	if err != nil {
		panic("opt: a transposition of a constant failed: " + err.Error()) // perm is one of its rank
	}
	return out[0]
}
