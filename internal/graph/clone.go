package graph

import (
	"slices"

	"github.com/onnxrun/onnxrun/ops"
)

// A Cloner copies nodes and the graphs inside them. Values that it has no copy of are shared: constants, and what
// belongs to graphs around those that are copied.
type Cloner struct {
	Copies map[*Value]*Value // from values to what stands for them in the copies; Node and Graph add to it
	Name   func(name string) string
	Nodes  int // that were copied, those of inner graphs included
}

// Of returns what stands for v in the copies, v itself where that is no copy.
func (c *Cloner) Of(v *Value) *Value {
	if w := c.Copies[v]; w != nil {
		return w
	}
	return v
}

func (c *Cloner) all(list []*Value) []*Value {
	out := make([]*Value, len(list))
	for i, v := range list {
		out[i] = c.Of(v)
	}
	return out
}

// fresh returns a copy of v without a producer.
func (c *Cloner) fresh(v *Value) *Value {
	w := &Value{Name: c.Name(v.Name), Value: v.Value, Index: v.Index}
	c.Copies[v] = w
	return w
}

// Node returns a copy of n, with what inference found out about its outputs. An output that has a copy already
// keeps it, and the copy of n gets another one, which nobody reads.
func (c *Cloner) Node(n *Node) *Node {
	c.Nodes++
	m := *n
	m.In, m.Out, m.Bodies = c.all(n.In), make([]*Value, len(n.Out)), make([]Body, len(n.Bodies))
	for i, b := range n.Bodies {
		m.Bodies[i] = Body{Name: b.Name, Graph: c.Graph(b.Graph)}
	}
	for i, v := range n.Out {
		if v == nil {
			continue
		}
		given := c.Copies[v]
		m.Out[i] = c.fresh(v)
		m.Out[i].From = &m
		if given != nil {
			c.Copies[v] = given
		}
	}
	return &m
}

// Graph returns a copy of g. A formal input that has a copy already keeps it.
func (c *Cloner) Graph(g *Graph) *Graph {
	out := &Graph{Name: g.Name, Parent: g.Parent, Opsets: g.Opsets, Metadata: g.Metadata, declared: slices.Clone(g.declared), inputsSay: slices.Clone(g.inputsSay)}
	for _, v := range g.Inputs {
		w := c.Copies[v]
		if w == nil {
			w = c.fresh(v)
		}
		out.Inputs = append(out.Inputs, w)
	}
	for _, n := range g.Nodes {
		m := c.Node(n)
		for _, b := range m.Bodies {
			b.Graph.Parent = out
		}
		out.Nodes = append(out.Nodes, m)
	}
	out.Outputs = c.all(g.Outputs)
	return out
}

// InsertOutput makes v output i of g.
func (g *Graph) InsertOutput(i int, v *Value) {
	g.Outputs = slices.Insert(g.Outputs, i, v)
	if i < len(g.declared) {
		g.declared = slices.Insert(g.declared, i, ops.Type{})
	}
}
