package opt

import (
	"slices"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// Nodes that name axes, or shapes.

// reduction moves a reduction whose axes are known: one that keeps them, or drops all but channels, and perhaps the batch.
func (l *layout) reduction(n *graph.Node) bool {
	if !l.moves(n) {
		return false
	}
	axes, rank := axesOf(n), n.In[0].Rank()
	moved := make([]int64, len(axes))
	spatial := len(axes) == rank-2
	for i, a := range axes {
		moved[i] = lastAxis(a, rank)
		spatial = spatial && moved[i] > 0 && moved[i] < int64(rank-1)
	}
	keep := n.Attrs.IntOr("keepdims", 1) != 0
	others := len(axes) == rank-1 && !slices.Contains(moved, int64(rank-1)) // what stays is the channels
	if len(axes) == 0 || !keep && !spatial && !others {
		return false
	}
	m := renewed(n, n.Attrs, l.last(n.In[0]))
	if len(n.In) > 1 {
		m.In = append(m.In, ints(n.Path()+"/axes", moved...))
	} else {
		m.Attrs = with(n.Attrs, onnx.NewInts("axes", moved...))
	}
	if keep {
		l.moved(m, n.Out[0])
	} else {
		l.takeOver(m, n.Out[0])
	}
	return true
}

// takeOver adds a node that makes v itself.
func (l *layout) takeOver(n *graph.Node, v *graph.Value) {
	n.Out = []*graph.Value{v}
	v.From, v.Index = n, 0
	l.nodes = append(l.nodes, n)
}

// transpose composes the permutation with that of the twin. One that the model itself writes from channels last makes
// its input the twin of its output.
func (l *layout) transpose(n *graph.Node) bool {
	v, out := n.In[0], n.Out[0]
	perm := n.Attrs.IntList("perm")
	if !fits(v) || len(perm) != v.Rank() {
		return false
	}
	if !l.moves(n) {
		if !slices.Equal(perm, toSecond(len(perm))) {
			return false
		}
		l.need(v)
		l.twin[out], l.pending[out] = v, n
		return true
	}
	from := toLast(len(perm))
	direct := make([]int64, len(perm))
	same := true
	for i, p := range perm {
		direct[i] = int64(slices.Index(from, p))
		same = same && direct[i] == int64(i)
	}
	if same {
		l.takeOver(newNode("", "Identity", 14, nil, l.last(v)), out)
	} else {
		m := l.reorder(l.last(v), direct)
		m.Name = n.Name
		l.takeOver(m, out)
	}
	return true
}

// pad moves a Pad of all axes with constant widths.
func (l *layout) pad(n *graph.Node) bool {
	rank := n.In[0].Rank()
	if !l.moves(n) || len(n.In) > 3 && n.In[3] != nil {
		return false
	}
	if n.Attrs.HasAttr("pads") {
		pads := n.Attrs.IntList("pads")
		if len(pads) != 2*rank {
			return false
		}
		l.moved(renewed(n, with(n.Attrs, onnx.NewInts("pads", lastPads(pads, rank)...)), l.last(n.In[0])), n.Out[0])
		return true
	}
	if len(n.In) < 2 {
		return false
	}
	pads, ok := n.In[1].Ints()
	if !ok || len(pads) != 2*rank {
		return false
	}
	in := append([]*graph.Value{l.last(n.In[0]), ints(n.Path()+"/pads", lastPads(pads, rank)...)}, n.In[2:]...)
	l.moved(renewed(n, n.Attrs, in...), n.Out[0])
	return true
}

func lastPads(pads []int64, rank int) []int64 {
	return append(permuted(pads[:rank], toLast(rank)), permuted(pads[rank:], toLast(rank))...)
}

func permuted[T any](x []T, perm []int64) []T {
	y := make([]T, 0, len(perm))
	for _, p := range perm {
		y = append(y, x[p])
	}
	return y
}

// resize moves a Resize of all axes; its scales or sizes may be computed.
func (l *layout) resize(n *graph.Node) bool {
	rank := n.In[0].Rank()
	if !l.moves(n) || n.Attrs.HasAttr("axes") || n.Attrs.HasAttr("scales") || n.Attrs.Str("coordinate_transformation_mode") == "tf_crop_and_resize" {
		return false
	}
	in := append([]*graph.Value{l.last(n.In[0])}, n.In[1:]...)
	for i := 1; i < len(in); i++ {
		v := in[i]
		if v == nil || v.Const != nil && v.Const.Len() == 0 || n.Version >= 11 && i == 1 {
			continue
		}
		if d, ok := dimOf(v); !ok || d != int64(rank) {
			return false
		}
		in[i] = l.gather(v, n, toLast(rank))
	}
	l.moved(renewed(n, n.Attrs, in...), n.Out[0])
	return true
}

// dimOf returns the length of a vector.
func dimOf(v *graph.Value) (int64, bool) {
	if !v.Ranked || len(v.Dims) != 1 {
		return 0, false
	}
	return v.Dims[0].Const()
}

// gather picks elements of a vector.
func (l *layout) gather(v *graph.Value, n *graph.Node, at []int64) *graph.Value {
	m := newNode("", "Gather", 13, ops.Attrs{onnx.NewInt("axis", 0)}, v, ints(n.Path()+"/order", at...))
	out := &graph.Value{Name: v.Name + "/last", From: m, Value: ops.Value{Type: v.Type}}
	m.Out = []*graph.Value{out}
	if v.Const != nil {
		picked, err := m.Op.Eval(m.Attrs, 1, v.Const, m.In[1].Const)
		if err == nil {
			return &graph.Value{Name: out.Name, Value: ops.ConstValue(picked[0])}
		}
	}
	l.need(v)
	l.nodes = append(l.nodes, m)
	return out
}

// slice moves a Slice whose parameters are constant inputs.
func (l *layout) slice(n *graph.Node) bool {
	if !l.moves(n) || len(n.In) < 3 {
		return false
	}
	starts, ok := n.In[1].Ints()
	if !ok {
		return false
	}
	axes := make([]int64, len(starts))
	for i := range axes {
		axes[i] = int64(i)
	}
	if len(n.In) > 3 && n.In[3] != nil {
		if axes, ok = n.In[3].Ints(); !ok {
			return false
		}
	}
	moved := make([]int64, len(axes))
	for i, a := range axes {
		moved[i] = lastAxis(a, n.In[0].Rank())
	}
	in := []*graph.Value{l.last(n.In[0]), n.In[1], n.In[2], axesLike(n, moved)}
	if len(n.In) > 4 {
		in = append(in, n.In[4])
	}
	for _, v := range in[1:] {
		l.need(v)
	}
	l.moved(renewed(n, n.Attrs, in...), n.Out[0])
	return true
}

// axesLike makes the axes of a Slice of the element type of its starts.
func axesLike(n *graph.Node, axes []int64) *graph.Value {
	if n.In[1].DType != tensor.Int32 {
		return ints(n.Path()+"/axes", axes...)
	}
	x := make([]int32, len(axes))
	for i, a := range axes {
		x[i] = int32(a)
	}
	return &graph.Value{Name: n.Path() + "/axes", Value: ops.ConstValue(tensor.FromSlice(x, len(x)))}
}

// shape reads the dimensions of the twin in the order of the value.
func (l *layout) shape(n *graph.Node) bool {
	if _, waits := l.pending[n.In[0]]; !waits || !l.moves(n) {
		return false
	}
	rank := n.In[0].Rank()
	lo, hi := position(n.Attrs.IntOr("start", 0), rank), position(n.Attrs.IntOr("end", rank), rank)
	if lo >= hi {
		return false
	}
	m := newNode("", "Shape", 15, ops.Attrs{onnx.NewInt("start", 0)}, l.last(n.In[0]))
	m.Out = []*graph.Value{{Name: n.Out[0].Name + "/last", From: m, Value: ops.Value{Type: ops.TensorType(tensor.Int64, sym.Const(int64(rank)))}}}
	l.nodes = append(l.nodes, m)
	l.takeOver(newNode("", "Gather", 13, ops.Attrs{onnx.NewInt("axis", 0)}, m.Out[0], ints(n.Path()+"/order", toSecond(rank)[lo:hi]...)), n.Out[0])
	return true
}

func position(i, rank int) int {
	if i < 0 {
		i += rank
	}
	return min(max(i, 0), rank)
}
