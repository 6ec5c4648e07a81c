package opt

import (
	"slices"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
	"github.com/onnxrun/onnxrun/ops"
)

// keptPlaces lets pools of the largest elements note where these are for their gradients, in a byte for each: that is a fraction of
// the pool's input, which the gradients would wait for and search once more.
func keptPlaces(g *graph.Graph) error {
	infer, err := &graph.Inferrer{}, error(nil)
	g.Walk(func(g *graph.Graph) {
		for i, n := range g.Nodes {
			if n.Domain != "onnxrun" || n.Type != "NhwcMaxPoolGrad" {
				continue
			}
			for _, f := range g.Nodes[:i] {
				if shape := n.In[1].Type.Dims; err == nil && notesFor(f, n) {
					list, ok := modelShape(shape)
					if !ok {
						break
					}
					m := newNode("onnxrun", "NhwcMaxPlacesGrad", 1, n.Attrs, n.In[0], notedBy(f), ints(n.Path()+"/shape", list...))
					m.Name, m.Out = n.Name, n.Out
					m.Out[0].From = m
					g.Nodes[i] = m
					err = infer.Node(f)
					break
				}
			}
		}
	})
	return err
}

// modelShape is a shape of channels last in the model's order, false if not all of it is known.
func modelShape(dims []ops.Dim) (list []int64, ok bool) {
	for _, d := range dims {
		n, known := d.Const()
		if !known {
			return nil, false
		}
		list = append(list, n)
	}
	if len(list) < 3 {
		return nil, false
	}
	channels := list[len(list)-1]
	copy(list[2:], list[1:])
	list[1] = channels
	return list, true
}

// notesFor reports whether n is the gradient of the pool f, and f can number the elements of a window.
func notesFor(f, n *graph.Node) bool {
	if f.Domain != "onnxrun" || f.Type != "NhwcMaxPool" || f.In[0] != n.In[1] || f.Attrs.Bool("ceil_mode") != n.Attrs.Bool("ceil_mode") ||
		f.Attrs.Str("auto_pad") != n.Attrs.Str("auto_pad") {
		return false
	}
	taps := int64(1)
	for _, k := range f.Attrs.IntList("kernel_shape") {
		if taps *= k; k < 1 || taps >= window.NoPlace {
			return false
		}
	}
	for _, list := range []string{"kernel_shape", "strides", "dilations", "pads"} {
		if !slices.Equal(f.Attrs.IntList(list), n.Attrs.IntList(list)) {
			return false
		}
	}
	return true
}

// notedBy returns what f notes.
func notedBy(f *graph.Node) *graph.Value {
	if len(f.Out) > 1 && f.Out[1] != nil {
		return f.Out[1]
	}
	v := &graph.Value{Name: f.Path() + "/places", From: f, Index: 1}
	f.Out = append(f.Out[:1:1], v)
	return v
}
