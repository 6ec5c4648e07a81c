package opt

import (
	"fmt"
	"slices"

	"github.com/onnxrun/onnxrun/internal/autodiff"
	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// saved lets what the forward half of a training step makes and the backward half reads wait as bfloat16. Where such a value
// of float32 is made, a Cast follows, and another one stands in front of its later readers; the forward half reads the value
// itself, so scores and loss are the same bits as without. The backward half begins behind the node that makes the first output,
// the loss. What the loss reads or makes keeps its precision, and so do small values, which are statistics and factors. Apply
// runs the pass where Options.HalfSaved is set.
func saved(g *graph.Graph) error {
	l := newLifetimes(g, Memory{})
	if l == nil || len(g.Outputs) == 0 || g.Outputs[0].From == nil {
		return nil
	}
	s := &saver{l: l, loss: l.place(g.Outputs[0].From), behind: map[*graph.Node][]*graph.Node{}, before: map[*graph.Node][]*graph.Node{}}
	for k := range l.contents {
		if c := &l.contents[k]; s.waits(c) {
			s.save(c)
		}
	}
	s.insert(g)
	return nil
}

const (
	worthSaving = worthAgain // bytes of a value
	farReader   = 8          // nodes between two readers for which a value is widened twice
)

// A saver collects the nodes that narrow and widen values.
type saver struct {
	l      *lifetimes
	loss   int                           // place of the node that makes it
	behind map[*graph.Node][]*graph.Node // Casts of what a node makes
	before map[*graph.Node][]*graph.Node // what widens them for a node
	casts  int                           // made so far
}

// waits reports whether c lies in the arena through the loss, in float32 and only as an input of operators.
func (s *saver) waits(c *content) bool {
	v := c.values[0]
	if !c.own || c.stays || v.DType != tensor.Float32 || c.size < worthSaving || c.def >= s.loss || c.lasts() <= s.loss ||
		autodiff.Emitted(v.From) {
		return false
	}
	for _, at := range c.uses {
		n := s.l.nodes[at]
		if len(n.Bodies) > 0 || at <= s.loss && autodiff.Emitted(n) {
			return false
		}
	}
	return true
}

// save adds the nodes for one value and its views.
func (s *saver) save(c *content) {
	v := c.values[0]
	narrow := s.cast(v, v, tensor.BFloat16)
	s.behind[v.From] = append(s.behind[v.From], narrow)
	var wide map[*graph.Value]*graph.Value // of the value and its views
	last := -farReader
	for _, at := range c.uses {
		if at <= s.loss {
			continue
		}
		n := s.l.nodes[at]
		if at-last > farReader {
			back := s.cast(narrow.Out[0], v, tensor.Float32)
			s.before[n] = append(s.before[n], back)
			wide = map[*graph.Value]*graph.Value{v: back.Out[0]}
		}
		last = at
		for i, x := range n.In {
			if slices.Contains(c.values, x) {
				n.In[i] = s.view(n, x, wide)
			}
		}
	}
}

// cast returns a node that converts x, which has the shape of v.
func (s *saver) cast(x, v *graph.Value, to tensor.DType) *graph.Node {
	s.casts++
	n := cast(x, fmt.Sprintf("%s/saved:%d", v.Name, s.casts), to)
	t := v.Type
	t.DType = to
	n.Out[0].Value = ops.Value{Type: t}
	return n
}

// view returns what stands for x: the widened value, or a view of it that is made in front of n.
func (s *saver) view(n *graph.Node, x *graph.Value, wide map[*graph.Value]*graph.Value) *graph.Value {
	if w := wide[x]; w != nil {
		return w
	}
	m := *x.From
	m.In, m.Out = slices.Clone(m.In), slices.Clone(m.Out)
	m.In[0] = s.view(n, m.In[0], wide)
	v := *x
	v.Name, v.From = x.Name+"/wide", &m
	m.Out[0] = &v
	s.before[n] = append(s.before[n], &m)
	wide[x] = &v
	return &v
}

// insert puts the nodes into g.
func (s *saver) insert(g *graph.Graph) {
	nodes := make([]*graph.Node, 0, len(g.Nodes)+3*len(s.behind))
	for _, n := range g.Nodes {
		nodes = append(append(nodes, s.before[n]...), n)
		nodes = append(nodes, s.behind[n]...)
	}
	g.Nodes = nodes
	g.Prune()
}
