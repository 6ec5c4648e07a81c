package opt

import (
	"slices"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// Nodes of training: normalisations by the statistics of the batch, and gradients.

func init() {
	for op, f := range map[string]func(*layout, *graph.Node) bool{
		"BatchStats": (*layout).batchStats, "BatchNormGrad": (*layout).batchNormGrad, "ConvGradX": (*layout).convGradX, "ConvGradW": (*layout).convGradW,
		"MaxPoolGrad": (*layout).poolGrad, "AveragePoolGrad": (*layout).poolGrad, "SumTo": (*layout).sumTo,
	} {
		trainers[op] = f
	}
}

// trainers is followers for the operators of the onnxrun domain.
var trainers = map[string]func(*layout, *graph.Node) bool{}

// trainedNorm writes a normalisation by the statistics of the batch as these and what makes the result of them.
func (l *layout) trainedNorm(n *graph.Node) bool {
	if n.Attrs.IntOr("spatial", 1) == 0 || len(n.In) < 5 || slices.ContainsFunc(n.Out[min(3, len(n.Out)):], func(v *graph.Value) bool { return v != nil }) {
		return false
	}
	for _, v := range n.In[1:5] {
		if v.DType != tensor.Float32 {
			return false
		}
	}
	name, c := n.Path(), n.In[1].Type
	stats := newNode("onnxrun", "BatchStats", 1, statsAttrs(n.Attrs), l.last(n.In[0]), n.In[3], n.In[4])
	stats.Name = name + "/stats"
	fresh := func(n *graph.Node, i int, suffix string, t ops.Type) *graph.Value {
		return &graph.Value{Name: name + suffix, From: n, Index: i, Value: ops.Value{Type: t}}
	}
	stats.Out = []*graph.Value{fresh(stats, 0, "/mean", c), fresh(stats, 1, "/inverse", c), fresh(stats, 2, "/runningMean", c), fresh(stats, 3, "/runningVar", c)}
	for i, v := range n.Out[1:] {
		if v != nil {
			stats.Out[2+i], v.From, v.Index = v, stats, 2+i
		}
	}
	l.nodes = append(l.nodes, stats)
	m := newNode("onnxrun", "NhwcBatchNorm", 1, nil, l.last(n.In[0]), stats.Out[0], stats.Out[1], n.In[1], n.In[2])
	m.Name = name
	l.moved(m, n.Out[0])
	return true
}

func statsAttrs(a ops.Attrs) ops.Attrs {
	return ops.Attrs{onnx.NewFloat("epsilon", a.Float("epsilon")), onnx.NewFloat("momentum", a.Float("momentum")), onnx.NewInt("axis", -1)}
}

func (l *layout) batchStats(n *graph.Node) bool {
	if !l.moves(n) {
		return false
	}
	m := renewed(n, statsAttrs(n.Attrs), l.last(n.In[0]), n.In[1], n.In[2])
	m.Out = n.Out
	for _, v := range m.Out {
		if v != nil {
			v.From = m
		}
	}
	l.nodes = append(l.nodes, m)
	return true
}

// batchNormGrad follows x.
func (l *layout) batchNormGrad(n *graph.Node) bool {
	if !fits(n.In[1]) || l.twin[n.In[1]] == nil {
		return false
	}
	in := append([]*graph.Value{l.last(n.In[0]), l.last(n.In[1])}, l.own(n.In[2:])...)
	m := renewed(n, with(n.Attrs, onnx.NewInt("axis", -1)), in...)
	m.Out = append([]*graph.Value{l.twinOf(n.Out[0], m, 0)}, n.Out[1:]...)
	for _, v := range m.Out[1:] {
		if v != nil {
			v.From = m
		}
	}
	l.nodes = append(l.nodes, m)
	return true
}

// convGradX moves the gradient of a convolution's input where dy has a twin, or is one as it is.
func (l *layout) convGradX(n *graph.Node) bool {
	if !nhwcGrad(n) || l.twin[n.In[0]] == nil && stationary(n.In[0], toLast(n.In[0].Rank())) == nil {
		return false
	}
	l.moved(l.nhwcNode(n, append([]*graph.Value{l.last(n.In[0])}, l.own(n.In[1:])...)), n.Out[0])
	return true
}

// convGradW moves the gradient of a filter, which keeps its order, where dy or x has a twin.
func (l *layout) convGradW(n *graph.Node) bool {
	if !nhwcGrad(n) || !fits(n.In[1]) || l.twin[n.In[0]] == nil && l.twin[n.In[1]] == nil {
		return false
	}
	l.takeOver(l.nhwcNode(n, append([]*graph.Value{l.last(n.In[0]), l.last(n.In[1])}, l.own(n.In[2:])...)), n.Out[0])
	return true
}

// nhwcGrad reports whether a gradient has a form for channels last.
func nhwcGrad(n *graph.Node) bool {
	return fits(n.In[0]) && n.In[0].DType == tensor.Float32 && ops.Default().Find("onnxrun", "Nhwc"+n.Type, 1) != nil
}

// nhwcNode returns the form for channels last of a gradient.
func (l *layout) nhwcNode(n *graph.Node, in []*graph.Value) *graph.Node {
	m := newNode("onnxrun", "Nhwc"+n.Type, 1, n.Attrs, in...)
	m.Name = n.Name
	return m
}

// poolGrad moves the gradient of a pool whose dy has a twin.
func (l *layout) poolGrad(n *graph.Node) bool {
	if !nhwcGrad(n) || l.twin[n.In[0]] == nil {
		return false
	}
	in := []*graph.Value{l.last(n.In[0]), n.In[1]}
	if n.Type == "MaxPoolGrad" { // x, for averages its shape
		in[1] = l.last(in[1])
	}
	l.moved(l.nhwcNode(n, in), n.Out[0])
	return true
}

// expand moves an expansion of one element of each plane, which is a twin as it is, to one that has another twin's shape.
func (l *layout) expand(n *graph.Node) bool {
	v, out := n.In[0], n.Out[0]
	shape, ok := n.In[1].Ints()
	if !ok || !fits(v) || !fits(out) || v.Rank() != out.Rank() || len(shape) != out.Rank() || v.DType != tensor.Float32 {
		return false
	}
	for _, d := range v.Dims[2:] {
		if size, ok := d.Const(); !ok || size != 1 {
			return false
		}
	}
	moved := make([]int64, len(shape))
	for i, p := range toLast(len(shape)) {
		moved[i] = shape[p]
	}
	l.moved(renewed(n, n.Attrs, l.last(v), ints(n.Path()+"/shape", moved...)), out)
	return true
}

// sumTo moves a sum over all axes but that of the channels.
func (l *layout) sumTo(n *graph.Node) bool {
	if !l.moves(n) {
		return false
	}
	shape, ok := n.In[1].Ints()
	rank := n.In[0].Rank()
	at := rank - len(shape) // of the first axis of shape
	if !ok || at < 0 || at > 1 {
		return false
	}
	channels, known := n.In[0].Dims[1].Const()
	for i, d := range shape {
		if i+at == 1 && (!known || d != channels) || i+at != 1 && d != 1 {
			return false
		}
	}
	if len(shape) == 0 || !known {
		return false
	}
	m := renewed(n, n.Attrs, l.last(n.In[0]), ints(n.Path()+"/channels", channels))
	sum := &graph.Value{Name: n.Out[0].Name + "/channels", From: m, Value: ops.Value{Type: lastType(n.Out[0].Type)}}
	sum.Type.Dims = slices.Clone(n.In[0].Dims[1:2])
	m.Out = []*graph.Value{sum}
	l.nodes = append(l.nodes, m)
	l.takeOver(newNode("", "Reshape", 14, nil, sum, ints(n.Path()+"/shape", shape...)), n.Out[0])
	return true
}
