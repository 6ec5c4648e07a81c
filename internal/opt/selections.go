package opt

import (
	"math"
	"slices"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// selections moves what selects positions of an axis in front of the nodes that compute each position from the same position of
// their inputs, so that the others are not computed: a classifier that reads one token needs the last block of an encoder for
// that token only, but for its keys and values.
func selections(g *graph.Graph) error {
	Select(g, func(*graph.Node) bool { return true })
	return nil
}

// Select does so for the nodes of g that may says, in the main graph alone, and returns the values that it made. Values of nodes
// that it changed keep their names and have selected positions only.
func Select(g *graph.Graph, may func(*graph.Node) bool) (made []*graph.Value) {
	var around *surroundings
	for _, n := range slices.Clone(g.Nodes) {
		s := selectionOf(n)
		if s == nil || n.In[0].From == nil || !may(n) {
			continue
		}
		if around == nil {
			around = surroundingsIn(g)
		}
		s.surroundings = around
		if s.follow(g, may) {
			made = append(made, s.apply(g)...)
			around = nil
		}
	}
	return made
}

// surroundings are what selections look up in a graph, until one changes it.
type surroundings struct {
	users map[*graph.Value][]*graph.Node
	at    map[*graph.Node]int // places of the nodes
}

func surroundingsIn(g *graph.Graph) *surroundings {
	s := &surroundings{users: g.Users(), at: make(map[*graph.Node]int, len(g.Nodes))}
	for i, n := range g.Nodes {
		s.at[n] = i
	}
	return s
}

// A selection is a Gather of one position, or a Slice of an axis, and what moves behind it.
type selection struct {
	root       *graph.Node
	axis       int
	start, end int64
	count      int64
	drops      bool // the axis is gone in the result

	*surroundings
	wanted map[*graph.Value]*demand
	open   int // values that are wanted of nodes that follow has not come to
	moved  map[*graph.Node]move
	made   map[place]*graph.Value
}

// A demand says that some readers of a value need the selected positions of an axis alone.
type demand struct {
	axis, uses int
	clash      bool // they differ about the axis
}

// A move is what a node behind which a selection moves makes of it: the axis of its output, and those of its inputs.
type move struct {
	axis int
	in   []int
}

// A place is an axis of a value.
type place struct {
	v    *graph.Value
	axis int
}

// selectionOf reads a node, nil if it selects nothing, or more than half.
func selectionOf(n *graph.Node) *selection {
	if !is(n, "Gather") && !is(n, "Slice") || len(n.In) < 2 || n.In[0] == nil || !n.In[0].Ranked || !n.Out[0].Ranked {
		return nil
	}
	s := &selection{root: n, wanted: map[*graph.Value]*demand{}, moved: map[*graph.Node]move{}, made: map[place]*graph.Value{}}
	rank := n.In[0].Rank()
	if is(n, "Gather") {
		list, ok := n.In[1].Ints()
		if s.axis = n.Attrs.IntOr("axis", 0); !ok || len(list) != 1 || n.In[1].Rank() > 1 {
			return nil
		}
		s.start, s.end, s.count, s.drops = list[0], list[0]+1, 1, n.In[1].Rank() == 0
		if s.end == 0 {
			s.end = math.MaxInt64
		}
	} else if !s.slice(n) {
		return nil
	}
	if s.axis < 0 {
		s.axis += rank
	}
	if s.axis < 0 || s.axis >= rank {
		return nil
	}
	if d, ok := n.In[0].Dims[s.axis].Const(); ok && 2*s.count > d || !ok && s.count > 1 {
		return nil
	}
	return s
}

// slice reads a Slice of one axis.
func (s *selection) slice(n *graph.Node) bool {
	one := func(i int, missing int64) (int64, bool) {
		if i >= len(n.In) || n.In[i] == nil {
			return missing, true
		}
		l, ok := n.In[i].Ints()
		if !ok || len(l) != 1 {
			return 0, false
		}
		return l[0], true
	}
	start, ok0 := one(1, 0)
	end, ok1 := one(2, 0)
	axis, ok2 := one(3, 0)
	step, ok3 := one(4, 1)
	if !ok0 || !ok1 || !ok2 || !ok3 || step != 1 || len(n.In) < 3 {
		return false
	}
	s.start, s.end, s.axis = start, end, int(axis)
	if axis < 0 {
		axis += int64(n.In[0].Rank())
	}
	if axis < 0 || axis >= int64(n.Out[0].Rank()) {
		return false
	}
	count, ok := n.Out[0].Dims[axis].Const()
	s.count = count
	return ok && count > 0
}

func (s *selection) demand(v *graph.Value, axis int) {
	d := s.wanted[v]
	if d == nil {
		d = &demand{axis: axis}
		s.wanted[v] = d
		if v.From != nil && v.Index == 0 {
			s.open++
		}
	}
	d.uses++
	d.clash = d.clash || d.axis != axis
}

// follow finds the nodes that the selection moves behind, and reports whether there is a product among them.
func (s *selection) follow(g *graph.Graph, may func(*graph.Node) bool) (worth bool) {
	s.demand(s.root.In[0], s.axis)
	for i := s.at[s.root.In[0].From]; i >= 0 && s.open > 0; i-- {
		n := g.Nodes[i]
		if len(n.Out) == 0 || n.Out[0] == nil {
			continue
		}
		d := s.wanted[n.Out[0]]
		if d == nil {
			continue
		}
		s.open--
		if len(n.Bodies) > 0 || d.clash || d.uses < len(s.users[n.Out[0]]) || !may(n) || s.others(n) {
			continue
		}
		axes := s.axes(n, d.axis)
		if axes == nil {
			continue
		}
		s.moved[n] = move{d.axis, axes}
		for i, a := range axes {
			if a >= 0 {
				s.demand(n.In[i], a)
			}
		}
		worth = worth || is(n, "MatMul") || is(n, "Gemm") || is(n, "Attention")
	}
	return worth
}

// others reports whether an output but the first is read.
func (s *selection) others(n *graph.Node) bool {
	return slices.ContainsFunc(n.Out[1:], func(v *graph.Value) bool { return v != nil && len(s.users[v]) > 0 })
}

// apply selects in front of the nodes that moved and returns the values that are new.
func (s *selection) apply(g *graph.Graph) (made []*graph.Value) {
	nodes := make([]*graph.Node, 0, len(g.Nodes)+4)
	for _, n := range g.Nodes {
		m, moved := s.moved[n]
		switch {
		case n == s.root:
			nodes = append(nodes, s.last(n))
			made = append(made, n.Out[0])
			continue
		case moved:
			for i, a := range m.in {
				if a < 0 || s.has(n.In[i].From) {
					continue
				}
				at := place{n.In[i], a}
				if s.made[at] == nil {
					c := s.cut(n.In[i], a)
					nodes = append(nodes, c)
					s.made[at] = c.Out[0]
					made = append(made, c.Out[0])
				}
				n.In[i] = s.made[at]
			}
			if is(n, "Reshape") {
				n.In[1] = s.shape(n, m.axis)
			}
			n.Out[0].Type = s.selected(n.Out[0].Type, m.axis)
		}
		nodes = append(nodes, n)
	}
	g.Nodes = nodes
	return made
}

func (s *selection) has(n *graph.Node) bool {
	_, ok := s.moved[n]
	return ok
}

// selected is the type of the selected positions.
func (s *selection) selected(t ops.Type, axis int) ops.Type {
	t.Dims = slices.Clone(t.Dims)
	t.Dims[axis] = sym.Const(s.count)
	return t
}

// cut makes the node that selects of a value that is computed as a whole.
func (s *selection) cut(v *graph.Value, axis int) *graph.Node {
	list := func(suffix string, x int64) *graph.Value {
		return &graph.Value{Name: v.Name + suffix, Value: ops.ConstValue(tensor.FromSlice([]int64{x}, 1))}
	}
	n := newNode("", "Slice", 13, nil, v, list("/start", s.start), list("/end", s.end), list("/axis", int64(axis)))
	n.Name = s.root.Path() + "/" + v.Name
	n.Out = []*graph.Value{{Name: n.Name + "/selected", From: n, Value: ops.Value{Type: s.selected(v.Type, axis)}}}
	return n
}

// last takes the place of the selection, whose input has been selected.
func (s *selection) last(root *graph.Node) *graph.Node {
	n := newNode("", "Identity", 16, nil, root.In[0])
	if s.drops {
		axes := &graph.Value{Name: root.Path() + "/axis", Value: ops.ConstValue(tensor.FromSlice([]int64{int64(s.axis)}, 1))}
		n = newNode("", "Squeeze", 13, nil, root.In[0], axes)
	}
	n.Name, n.Out = root.Name, root.Out
	n.Out[0].From = n
	return n
}
