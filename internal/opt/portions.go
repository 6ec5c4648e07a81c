package opt

import (
	"slices"

	"github.com/onnxrun/onnxrun/internal/autodiff"
	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// portions runs a few images of a batch at a time where what nodes hand on for the whole batch would leave the caches: a stretch of
// nodes that treat the images apart (portions_rules.go) becomes the body of a node Portions, which runs it for one portion of the batch
// after the other. What these nodes hand on stays in a cache, and takes the memory of one portion. Which stretches these are, and
// how large the portions, is chosen by what moving values costs (portions_choose.go).
//
// Gradients read what the forward half made, so graphs with gradients stay as they are.
func portions(g *graph.Graph) error {
	if !slices.ContainsFunc(g.Nodes, autodiff.Emitted) {
		runInPortions(g, (*stretch).choose)
	}
	return nil
}

// runInPortions is the pass, with how it chooses among the nodes of a stretch.
func runInPortions(g *graph.Graph, choose func(*stretch) []portioned) {
	var chosen []portioned
	for at := 0; at < len(g.Nodes); {
		s := stretchFrom(g.Nodes, at)
		chosen = append(chosen, choose(s)...)
		at += max(1, len(s.nodes))
	}
	if len(chosen) == 0 {
		return
	}
	b := &portionBuilder{g: g, users: g.Users(), replaced: graph.Replacements{}}
	nodes, at := make([]*graph.Node, 0, len(g.Nodes)), 0
	for _, c := range chosen {
		nodes = append(nodes, g.Nodes[at:c.first]...)
		nodes = append(nodes, b.node(g.Nodes[c.first:c.end], c.size))
		at = c.end
	}
	g.Nodes = append(nodes, g.Nodes[at:]...)
	g.Replace(b.replaced)
}

// A portioned is a stretch of the nodes of a graph, from first to before end, that is to run for size images at a time.
type portioned struct{ first, end, size int }

// A portionBuilder makes Portions nodes.
type portionBuilder struct {
	g        *graph.Graph
	users    map[*graph.Value][]*graph.Node
	replaced graph.Replacements
}

// node returns the node that stands for a stretch.
func (b *portionBuilder) node(stretch []*graph.Node, size int) *graph.Node {
	body := &graph.Graph{Name: "portion", Parent: b.g, Opsets: b.g.Opsets}
	n := newNode("onnxrun", "Portions", 1, ops.Attrs{onnx.NewInt("size", int64(size))})
	n.Name, n.Bodies = "portions/"+stretch[0].Path(), []graph.Body{{Name: "body", Graph: body}}
	c := &graph.Cloner{Copies: map[*graph.Value]*graph.Value{}, Name: func(name string) string { return name }}
	length := sym.Const(int64(size))
	inside := map[*graph.Node]bool{}
	for _, m := range stretch {
		inside[m] = true
	}
	for _, m := range stretch {
		rows, _ := rowInputs(m, m.Out[0].Dims[0])
		for _, i := range rows {
			if v := m.In[i]; c.Copies[v] == nil {
				part := &graph.Value{Name: v.Name, Value: ops.Value{Type: ops.WithLength(v.Type, length)}}
				c.Copies[v] = part
				n.In, body.Inputs = append(n.In, v), append(body.Inputs, part)
			}
		}
		whole := m.Out[0].Dims[0]
		m := c.Node(m)
		for _, v := range m.Out {
			v.Type = ops.WithLength(v.Type, length)
		}
		shorten(m, whole, size)
		body.Nodes = append(body.Nodes, m)
	}
	b.outputs(n, stretch, inside, c)
	return n
}

// outputs makes what nodes outside of the stretch read the results of n. Of values that share their storage it is the last.
func (b *portionBuilder) outputs(n *graph.Node, stretch []*graph.Node, inside map[*graph.Node]bool, c *graph.Cloner) {
	last := map[*graph.Value]*graph.Value{} // by what was written to before
	for _, m := range slices.Backward(stretch) {
		v := m.Out[0]
		for ; last[v] != nil; v = last[v] {
		}
		if into := m.Into(); into > 0 {
			last[m.In[into]] = v
		}
	}
	for _, m := range stretch {
		for _, v := range m.Out {
			outside := func(u *graph.Node) bool { return !inside[u] }
			if !slices.ContainsFunc(b.users[v], outside) {
				continue
			}
			if l := last[v]; l != nil {
				b.replaced[v] = l
				v = l
			}
			if !slices.Contains(n.Out, v) {
				n.Out = append(n.Out, v)
				n.Bodies[0].Graph.Outputs = append(n.Bodies[0].Graph.Outputs, c.Of(v))
				v.From, v.Index = n, len(n.Out)-1
			}
		}
	}
}

// shorten puts the size of a portion in the place of the length of the batch where an input of m, Reshape or Resize, tells the
// output's shape.
func shorten(m *graph.Node, batch ops.Dim, size int) {
	i, ok := shapeInput[m.Type]
	if !ok || i >= len(m.In) || m.In[i] == nil || m.In[i].Const == nil || m.In[i].Const.Len() == 0 {
		return
	}
	list, known := m.In[i].Ints()
	n, fixed := batch.Const()
	if !known || !fixed || list[0] != n {
		return
	}
	list = slices.Clone(list)
	list[0] = int64(size)
	m.In[i] = &graph.Value{Name: m.In[i].Name, Value: ops.ConstValue(tensor.FromSlice(list, len(list)))}
}

// shapeInput is the number of the input that tells the shape of the output.
var shapeInput = map[string]int{"NhwcResize": 3, "Reshape": 1, "Resize": 3}
