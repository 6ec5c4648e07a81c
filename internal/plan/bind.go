package plan

import (
	"cmp"
	"slices"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/internal/mem"
	"github.com/onnxrun/onnxrun/internal/par"
	"github.com/onnxrun/onnxrun/ops"
)

// A binding is what the Kernel function of a node returned, and its context.
type binding struct {
	done bool
	ctx  *ops.KernelCtx
	k    ops.Kernel
	err  error
}

// bindKernels binds the nodes with constant inputs of some size on several threads: their kernels pack these.
// The largest go first: while one is packed there are two of it, and most is in memory at the end.
func (c *compiler) bindKernels() {
	c.bound = make([]binding, len(c.p.graph.Nodes))
	if c.derived, c.gate = c.p.opts.outerDerived, c.p.opts.outerGate; c.gate == nil {
		c.derived, c.gate = findDerived(c.p.graph, &c.p.opts), &gate{}
	}
	c.p.later = newLater(c.p, c.derived)
	b := &binder{c: c}
	for i, n := range c.p.graph.Nodes {
		if n.Op.Flags&ops.View == 0 && constBytes(n) >= worthThread {
			b.nodes = append(b.nodes, i)
		}
	}
	mem.Expect(b.bytes())
	size := func(i int) int { return constBytes(c.p.graph.Nodes[i]) }
	slices.SortStableFunc(b.nodes, func(i, j int) int { return cmp.Compare(size(j), size(i)) })
	par.RunInOrder(c.p.opts.Threads, len(b.nodes), b)
}

// worthThread is how many bytes of constants make a node worth handing to another thread.
const worthThread = 32 << 10

func constBytes(n *graph.Node) (size int) {
	for _, v := range n.In {
		if v != nil && v.IsConst() {
			size += v.DType.ByteLen(v.Const.Len())
		}
	}
	return size
}

// binder binds the listed nodes. It implements par.Task.
type binder struct {
	c     *compiler
	nodes []int
}

// bytes returns the size of the constants of the listed nodes, each counted once.
func (b *binder) bytes() (size int) {
	seen := map[*graph.Value]bool{}
	for _, i := range b.nodes {
		for _, v := range b.c.p.graph.Nodes[i].In {
			if v != nil && v.IsConst() && !seen[v] {
				seen[v] = true
				size += v.DType.ByteLen(v.Const.Len())
			}
		}
	}
	return size
}

// Chunk implements par.Task.
func (b *binder) Chunk(i int) {
	at := b.nodes[i]
	b.c.bound[at].kernel(b.c, b.c.p.graph.Nodes[at])
}

// kernel returns the kernel of n, and binds it unless that is done.
func (b *binding) kernel(c *compiler, n *graph.Node) (ops.Kernel, error) {
	if b.done {
		return b.k, b.err
	}
	k := &ops.KernelCtx{Attrs: n.Attrs, Weights: c.p.opts.Weights, BodyInput: n.BodyInput, BodyOutput: n.BodyOutput, Threads: c.p.opts.Threads, Operator: ops.Default().Find}
	k.Lean = c.p.opts.Lean && len(n.In) > 1 && n.In[1] != nil && n.In[1].Derived == nil // else the packed form is all that stays
	k.In, k.Out = valuesOf(n.In), valuesOf(n.Out)
	for _, b := range n.Bodies {
		k.Bodies = append(k.Bodies, b.Name)
	}
	if size := c.derived.bytes(n); size > 0 && c.p.later == nil {
		c.gate.enter(size)
		defer c.gate.leave(size)
	}
	b.k, b.err = n.Op.Kernel(k)
	b.done, b.ctx = true, k
	if b.k.Keep != nil {
		if c.p.later != nil {
			return b.k, b.err
		}
		b.k.Keep()
	}
	c.derived.bound(n, k)
	return b.k, b.err
}

func valuesOf(vs []*graph.Value) []ops.Value {
	out := make([]ops.Value, len(vs))
	for i, v := range vs {
		if v != nil {
			out[i] = v.Value
		}
	}
	return out
}
