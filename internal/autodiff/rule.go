package autodiff

import (
	"errors"
	"fmt"
	"strings"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// rule lets the Grad function of n's operator emit nodes.
func (w *walk) rule(n *graph.Node) error {
	c := &ruleCtx{w: w, n: n, refs: map[*graph.Value]ops.Ref{}, dx: make([]*graph.Value, len(n.In)),
		equal: make([]*graph.Value, len(n.Out))}
	err := n.Op.Grad(c)
	if err == nil {
		err = c.err
	}
	if err != nil {
		return named(err, n)
	}
	for i, dx := range c.dx {
		if dx != nil {
			w.grads[n.In[i]] = append(w.grads[n.In[i]], dx)
		}
	}
	return w.through(n, c.equal)
}

// named adds the node to what is missing of its rule.
func named(err error, n *graph.Node) error {
	var missing *ops.UnsupportedError
	if !errors.As(err, &missing) {
		return err
	}
	out := &ops.UnsupportedError{}
	for _, m := range missing.Missing {
		if !strings.Contains(m, "(node ") {
			m = fmt.Sprintf("%s (node %q, %s)", m, n.Path(), n.Type)
		}
		out.Missing = append(out.Missing, m)
	}
	return out
}

// ruleCtx is the ops.GradCtx of one node.
type ruleCtx struct {
	w      *walk
	n      *graph.Node
	values []*graph.Value // a Ref is one more than an index
	refs   map[*graph.Value]ops.Ref
	dx     []*graph.Value
	equal  []*graph.Value // what the outputs are, where the rule says so
	err    error
}

// Attrs returns the attributes of the node.
func (c *ruleCtx) Attrs() ops.Attrs { return c.n.Attrs }

// Inputs counts the inputs of the node.
func (c *ruleCtx) Inputs() int { return len(c.n.In) }

// Outputs counts the outputs of the node.
func (c *ruleCtx) Outputs() int { return len(c.n.Out) }

// In names input i.
func (c *ruleCtx) In(i int) ops.Ref { return c.nth(c.n.In, i) }

// Out names output i.
func (c *ruleCtx) Out(i int) ops.Ref { return c.nth(c.n.Out, i) }

func (c *ruleCtx) nth(list []*graph.Value, i int) ops.Ref {
	if i >= len(list) {
		return 0
	}
	return c.ref(list[i])
}

func (c *ruleCtx) ref(v *graph.Value) ops.Ref {
	if v == nil {
		return 0
	}
	r, ok := c.refs[v]
	if !ok {
		c.values = append(c.values, v)
		r = ops.Ref(len(c.values))
		c.refs[v] = r
	}
	return r
}

// Save names output i, which the node gets if it lacks it.
func (c *ruleCtx) Save(i int) ops.Ref {
	if r := c.Out(i); r != 0 || c.err != nil {
		return r
	}
	n := c.n
	probe := *n
	probe.Out = make([]*graph.Value, i+1)
	for k := range probe.Out {
		probe.Out[k] = &graph.Value{}
	}
	if err := c.w.infer.Node(&probe); err != nil {
		c.fail(err)
		return 0
	}
	for len(n.Out) <= i {
		n.Out = append(n.Out, nil)
	}
	n.Out[i] = &graph.Value{Name: c.w.name(n.Type), Value: probe.Out[i].Value, From: n, Index: i}
	return c.ref(n.Out[i])
}

func (c *ruleCtx) value(r ops.Ref) *graph.Value {
	if r == 0 {
		return nil
	}
	return c.values[r-1]
}

// Of returns what is known of a value.
func (c *ruleCtx) Of(r ops.Ref) ops.Value {
	if v := c.value(r); v != nil {
		return v.Value
	}
	return ops.Value{}
}

// Dy returns the gradient of output i.
func (c *ruleCtx) Dy(i int) ops.Ref {
	if i >= len(c.n.Out) || c.n.Out[i] == nil || c.w.path.stop[c.n.Out[i]] {
		return 0
	}
	dy, err := c.w.gradient(c.n.Out[i])
	c.fail(err)
	return c.ref(dy)
}

// Wants reports whether the gradient of input i is needed.
func (c *ruleCtx) Wants(i int) bool {
	return i < len(c.n.In) && c.n.In[i] != nil && c.w.path.wants(c.n.In[i])
}

// Emit adds a node and returns its first output.
func (c *ruleCtx) Emit(domain, name string, attrs map[string]any, in ...ops.Ref) ops.Ref {
	return c.EmitAll(1, domain, name, attrs, in...)[0]
}

// EmitAll adds a node and returns its outputs.
func (c *ruleCtx) EmitAll(outputs int, domain, name string, attrs map[string]any, in ...ops.Ref) []ops.Ref {
	refs := make([]ops.Ref, outputs)
	if c.err != nil {
		return refs
	}
	values := make([]*graph.Value, len(in))
	for i, r := range in {
		values[i] = c.value(r)
	}
	out, err := c.w.Node(outputs, domain, name, attrs, values...)
	if err != nil {
		c.fail(err)
		return refs
	}
	for i, v := range out {
		refs[i] = c.ref(v)
	}
	return refs
}

// Body adds copies of the nodes of the named graph.
func (c *ruleCtx) Body(name string, in ...ops.Ref) []ops.Ref {
	g := c.n.Body(name)
	if g == nil || c.err != nil {
		return nil
	}
	if len(g.Inputs) != len(in) {
		c.fail(fmt.Errorf("graph %q takes %d inputs, want %d", name, len(g.Inputs), len(in)))
		return nil
	}
	copies := &graph.Cloner{Copies: map[*graph.Value]*graph.Value{}, Name: c.w.name}
	for i, v := range g.Inputs {
		copies.Copies[v] = c.value(in[i])
	}
	for _, n := range g.Nodes {
		if redraws(n) {
			c.fail(ops.Unsupported("no gradient through %s inside of %s: its random numbers are not kept (node %q)", n.Type, c.n.Type, n.Path()))
			return nil
		}
		c.fail(c.w.add(copies.Node(n)))
	}
	var out []ops.Ref
	for _, v := range g.Outputs {
		out = append(out, c.ref(copies.Of(v)))
	}
	return out
}

// Const adds a constant.
func (c *ruleCtx) Const(t *tensor.Tensor) ops.Ref { return c.ref(c.w.Const(t)) }

// SetGrad declares the gradient of input i.
func (c *ruleCtx) SetGrad(i int, dx ops.Ref) {
	v := c.value(dx)
	if c.err != nil || v == nil || !c.Wants(i) {
		return
	}
	if x := c.n.In[i]; !alike(v.Type, gradientType(x)) {
		c.fail(fmt.Errorf("gradient of input %d is %v, want %v", i, v.Type, x.Type))
	}
	c.dx[i] = v
}

// SetOutput declares what output i equals.
func (c *ruleCtx) SetOutput(i int, y ops.Ref) {
	v := c.value(y)
	if c.err != nil || v == nil || i >= len(c.n.Out) || c.n.Out[i] == nil {
		return
	}
	if out := c.n.Out[i]; !alike(v.Type, out.Type) && !alike(v.Type, gradientType(out)) {
		c.fail(fmt.Errorf("output %d is written as %v, want %v", i, v.Type, out.Type))
	}
	c.equal[i] = v
}

// alike reports whether two types are equal as far as they are known.
func alike(a, b ops.Type) bool {
	if a.Kind != b.Kind || a.DType != b.DType {
		return false
	}
	if !a.Ranked || !b.Ranked {
		return true
	}
	if len(a.Dims) != len(b.Dims) {
		return false
	}
	for i, d := range a.Dims {
		x, xConst := d.Const()
		y, yConst := b.Dims[i].Const()
		if xConst && yConst && x != y {
			return false
		}
	}
	return true
}

func (c *ruleCtx) fail(err error) {
	if c.err == nil {
		c.err = err
	}
}
