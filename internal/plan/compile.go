package plan

import (
	"errors"
	"fmt"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/internal/mem"
	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// Compile binds kernels for the nodes of an inferred graph and lays out its values. Nodes whose kernel
// refuses the element type or attributes are all listed in one *ops.UnsupportedError.
func Compile(g *graph.Graph, o Options) (*Program, error) {
	c := &compiler{p: &Program{graph: g, opts: o}, exprIndex: map[string]int32{}, symbolIndex: map[string]int{}}
	if c.p.opts.Weights == nil {
		c.p.opts.Weights = NewStore(nil)
	}
	c.bindSymbols()
	c.bindKernels()
	c.reserve()
	c.inputs()
	err := c.nodes()
	mem.Settle()
	if err != nil {
		return nil, err
	}
	c.outputs()
	c.lifetimes()
	c.inPlace()
	for i, s := range c.p.slots {
		if s.store == inArena && s.root == int32(i) {
			c.p.arena = append(c.p.arena, int32(i))
		}
		if s.root == int32(i) || !s.fixed {
			continue
		}
		switch c.p.slots[s.root].store {
		case inInput, inOutput:
			c.p.views = append(c.p.views, int32(i))
		case inArena, inConst:
			c.p.inner = append(c.p.inner, int32(i))
		}
	}
	c.p.exprs = sym.Compile(c.p.symbols, c.exprs)
	c.p.ndims = len(c.exprs)
	return c.p, nil
}

type compiler struct {
	p           *Program
	captures    []*graph.Value
	bound       []binding // by node
	derived     derived
	gate        *gate
	index       map[*graph.Value]int32
	exprs       []sym.Expr
	exprIndex   map[string]int32
	symbolIndex map[string]int
	missing     []string
}

// reserve makes room for all steps and slots at once: growing lists would leave as much again behind.
func (c *compiler) reserve() {
	g := c.p.graph
	values := len(g.Inputs) + len(c.captures)
	for _, n := range g.Nodes {
		values += len(n.Out)
		for _, v := range n.In {
			if v != nil && v.From == nil && v.IsConst() {
				values++
			}
		}
	}
	c.p.steps, c.p.slots = make([]step, 0, len(g.Nodes)), make([]slot, 0, values)
	c.index = make(map[*graph.Value]int32, values)
}

// slot returns the slot of v, -1 for an absent value.
func (c *compiler) slot(v *graph.Value) int32 {
	if v == nil {
		return -1
	}
	if i, ok := c.index[v]; ok {
		return i
	}
	i := int32(len(c.p.slots))
	c.index[v] = i
	s := slot{value: v, dtype: v.DType, root: i, store: isDynamic, first: -1, last: -1}
	if v.IsConst() {
		s.store = inConst
	} else if v.Kind == tensor.KindTensor && v.Ranked && v.DType != tensor.String {
		s.dims, s.fixed = c.dims(v.Dims)
	}
	c.p.slots = append(c.p.slots, s)
	return i
}

func (c *compiler) nodes() error {
	for i, n := range c.p.graph.Nodes {
		if err := c.node(n, &c.bound[i]); err != nil {
			return err
		}
	}
	if len(c.missing) > 0 {
		return &ops.UnsupportedError{Missing: c.missing}
	}
	return nil
}

func (c *compiler) node(n *graph.Node, b *binding) error {
	s := step{node: n}
	for _, v := range n.In {
		s.in = append(s.in, c.slot(v))
	}
	id := int32(len(c.p.steps))
	for _, v := range n.Out {
		o := c.slot(v)
		s.out = append(s.out, o)
		if o < 0 {
			continue
		}
		x := &c.p.slots[o]
		x.first = id
		if x.fixed && n.Op.Flags&ops.Managed == 0 {
			x.store = inArena
		} else {
			x.store, x.fixed = isDynamic, false
			s.dynamic = true
		}
	}
	if n.Op.Flags&ops.View != 0 && s.in[0] >= 0 && c.view(&s) {
		return nil
	}
	if s.into = n.Into(); s.into > 0 {
		in, out := &c.p.slots[s.in[s.into]], &c.p.slots[s.out[0]]
		out.root, out.store, out.fixed = in.root, in.store, in.fixed
		s.dynamic = s.dynamic || !in.fixed
	}
	if err := c.bodies(n, &s); err != nil {
		return err
	}
	k, err := b.kernel(c, n)
	var missing *ops.UnsupportedError
	if errors.As(err, &missing) {
		for _, m := range missing.Missing {
			c.missing = append(c.missing, fmt.Sprintf("%s (node %q, %s)", m, n.Path(), n.Type))
		}
		return nil
	}
	if err != nil {
		return &ops.NodeError{Path: n.Path(), Op: n.Type, Err: err}
	}
	s.run, s.scratch = k.Run, k.Scratch
	if k.Keep != nil && c.p.later != nil {
		c.p.later.add(n, b)
	}
	for _, i := range s.in {
		if i >= 0 && s.scratch != nil && !c.p.slots[i].fixed && c.p.slots[i].store != inConst {
			s.dynamic = true // how much scratch it needs is found while running
		}
	}
	if w := c.p.opts.Wrap; w != nil && n.Op.Flags&ops.Around == 0 {
		s.run = w(n, &k)
	}
	c.p.steps = append(c.p.steps, s)
	return nil
}

func (c *compiler) bodies(n *graph.Node, s *step) error {
	for _, b := range n.Bodies {
		o := c.p.opts
		o.outerSymbols, o.Arenas, o.Inside, o.Later = c.p.symbols, nil, false, false
		o.outerDerived, o.outerGate = c.derived, c.gate
		p, err := Compile(b.Graph, o)
		var missing *ops.UnsupportedError
		if errors.As(err, &missing) {
			c.missing = append(c.missing, missing.Missing...)
			continue
		}
		if err != nil {
			return err
		}
		var capture []int32
		for _, v := range b.Graph.Captures() {
			capture = append(capture, c.slot(v))
		}
		s.bodies = append(s.bodies, p)
		s.capture = append(s.capture, capture)
	}
	return nil
}

// outputs lets values that the caller gets live in the caller's storage where that is possible.
func (c *compiler) outputs() {
	end := int32(len(c.p.steps))
	for _, v := range c.p.graph.Outputs {
		i := c.slot(v)
		s := &c.p.slots[i]
		root := &c.p.slots[s.root]
		o := output{slot: i, copy: true}
		switch {
		case s.store == isDynamic && root.store == isDynamic && s.root == i:
			o.copy = false
		case root.store == inArena && s.fixed && c.p.opts.Inside:
			o.copy = false
		case root.store == inArena && s.fixed:
			root.store, o.copy = inOutput, false
		}
		root.last = end
		c.p.outputs = append(c.p.outputs, o)
	}
}
