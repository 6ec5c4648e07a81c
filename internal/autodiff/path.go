package autodiff

import (
	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// differentiable reports whether gradients of v are defined: it is a tensor of floating-point numbers that
// arithmetic is done in, or of codes for such numbers.
func differentiable(v *graph.Value) bool {
	if v.Kind != tensor.KindTensor {
		return false
	}
	return isFloat(v.DType) || codeSource(v) != nil
}

// isFloat reports whether arithmetic is done in numbers of type d that have derivatives.
func isFloat(d tensor.DType) bool {
	switch d {
	case tensor.Float32, tensor.Float64, tensor.Float16, tensor.BFloat16:
		return true
	}
	return false
}

// codeSource returns the node that made the codes that v holds, nil if v holds none: v is what a node with the flag
// Codes makes, or another value of the same type that a differentiable operator makes of such.
func codeSource(v *graph.Value) *graph.Node {
	for n := v.From; n != nil && !isFloat(v.DType); n = v.From {
		if n.Op.Flags&ops.Codes != 0 {
			if v.Index == 0 {
				return n
			}
			return nil
		}
		if n.Op.Grad == nil || len(n.In) == 0 || n.In[0] == nil || n.In[0].DType != v.DType {
			return nil
		}
		v = n.In[0]
	}
	return nil
}

// carries reports whether gradients of v go through the graph: those of numbers, and those of sequences and optionals
// of them.
func carries(v *graph.Value) bool {
	switch v.Kind {
	case tensor.KindSequence, tensor.KindOptional:
		return v.DType.IsFloat()
	}
	return differentiable(v)
}

// gradientType returns the type that gradients of v have: those of codes are of the type of a scale, input 1 of the
// node that made them, or of float32 if that is none.
func gradientType(v *graph.Value) ops.Type {
	t := v.Type
	if n := codeSource(v); n != nil {
		t.DType = tensor.Float32
		if len(n.In) > 1 && n.In[1] != nil && isFloat(n.In[1].DType) {
			t.DType = n.In[1].DType
		}
	}
	return t
}

// A path is the part of a graph between the values that are differentiated and those that they are
// differentiated with respect to.
type path struct {
	visited []*graph.Node // all that the values need, producers first
	order   []*graph.Node // those of them that depend on a leaf
	leaves  map[*graph.Value]bool
	stop    map[*graph.Value]bool
	needs   map[*graph.Node]bool // whether outputs depend on a leaf
}

// findPath follows the producers of ys. It does not look behind leaves that are in stop.
func findPath(ys, xs, stop []*graph.Value) *path {
	p := &path{leaves: map[*graph.Value]bool{}, stop: map[*graph.Value]bool{}, needs: map[*graph.Node]bool{}}
	for _, v := range xs {
		p.leaves[v] = true
	}
	for _, v := range stop {
		p.stop[v] = true
	}
	for _, y := range ys {
		if y.From != nil && !p.stop[y] {
			p.visit(y.From)
		}
	}
	return p
}

// visit appends n and what it depends on to the order: depth first, without recursion.
func (p *path) visit(n *graph.Node) {
	type frame struct {
		n    *graph.Node
		in   []*graph.Value
		next int
	}
	enter := func(n *graph.Node) frame {
		p.needs[n] = false
		return frame{n: n, in: inputsOf(n)}
	}
	if _, seen := p.needs[n]; seen {
		return
	}
	stack := []frame{enter(n)}
	for len(stack) > 0 {
		f := &stack[len(stack)-1]
		if f.next < len(f.in) {
			v := f.in[f.next]
			f.next++
			if v == nil || v.From == nil || p.stop[v] {
				continue
			}
			if _, seen := p.needs[v.From]; !seen {
				stack = append(stack, enter(v.From))
			}
			continue
		}
		p.visited = append(p.visited, f.n)
		for _, v := range f.in {
			if v != nil && p.wants(v) && f.n.Op.Flags&ops.ShapeOnly == 0 {
				p.needs[f.n] = true
				p.order = append(p.order, f.n)
				break
			}
		}
		stack = stack[:len(stack)-1]
	}
}

// dependents returns the nodes that y needs and that depend on the given values, producers first.
func dependents(y *graph.Value, on []*graph.Value) []*graph.Node {
	p := findPath([]*graph.Value{y}, nil, on)
	depends := map[*graph.Value]bool{}
	for _, v := range on {
		depends[v] = true
	}
	var out []*graph.Node
	for _, n := range p.visited {
		for _, v := range inputsOf(n) {
			if depends[v] {
				out = append(out, n)
				for _, o := range n.Out {
					depends[o] = true
				}
				break
			}
		}
	}
	return out
}

// read returns the values that the nodes of the path read, and ys, at which it ends.
func (p *path) read(ys []*graph.Value) map[*graph.Value]bool {
	read := map[*graph.Value]bool{}
	for _, n := range p.order {
		for _, v := range inputsOf(n) {
			read[v] = true
		}
	}
	for _, y := range ys {
		read[y] = true
	}
	return read
}

// wants reports whether the gradient of v is needed: it is a leaf, or depends on one.
func (p *path) wants(v *graph.Value) bool {
	if !carries(v) {
		return false
	}
	return p.leaves[v] || v.From != nil && !p.stop[v] && p.needs[v.From]
}

// inputsOf returns what n reads: its inputs, and what its bodies use of the graphs around them.
func inputsOf(n *graph.Node) []*graph.Value {
	if len(n.Bodies) == 0 {
		return n.In
	}
	return append(n.In[:len(n.In):len(n.In)], bodyInputs(n)...)
}

// bodyInputs returns the values that the bodies of n read without making them, constants included.
func bodyInputs(n *graph.Node) []*graph.Value {
	own := map[*graph.Value]bool{}
	var out []*graph.Value
	use := func(list []*graph.Value) {
		for _, v := range list {
			if v != nil && !own[v] {
				own[v] = true
				out = append(out, v)
			}
		}
	}
	for _, b := range n.Bodies {
		b.Graph.Walk(func(g *graph.Graph) {
			for _, v := range g.Inputs {
				own[v] = true
			}
			for _, m := range g.Nodes {
				for _, v := range m.Out {
					own[v] = true
				}
			}
		})
	}
	for _, b := range n.Bodies {
		b.Graph.Walk(func(g *graph.Graph) {
			for _, m := range g.Nodes {
				use(m.In)
			}
			use(g.Outputs)
		})
	}
	return out
}
