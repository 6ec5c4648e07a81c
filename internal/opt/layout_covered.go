package opt

import (
	"slices"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
)

// mergeCovered makes channels of the last spatial axes that the window of a convolution covers wholly, as of words of which each is a row
// of a picture with one channel: the window has one position along them, and with the channels last they lie beside these. What remains is a
// convolution of more channels over fewer axes, or a product. x is the twin of n's input; it returns the inputs and attributes of the
// convolution that takes n's place.
func (l *layout) mergeCovered(n *graph.Node, x *graph.Value) (in []*graph.Value, attrs ops.Attrs) {
	in, attrs = append([]*graph.Value{x}, l.own(n.In[1:])...), n.Attrs
	axes, length := covered(n)
	if length <= 1 {
		return in, attrs
	}
	rank, w := x.Rank(), n.In[1]
	shape, first := w.Const.Shape(), rank-axes // of the axes of w that go
	channels := int64(shape[1]) * length

	t := x.Type
	t.Dims = slices.Clone(t.Dims)
	to, kernel := make([]int64, rank), make([]int64, rank-2)
	for i := first - 1; i < rank-1; i++ {
		t.Dims[i], to[i] = sym.Const(1), 1
	}
	t.Dims[rank-1], to[rank-1] = sym.Const(channels), channels
	in[0] = l.added(newNode("", "Reshape", 14, ops.Attrs{onnx.NewInt("allowzero", 0)}, x, ints(n.Path()+"/rows", to...)), n.Path()+"/rows", t)

	perm, filter := []int64{0}, []int64{int64(shape[0]), channels}
	for i := first; i < rank; i++ {
		perm = append(perm, int64(i))
	}
	for i := 1; i < first; i++ {
		perm = append(perm, int64(i))
	}
	for i := range kernel {
		if kernel[i] = int64(shape[i+2]); i+2 >= first {
			kernel[i] = 1
		}
	}
	filter = append(filter, kernel...)
	moved, dims := make([]ops.Dim, rank), make([]ops.Dim, rank)
	for i, p := range perm {
		moved[i], dims[i] = sym.Const(int64(shape[p])), sym.Const(filter[i])
	}
	turned := l.added(newNode("", "Transpose", 13, ops.Attrs{onnx.NewInts("perm", perm...)}, w), w.Name+"/turned", ops.TensorType(w.DType, moved...))
	in[1] = l.added(newNode("", "Reshape", 14, ops.Attrs{onnx.NewInt("allowzero", 0)}, turned, ints(w.Name+"/shape", filter...)), w.Name+"/rows", ops.TensorType(w.DType, dims...))
	return in, with(attrs, onnx.NewInts("kernel_shape", kernel...))
}

// added adds a node and returns what it makes.
func (l *layout) added(n *graph.Node, name string, t ops.Type) *graph.Value {
	n.Name = name
	n.Out = []*graph.Value{{Name: name, From: n, Value: ops.Value{Type: t}}}
	l.nodes = append(l.nodes, n)
	return n.Out[0]
}

// covered returns how many of the last spatial axes the constant filter of a convolution covers from end to end, and the product of their lengths.
func covered(n *graph.Node) (axes int, length int64) {
	x, w := n.In[0], n.In[1]
	if auto := n.Attrs.Str("auto_pad"); n.Type != "Conv" || w.Const == nil || len(w.Const.Shape()) != x.Rank() || n.Attrs.IntOr("group", 1) != 1 || auto != "" && auto != "NOTSET" {
		return 0, 1
	}
	spatial := x.Rank() - 2
	pads, dilations := n.Attrs.IntList("pads"), n.Attrs.IntList("dilations")
	length = 1
	for i := spatial - 1; i >= 0; i-- {
		size, ok := x.Dims[i+2].Const()
		if !ok || size != int64(w.Const.Shape()[i+2]) || len(dilations) == spatial && dilations[i] != 1 && size > 1 ||
			len(pads) == 2*spatial && pads[i]+pads[i+spatial] != 0 {
			break
		}
		axes, length = axes+1, length*size
	}
	return axes, length
}
