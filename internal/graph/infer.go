package graph

import (
	"errors"
	"fmt"
	"slices"

	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// smallConst bounds the tensors that inference itself computes: shape arithmetic, never weights.
const smallConst = 1024

// Infer works out what is known of every value: element types, shapes with symbolic dimensions, and the
// elements of constant or shape-like integer tensors. Errors are *ops.NodeError.
func Infer(g *Graph) error {
	return (&inferrer{}).graph(g)
}

// maxInferences bounds the nodes looked at, bodies counted each time: a body whose values change from round
// to round is inferred several times, and so is everything inside.
const maxInferences = 1 << 19

type inferrer struct {
	study  *study // nil: the first error ends the inference
	prefix string // of new symbols
	fresh  int
	nodes  int
	depth  int
	calls  []*ops.InferCtx // one for each depth, used again for every node
}

func (in *inferrer) graph(g *Graph) error {
	if in.depth++; in.depth > maxDepth {
		return fmt.Errorf("graphs are nested more than %d deep", maxDepth)
	}
	defer func() { in.depth-- }()
	for _, n := range g.Nodes {
		if in.study != nil {
			in.study.node(in, n)
			continue
		}
		if err := in.node(n); err != nil {
			var inner *ops.NodeError
			if errors.As(err, &inner) {
				return err
			}
			return &ops.NodeError{Path: n.Path(), Op: n.Type, Err: err}
		}
	}
	return nil
}

func (in *inferrer) node(n *Node) error {
	if in.nodes++; in.nodes > maxInferences && in.depth > 1 {
		return fmt.Errorf("loops are nested too deep: more than %d inferences", maxInferences)
	}
	if err := n.checkTypes(); err != nil {
		return err
	}
	c := in.call(n)
	if err := n.Op.Infer(c); err != nil {
		return err
	}
	for i, v := range n.Out {
		if v == nil {
			continue
		}
		v.Value = c.Out[i]
		if !v.Present() {
			return fmt.Errorf("output %d (%s) has no inferred element type", i, v.Name)
		}
		v.constFromElems()
	}
	return n.foldSmall()
}

// call returns what the shape function of n works on.
func (in *inferrer) call(n *Node) *ops.InferCtx {
	for len(in.calls) < in.depth {
		in.calls = append(in.calls, &ops.InferCtx{Fresh: in.freshDim})
	}
	c := in.calls[in.depth-1]
	c.Attrs, c.In, c.Out = n.Attrs, appendValues(c.In[:0], n.In), slices.Grow(c.Out[:0], len(n.Out))[:len(n.Out)]
	clear(c.Out)
	c.Subgraph, c.BodyInput = nil, nil
	if len(n.Bodies) > 0 {
		c.Subgraph = func(name string, ins []ops.Value) ([]ops.Value, error) { return in.body(n, name, ins) }
		c.BodyInput = n.BodyInput
	}
	return c
}

func (in *inferrer) freshDim() ops.Dim {
	in.fresh++
	return sym.Symbol(fmt.Sprintf("?%s%d", in.prefix, in.fresh))
}

func (in *inferrer) body(n *Node, name string, ins []ops.Value) ([]ops.Value, error) {
	g := n.Body(name)
	if g == nil {
		return nil, fmt.Errorf("has no graph attribute %q", name)
	}
	if len(ins) != len(g.Inputs) {
		return nil, fmt.Errorf("graph %q takes %d inputs, want %d", name, len(g.Inputs), len(ins))
	}
	for i, v := range g.Inputs {
		v.Value = ins[i]
	}
	if in.study != nil {
		if live := n.live(); live != "" && live != name {
			in.study.quietly(func() { in.graph(g) })
			return in.body(n, live, ins)
		}
	}
	if err := in.graph(g); err != nil {
		return nil, err
	}
	if in.study != nil {
		if err := in.study.checkOutputs(g); err != nil {
			return nil, err
		}
	}
	return values(g.Outputs), nil
}

func values(vs []*Value) []ops.Value { return appendValues(make([]ops.Value, 0, len(vs)), vs) }

// appendValues appends what is known of each value, the zero Value for one that is absent.
func appendValues(out []ops.Value, vs []*Value) []ops.Value {
	for _, v := range vs {
		if v == nil {
			out = append(out, ops.Value{})
		} else {
			out = append(out, v.Value)
		}
	}
	return out
}

// constFromElems makes v constant if it is an integer tensor whose elements all turned out to be numbers.
func (v *Value) constFromElems() {
	if v.Const != nil || v.Elems == nil {
		return
	}
	shape, ok := v.Static()
	x, known := v.Ints()
	if !ok || !known || shape.Len() != len(x) {
		return
	}
	switch v.DType {
	case tensor.Int64:
		v.Const = tensor.FromSlice(x, shape...)
	case tensor.Int32:
		y := make([]int32, len(x))
		for i, e := range x {
			y[i] = int32(e)
		}
		v.Const = tensor.FromSlice(y, shape...)
	}
}

// foldSmall computes the outputs of a node whose inputs are all constant, if everything is small.
func (n *Node) foldSmall() error {
	if !n.Foldable(smallConst) {
		return nil
	}
	done := true
	for _, v := range n.Out {
		if v == nil || v.IsConst() {
			continue
		}
		if shape, ok := v.Static(); ok && shape.Len() > smallConst {
			return nil
		}
		done = false
	}
	if done {
		return nil
	}
	return n.Fold()
}

// Foldable reports whether n always gives the same outputs and each constant input has at most limit
// elements.
func (n *Node) Foldable(limit int) bool {
	if n.Op == nil || n.Op.Kernel == nil || n.Op.Flags&ops.Random != 0 || len(n.Bodies) > 0 {
		return false
	}
	for _, v := range n.In {
		if v != nil && (!v.IsConst() || v.Const.Len() > limit) {
			return false
		}
	}
	return true
}

// Fold computes the outputs of a foldable node and makes them constants. An operator or element type that
// is missing leaves them as they are.
func (n *Node) Fold() error {
	if t := n.viewed(); t != nil {
		n.Out[0].Value, n.Out[0].Derived = ops.ConstValue(t), n.In[0].Derived
		return nil
	}
	ins, giveBack := n.constants()
	defer giveBack()
	outs, err := n.Op.Eval(n.Attrs, len(n.Out), ins...)
	var missing *ops.UnsupportedError
	if errors.As(err, &missing) {
		return nil
	}
	if err != nil {
		return err
	}
	for i, v := range n.Out {
		if v != nil {
			was := v.Type
			if v.Value = ops.ConstValue(outs[i]); was.Kind != tensor.KindTensor && was.Kind == v.Kind {
				v.Type = was // empty ones do not show what they might hold
			}
		}
	}
	return nil
}

// viewed returns the result of a node that only gives its first input other dimensions, with the elements of that; nil if
// it does more.
func (n *Node) viewed() *tensor.Tensor {
	if n.Op.Flags&ops.View == 0 || len(n.Out) != 1 || len(n.In) == 0 || n.In[0] == nil || n.Out[0].DType != n.In[0].DType {
		return nil
	}
	shape, ok := n.Out[0].Static()
	if !ok {
		return nil
	}
	t, err := n.In[0].Const.Reshaped(shape...)
	if err != nil {
		return nil
	}
	return t
}
