package graph

import (
	"fmt"
	"slices"

	"github.com/onnxrun/onnxrun/internal/mem"
	"github.com/onnxrun/onnxrun/internal/mmap"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

const (
	// worthLater is the number of bytes from which on a folded result is computed when it is read.
	worthLater = 1 << 18
	// mostMoved bounds what computing such a result may move, by its own size: results in between are computed for each of
	// their readers.
	mostMoved = 16
)

// FoldLater makes the outputs of a foldable node constants that are computed when they are read: they take no memory before,
// and none when all readers have packed them. It reports whether it did, which it does with large float32 outputs of known
// shapes. The caller knows that the operator is cheap, and if it is sure, that it does not fail; otherwise they are computed once, to see.
func (n *Node) FoldLater(sure bool) bool {
	moved, ok := n.moves()
	if !ok || !n.binds() || !sure && !n.computes() {
		return false
	}
	from := &Node{Name: n.Name, Domain: n.Domain, Type: n.Type, Op: n.Op, Attrs: n.Attrs, In: slices.Clone(n.In), Out: slices.Clone(n.Out)}
	for i, v := range n.Out {
		if v == nil {
			continue
		}
		shape, _ := v.Static()
		d := derive(v.Name, shape, func(dst []float32) { from.compute(i, tensor.FromSlice(dst, shape...)) })
		d.Derived.moves = moved
		v.Value, v.Derived = d.Value, d.Derived
	}
	return true
}

// moves returns how many bytes computing the outputs moves, and whether they may be computed later.
func (n *Node) moves() (bytes int, ok bool) {
	least := 0
	for _, v := range n.Out {
		if v == nil {
			continue
		}
		shape, ok := v.Static()
		if !ok || v.Kind != tensor.KindTensor || v.DType != tensor.Float32 || 4*shape.Len() < worthLater {
			return 0, false
		}
		if bytes += 4 * shape.Len(); least == 0 || 4*shape.Len() < least {
			least = 4 * shape.Len()
		}
	}
	for _, v := range n.In {
		if v == nil {
			continue
		}
		if v.Const.Kind() != tensor.KindTensor || v.DType == tensor.String {
			return 0, false
		}
		if bytes += v.DType.ByteLen(v.Const.Len()); v.Derived != nil {
			bytes += v.Derived.moves
		}
	}
	return bytes, bytes <= mostMoved*least
}

// binds reports whether there is a kernel for the node.
func (n *Node) binds() bool {
	k := &ops.KernelCtx{Attrs: n.Attrs, In: make([]ops.Value, len(n.In)), Out: make([]ops.Value, len(n.Out))}
	for i, v := range n.In {
		if v != nil {
			k.In[i] = v.Value
		}
	}
	for i, v := range n.Out {
		if v != nil {
			k.Out[i] = v.Value
		}
	}
	_, err := n.Op.Kernel(k)
	return err == nil
}

// computes reports whether the outputs can be computed.
func (n *Node) computes() bool {
	for i, v := range n.Out {
		if v == nil {
			continue
		}
		shape, _ := v.Static()
		x := mem.Reserve(shape.Len())
		err := n.evaluate(i, tensor.FromSlice(x, shape...))
		if mem.Discard(x); err != nil {
			return false
		}
	}
	return true
}

// compute is evaluate of a node that is known to compute.
func (n *Node) compute(i int, out *tensor.Tensor) {
	if err := n.evaluate(i, out); err != nil {
		panic(fmt.Errorf("graph: constant %q of node %q: %w", n.Out[i].Name, n.Path(), err))
	}
}

// evaluate writes output i to out.
func (n *Node) evaluate(i int, out *tensor.Tensor) error {
	in, giveBack := n.constants()
	defer giveBack()
	outs := make([]*tensor.Tensor, len(n.Out))
	outs[i] = out
	return n.Op.EvalInto(n.Attrs, outs, in...)
}

// constants returns the constant inputs of n, of which derived ones are computed for this one use, and what gives the memory of
// large ones back.
func (n *Node) constants() (in []*tensor.Tensor, giveBack func()) {
	in = make([]*tensor.Tensor, len(n.In))
	var computed [][]float32
	for i, v := range n.In {
		if v == nil {
			continue
		}
		if in[i] = v.Const; v.Derived != nil {
			x := mem.Reserve(v.Const.Len())
			mem.Take(x)
			v.Derived.Fill(x)
			in[i], computed = tensor.FromSlice(x, v.Const.Shape()...), append(computed, x)
		}
	}
	return in, func() {
		for _, x := range computed {
			mem.Discard(x)
		}
		for _, v := range n.In {
			if v != nil && v.Derived == nil && v.DType.ByteLen(v.Const.Len()) >= worthLater {
				mmap.Release(v.Const.Bytes())
			}
		}
	}
}
