package onnx

import (
	"strconv"

	"github.com/onnxrun/onnxrun/tensor"
)

// scope holds the names that are visible in a graph or function body: its own, and those of the graphs
// around it. One table serves all nested graphs; what a graph enters is undone when it ends.
type scope struct {
	names map[string]binding
	level int
	undo  []shadowed
}

// binding is what gave a value its name, and the nesting level of the graph it did so in.
type binding struct {
	origin origin
	level  uint8
}

// shadowed is a name with what it stood for before.
type shadowed struct {
	name string
	old  binding
}

// origin says what gave a value its name.
type origin uint8

const (
	fromInput origin = iota + 1
	fromInitializer
	fromBoth
	fromNode
)

func (o origin) String() string {
	return [...]string{"nothing", "a graph input", "an initializer", "a graph input", "a node"}[o]
}

func newScope(room int) *scope { return &scope{names: make(map[string]binding, room)} }

// find returns what gave name its value in the current graph or around it, and 0 if nothing did.
func (s *scope) find(name string) origin { return s.names[name].origin }

// own is find for the current graph alone.
func (s *scope) own(name string) origin {
	if b := s.names[name]; int(b.level) == s.level {
		return b.origin
	}
	return 0
}

// enter gives name a meaning in the current graph.
func (s *scope) enter(name string, o origin) {
	if s.level > 0 {
		s.undo = append(s.undo, shadowed{name, s.names[name]})
	}
	s.names[name] = binding{o, uint8(s.level)}
}

// leave undoes all but the first n entries of the current graph and goes back to the graph around it.
func (s *scope) leave(n int) {
	for i := len(s.undo) - 1; i >= n; i-- {
		if u := s.undo[i]; u.old.origin == 0 {
			delete(s.names, u.name)
		} else {
			s.names[u.name] = u.old
		}
	}
	s.undo = s.undo[:n]
	s.level--
}

// subgraph checks a graph in an attribute.
func (c *checker) subgraph(g *Graph, s *scope) {
	if s.level >= maxNesting {
		c.report("nesting", "%v", errNesting)
		return
	}
	s.level++
	n := len(s.undo)
	c.graph(g, s, false)
	s.leave(n)
}

// graph checks g, whose names are entered into s. The inputs of a main graph must have types.
func (c *checker) graph(g *Graph, s *scope, isMain bool) {
	for _, v := range g.Inputs {
		c.valueInfo("graph input", v, isMain)
		if v.Name != "" && s.own(v.Name) != 0 {
			c.report("ssa", "graph input %q occurs twice", v.Name)
		}
		s.enter(v.Name, fromInput)
	}
	c.initializers(g, s)
	for _, v := range g.ValueInfos {
		c.valueInfo("value", v, false)
	}
	c.nodes(g.Nodes, s)
	for _, v := range g.Outputs {
		c.valueInfo("graph output", v, false)
		if v.Name != "" && s.find(v.Name) == 0 {
			c.report("output", "graph output %q is produced by nothing", v.Name)
		}
	}
}

func (c *checker) initializers(g *Graph, s *scope) {
	for _, t := range g.Initializers {
		c.initializer(t.Name, s)
		c.tensor("initializer", t)
	}
	for _, t := range g.SparseInitializers {
		if t.Values == nil {
			c.report("sparse", "a sparse initializer has no values")
			continue
		}
		c.initializer(t.Values.Name, s)
		c.sparse("sparse initializer", t)
	}
}

// initializer enters the name of an initializer.
func (c *checker) initializer(name string, s *scope) {
	switch o := s.own(name); {
	case name == "":
		c.report("name", "an initializer has no name")
	case o == fromInitializer || o == fromBoth:
		c.report("ssa", "initializer %q occurs twice", name)
	case o == fromInput:
		s.enter(name, fromBoth)
	case c.inputsRequired():
		c.report("initializer", "initializer %q is no graph input, as IR version %d requires", name, c.model.IRVersion)
		fallthrough
	default:
		s.enter(name, fromInitializer)
	}
}

