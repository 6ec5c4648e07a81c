package opt

import (
	"slices"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// followers says how operators of ai.onnx that are not elementwise follow their inputs to channels last. A function adds what stands for the
// node and reports true, or reports false: then the node stays as it is.
var followers = map[string]func(*layout, *graph.Node) bool{}

func init() {
	for _, op := range []string{"ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum", "ReduceSumSquare"} {
		followers[op] = (*layout).reduction
	}
	for op, f := range map[string]func(*layout, *graph.Node) bool{
		"BatchNormalization": (*layout).batchNorm, "Concat": (*layout).concat, "Split": (*layout).split, "Softmax": (*layout).softmax, "LogSoftmax": (*layout).softmax,
		"MaxPool": (*layout).pool, "AveragePool": (*layout).pool, "GlobalAveragePool": (*layout).globalPool, "GlobalMaxPool": (*layout).globalPool,
		"Transpose": (*layout).transpose, "Reshape": (*layout).reshape, "Flatten": (*layout).flatten, "Squeeze": (*layout).squeeze, "Unsqueeze": (*layout).unsqueeze, "Pad": (*layout).pad,
		"Resize": (*layout).resize, "Slice": (*layout).slice, "Shape": (*layout).shape, "Expand": (*layout).expand,
	} {
		followers[op] = f
	}
}

// elementwise moves a node that broadcasts its inputs.
func (l *layout) elementwise(n *graph.Node) bool {
	rank := n.Out[0].Rank()
	if len(n.Out) != 1 || !fits(n.Out[0]) {
		return false
	}
	with, without := 0, 0
	for _, v := range n.In {
		switch {
		case v == nil || v.Ranked && v.Rank() == 0:
		case !v.Ranked || v.Kind != tensor.KindTensor || v.Rank() > rank || v.Const == nil && v.Rank() < rank:
			return false
		case l.twin[v] != nil && v.Const == nil:
			with++
		case v.Const == nil:
			without++
		}
	}
	if with == 0 || without > with {
		return false
	}
	in := make([]*graph.Value, len(n.In))
	for i, v := range n.In {
		if in[i] = v; v != nil && v.Rank() > 0 {
			in[i] = l.last(spread(v, rank))
		}
	}
	l.moved(renewed(n, n.Attrs, in...), n.Out[0])
	return true
}

// spread gives a constant leading axes of length 1 until it has the rank of what it is broadcast to.
func spread(v *graph.Value, rank int) *graph.Value {
	if v.Const == nil || v.Rank() == rank {
		return v
	}
	shape := append(slices.Repeat([]int{1}, rank-v.Rank()), v.Const.Shape()...)
	t, err := v.Const.Reshaped(shape...)
	if err != nil {
		return v
	}
	return &graph.Value{Name: v.Name, Value: ops.ConstValue(t)}
}

// renewed returns the node n with other attributes and inputs, and no outputs yet.
func renewed(n *graph.Node, attrs ops.Attrs, in ...*graph.Value) *graph.Node {
	m := *n
	m.Attrs, m.In, m.Out = attrs, in, nil
	return &m
}

// with returns the attributes with one of them set.
func with(attrs ops.Attrs, a *onnx.Attribute) ops.Attrs {
	out := slices.DeleteFunc(slices.Clone(attrs), func(b *onnx.Attribute) bool { return b.Name == a.Name })
	return append(out, a)
}

// lastAxis returns where an axis of a tensor of the given rank is when channels are last.
func lastAxis(axis int64, rank int) int64 {
	if axis < 0 {
		axis += int64(rank)
	}
	return int64(slices.Index(toLast(rank), axis))
}

// moves reports whether v has a twin that a node of one input may follow.
func (l *layout) moves(n *graph.Node) bool { return fits(n.In[0]) && l.twin[n.In[0]] != nil }

// batchNorm becomes a depthwise convolution of one element, which is one pass, takes an activation and can read and write views.
func (l *layout) batchNorm(n *graph.Node) bool {
	if !l.moves(n) || n.In[0].DType != tensor.Float32 {
		return false
	}
	if n.Attrs.Bool("training_mode") || !n.Attrs.HasAttr("training_mode") && len(n.Out) > 1 {
		return l.trainedNorm(n)
	}
	if len(n.Out) != 1 {
		return false
	}
	scale, shift := normFactors(n)
	if scale == nil {
		return false
	}
	filter := vector(n.Path()+"/scale", scale)
	t, err := filter.Const.Reshaped(append([]int{len(scale)}, slices.Repeat([]int{1}, n.In[0].Rank()-1)...)...)
	if err != nil {
		return false
	}
	filter.Value = ops.ConstValue(t)
	attrs := ops.Attrs{onnx.NewInt("group", int64(len(scale))), onnx.NewString("activation", ""), floats(nil)}
	m := newNode("onnxrun", "NhwcConv", 1, attrs, l.last(n.In[0]), filter, vector(n.Path()+"/shift", shift))
	m.Name = n.Name
	l.moved(m, n.Out[0])
	return true
}

func vector(name string, x []float64) *graph.Value {
	y := make([]float32, len(x))
	for i, v := range x {
		y[i] = float32(v)
	}
	return &graph.Value{Name: name, Value: ops.ConstValue(tensor.FromSlice(y, len(y)))}
}

func (l *layout) concat(n *graph.Node) bool {
	rank := n.Out[0].Rank()
	if !fits(n.Out[0]) || !n.Attrs.HasAttr("axis") {
		return false
	}
	moved := 0
	for _, v := range n.In {
		if !fits(v) || v.Rank() != rank {
			return false
		}
		if l.twin[v] != nil {
			moved++
		}
	}
	if 2*moved < len(n.In) {
		return false
	}
	in := make([]*graph.Value, len(n.In))
	for i, v := range n.In {
		in[i] = l.last(v)
	}
	l.moved(renewed(n, with(n.Attrs, onnx.NewInt("axis", lastAxis(int64(n.Attrs.Int("axis")), rank))), in...), n.Out[0])
	return true
}

func (l *layout) split(n *graph.Node) bool {
	if !l.moves(n) || slices.Contains(n.Out, nil) {
		return false
	}
	rank := n.In[0].Rank()
	in := append([]*graph.Value{l.last(n.In[0])}, n.In[1:]...)
	m := renewed(n, with(n.Attrs, onnx.NewInt("axis", lastAxis(int64(n.Attrs.IntOr("axis", 0)), rank))), in...)
	for i, v := range n.Out {
		m.Out = append(m.Out, l.twinOf(v, m, i))
	}
	l.nodes = append(l.nodes, m)
	return true
}

// shortRow is a number of channels whose softmax is faster along an axis that is not the last.
const shortRow = 64

// softmax of versions before 13 flattens its input.
func (l *layout) softmax(n *graph.Node) bool {
	if !l.moves(n) || n.Version < 13 {
		return false
	}
	if c, ok := n.In[0].Dims[1].Const(); ok && c < shortRow {
		return false
	}
	axis := lastAxis(int64(n.Attrs.IntOr("axis", -1)), n.In[0].Rank())
	l.moved(renewed(n, with(n.Attrs, onnx.NewInt("axis", axis)), l.last(n.In[0])), n.Out[0])
	return true
}

func (l *layout) pool(n *graph.Node) bool {
	if !l.moves(n) || len(n.Out) != 1 || n.In[0].DType != tensor.Float32 {
		return false
	}
	m := newNode("onnxrun", "Nhwc"+n.Type, 1, n.Attrs, l.last(n.In[0]))
	if m.Op == nil {
		return false
	}
	m.Name = n.Name
	l.moved(m, n.Out[0])
	return true
}

// globalPool becomes a reduction of the spatial axes.
func (l *layout) globalPool(n *graph.Node) bool {
	if !l.moves(n) || n.In[0].DType != tensor.Float32 {
		return false
	}
	var axes []int64
	for i := 1; i < n.In[0].Rank()-1; i++ {
		axes = append(axes, int64(i))
	}
	op := map[string]string{"GlobalAveragePool": "ReduceMean", "GlobalMaxPool": "ReduceMax"}[n.Type]
	m := newNode("", op, 18, ops.Attrs{onnx.NewInt("keepdims", 1), onnx.NewInt("noop_with_empty_axes", 0)}, l.last(n.In[0]), ints(n.Path()+"/axes", axes...))
	m.Name = n.Name
	l.moved(m, n.Out[0])
	return true
}
