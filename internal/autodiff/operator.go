package autodiff

import (
	"errors"
	"slices"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/onnx/schema"
	"github.com/onnxrun/onnxrun/ops"
)

// Expand puts the nodes that compute gradients in the place of each node of the operator Gradient of
// ai.onnx.preview.training, in the inferred graph g and the graphs inside it. Since earlier ones are expanded
// first, gradients of gradients work.
//
// Where a node feeds other values than those that xs and zs name, the part of the graph between these and y is
// computed once more from the fed values.
func Expand(g *graph.Graph, table *ops.Table) error {
	x := &expander{e: NewEmitter(table)}
	return x.graph(g)
}

type expander struct{ e *Emitter }

func (x *expander) graph(g *graph.Graph) error {
	for i := 0; i < len(g.Nodes); i++ {
		n := g.Nodes[i]
		if n.Domain != schema.PreviewTraining || n.Type != "Gradient" {
			for _, b := range n.Bodies {
				if err := x.graph(b.Graph); err != nil {
					return err
				}
			}
			continue
		}
		x.e.Nodes, x.e.path = nil, n.Path()
		if err := x.node(n); err != nil {
			var missing *ops.UnsupportedError
			if errors.As(err, &missing) {
				return err
			}
			return &ops.NodeError{Path: n.Path(), Op: n.Type, Err: err}
		}
		g.Nodes = slices.Replace(g.Nodes, i, i+1, x.e.Nodes...)
		i += len(x.e.Nodes) - 1
	}
	return nil
}

// node emits the nodes for a Gradient. Its inputs are the fed values, the values that xs and zs name, and y.
func (x *expander) node(n *graph.Node) error {
	count := len(n.In) / 2
	fed, named, y := n.In[:count], n.In[count:2*count], n.In[2*count]
	xs := n.Attrs.StrList("xs")
	if !slices.Equal(fed, named) {
		var err error
		if y, err = x.substitute(y, named, fed); err != nil {
			return err
		}
	}
	var want []int
	r := Request{Y: []*graph.Value{y}, Stop: fed}
	for i := range xs {
		if i < len(n.Out) && n.Out[i] != nil {
			want, r.X = append(want, i), append(r.X, fed[i])
		}
	}
	dx, err := x.e.Gradients(r)
	if err != nil {
		return err
	}
	for k, i := range want {
		if err := x.e.alias(dx[k], n.Out[i]); err != nil {
			return err
		}
	}
	return nil
}

// alias makes out, a value without a producer in the graph, another name of v.
func (e *Emitter) alias(v, out *graph.Value) error {
	n, err := graph.NewNode(e.table, "", "Identity", nil, []*graph.Value{v})
	if err != nil {
		return err
	}
	n.Name, n.Out = out.Name, []*graph.Value{out}
	out.From, out.Index = n, 0
	return e.add(n)
}

// substitute emits copies of the nodes between the values from and y, with to in their place, and returns what
// y becomes.
func (x *expander) substitute(y *graph.Value, from, to []*graph.Value) (*graph.Value, error) {
	c := &graph.Cloner{Copies: map[*graph.Value]*graph.Value{}, Name: x.e.name}
	for i, v := range from {
		c.Copies[v] = to[i]
	}
	for _, n := range dependents(y, from) {
		if err := x.e.add(c.Node(n)); err != nil {
			return nil, err
		}
	}
	return c.Of(y), nil
}
