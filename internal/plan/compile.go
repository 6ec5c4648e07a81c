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

// bindSymbols decides which symbols are known once the shapes of inputs are, and from which dimension.
func (c *compiler) bindSymbols() {
	c.captures = c.p.graph.Captures()
	all := append(append([]*graph.Value{}, c.p.graph.Inputs...), c.captures...)
	for _, plainOnly := range []bool{true, false} {
		for i, v := range all {
			for axis, e := range v.Dims {
				c.bindFrom(i, axis, e, plainOnly)
			}
		}
	}
	for from, name := range c.p.opts.outerSymbols {
		if _, ok := c.symbolIndex[name]; !ok {
			c.p.outer = append(c.p.outer, outerSymbol{c.addSymbol(name), from})
		}
	}
}

func (c *compiler) bindFrom(input, axis int, e sym.Expr, plainOnly bool) {
	unknown := ""
	for _, s := range e.Symbols() {
		if _, ok := c.symbolIndex[s]; ok {
			continue
		}
		if unknown != "" {
			return
		}
		unknown = s
	}
	if unknown == "" {
		return
	}
	plain := e.Equal(sym.Symbol(unknown))
	if plainOnly && !plain {
		return
	}
	if !plain {
		if _, ok := e.SolveFor(unknown, 0, func(string) (int64, bool) { return 1, true }); !ok {
			if _, ok = e.SolveFor(unknown, 1, func(string) (int64, bool) { return 1, true }); !ok {
				return
			}
		}
	}
	c.p.solve = append(c.p.solve, solution{c.addSymbol(unknown), input, axis, e, plain})
}

func (c *compiler) addSymbol(name string) int {
	i := len(c.p.symbols)
	c.symbolIndex[name] = i
	c.p.symbols = append(c.p.symbols, name)
	return i
}

func (c *compiler) inputs() {
	for _, v := range append(append([]*graph.Value{}, c.p.graph.Inputs...), c.captures...) {
		i := c.slot(v)
		c.p.slots[i].store = inInput
		c.p.slots[i].first = -1
		c.p.inputs = append(c.p.inputs, i)
	}
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

// dims returns the indices of the expressions of a shape, and whether all can be evaluated before running.
func (c *compiler) dims(dims []ops.Dim) ([]int32, bool) {
	for _, e := range dims {
		for _, s := range e.Symbols() {
			if _, ok := c.symbolIndex[s]; !ok {
				return nil, false
			}
		}
	}
	out := make([]int32, len(dims))
	for i, e := range dims {
		k := e.Key()
		id, ok := c.exprIndex[k]
		if !ok {
			id = int32(len(c.exprs))
			c.exprIndex[k] = id
			c.exprs = append(c.exprs, e)
		}
		out[i] = id
	}
	return out, true
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

// view makes output 0 share the storage of input 0. It reports whether no step is needed for that.
func (c *compiler) view(s *step) bool {
	in, out := &c.p.slots[s.in[0]], &c.p.slots[s.out[0]]
	s.view = true
	out.root = in.root
	if !out.fixed || c.p.slots[in.root].store == isDynamic || !in.fixed && in.store != inConst {
		out.store, out.fixed, s.dynamic = isDynamic, false, true
		return false
	}
	out.store = in.store
	return true
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

// lifetimes finds the last step that reads each root, and which dynamic ones die after each step.
func (c *compiler) lifetimes() {
	p := c.p
	for i := range p.slots {
		root := &p.slots[p.slots[i].root]
		root.first = min(root.first, max(p.slots[i].first, -1))
		root.last = max(root.last, p.slots[i].first)
	}
	for i := range p.steps {
		for _, list := range append([][]int32{p.steps[i].in}, p.steps[i].capture...) {
			for _, s := range list {
				if s >= 0 {
					root := &p.slots[p.slots[s].root]
					root.last = max(root.last, int32(i))
				}
			}
		}
	}
	for i, s := range p.slots {
		if s.root == int32(i) && s.store == isDynamic && s.last >= 0 && int(s.last) < len(p.steps) {
			p.steps[s.last].release = append(p.steps[s.last].release, int32(i))
		}
	}
}

// inPlace merges the output of a step with an input that dies there, where the row allows it and the sizes
// are the same.
func (c *compiler) inPlace() {
	p := c.p
	for i := range p.steps {
		s := &p.steps[i]
		inputs := c.overwritable(s)
		if s.dynamic || len(inputs) == 0 || len(s.out) == 0 || s.out[0] < 0 {
			continue
		}
		out := &p.slots[s.out[0]]
		if out.store != inArena || out.root != s.out[0] {
			continue
		}
		for _, j := range inputs {
			if j >= 0 && c.mergeable(s, j, out, int32(i)) {
				c.merge(p.slots[j].root, s.out[0])
				break
			}
		}
	}
}

// overwritable returns the inputs that output 0 of s may be written over if they die there.
func (c *compiler) overwritable(s *step) []int32 {
	if s.node.Op.Flags&ops.InPlace != 0 {
		return s.in
	}
	over := s.node.Over()
	if over == 0 {
		return nil
	}
	for i, j := range s.in {
		if i != over && j >= 0 && c.p.slots[j].root == c.p.slots[s.in[over]].root {
			return nil // it is read elsewhere as well
		}
	}
	return s.in[over:][:1]
}

func (c *compiler) mergeable(s *step, in int32, out *slot, at int32) bool {
	x := &c.p.slots[in]
	root := &c.p.slots[x.root]
	if root.store != inArena || root.last != at || x.dtype != out.dtype || len(x.dims) != len(out.dims) {
		return false
	}
	for k := range x.dims {
		if x.dims[k] != out.dims[k] {
			return false
		}
	}
	return true
}

// merge makes root the storage of everything that was stored in old.
func (c *compiler) merge(root, old int32) {
	p := c.p
	last := p.slots[old].last
	for i := range p.slots {
		if p.slots[i].root == old {
			p.slots[i].root = root
		}
	}
	p.slots[root].last = last
}