// inputsRequired reports whether initializers must be graph inputs, too, as they must before IR version 4.
// Writers of newer operator sets, or of none but ai.onnx.ml, that still say IR version 3 never meant it.
func (c *checker) inputsRequired() bool {
	version := c.model.Opset("")
	return c.model.IRVersion < 4 && version > 0 && version < 9 && !c.inBody
}

// nodes checks a list of nodes in order, entering the names of their outputs.
func (c *checker) nodes(list []*Node, s *scope) {
	for i, n := range list {
		if c.full() {
			return
		}
		c.path = append(c.path, label(n, i))
		for _, in := range n.Inputs {
			if in != "" && s.find(in) == 0 {
				c.report("input", "input %q is produced by no earlier node, graph input or initializer", in)
			}
		}
		c.node(n, s)
		for _, out := range n.Outputs {
			if out == "" {
				continue
			}
			if o := s.find(out); o != 0 {
				c.report("ssa", "output %q has its value from %v already", out, o)
			}
			s.enter(out, fromNode)
		}
		c.path = c.path[:len(c.path)-1]
	}
}

// label names a node in a path: by its name, else by operator and place.
func label(n *Node, i int) string {
	if n.Name != "" {
		return n.Name
	}
	return n.OpType + "#" + strconv.Itoa(i)
}

// valueInfo checks the name and type of a value. The inputs of the main graph must have a type.
func (c *checker) valueInfo(what string, v *ValueInfo, typed bool) {
	if v.Name == "" {
		c.report("name", "a %s has no name", what)
	}
	if v.Type == nil || v.Type.Kind == TypeNone {
		if typed {
			c.report("type", "%s %q has no type", what, v.Name)
		}
		return
	}
	c.typ(what, v.Name, v.Type, typed)
}

// typ checks a type. An element type of 0 is unknown, which only values within a graph may be.
func (c *checker) typ(what, name string, t *Type, typed bool) {
	for ; t != nil; t = t.Elem {
		switch t.Kind {
		case TypeTensor, TypeSparse:
			if t.DType() == tensor.Undefined && (typed || t.ElemType != 0) {
				c.report("type", "%s %q: element type %d is not one of ONNX 1.23", what, name, t.ElemType)
			}
			for i, d := range t.Dims {
				if d.Kind == DimValue && d.Value < -1 { // -1 is what some exporters write for unknown
					c.report("type", "%s %q: dimension %d is %d", what, name, i, d.Value)
				}
			}
			return
		case TypeMap:
			if d := t.DType(); !d.IsInt() && d != tensor.String {
				c.report("type", "%s %q: a map with keys of type %d", what, name, t.ElemType)
			}
			fallthrough
		case TypeSequence, TypeOptional:
			if t.Elem == nil && typed {
				c.report("type", "%s %q: a %v of nothing", what, name, t.Kind)
			}
		}
	}
}

// tensor checks a tensor, and where its elements lie.
func (c *checker) tensor(what string, t *TensorProto) {
	err := t.Check()
	if err == nil && t.Location == tensor.LocationExternal {
		if t.Resolve != nil {
			_, err = t.Resolve(t)
		} else {
			_, err = externalOf(t)
		}
	}
	if err != nil {
		c.report("tensor", "%s %q: %v", what, t.Name, err)
	}
}

// maxIndices bounds the sparse indices that are checked when they must be decoded for it.
const maxIndices = 1 << 22

// sparse checks a sparse tensor, down to its indices.
func (c *checker) sparse(what string, s *SparseTensor) {
	if s.Indices != nil && s.Indices.Compressed() {
		if shape, err := s.Indices.Shape(); err == nil && shape.Len() > maxIndices {
			c.report("sparse", "%s: %d indices that are not stored as raw_data, want at most %d", what, shape.Len(), maxIndices)
			return
		}
	}
	t, err := s.Tensor()
	if err == nil {
		err = tensor.CheckSparse(t)
	}
	if err != nil {
		c.report("sparse", "%s: %v", what, err)
	}
}
