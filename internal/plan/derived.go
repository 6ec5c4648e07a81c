package plan

import (
	"sync/atomic"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/ops"
)

// derived are the derived constants of a graph that may be given back when all their readers have packed
// them, with the number of readers that have not. nil if there are none.
type derived map[*graph.Value]*atomic.Int32

// findDerived lists the derived constants that only nodes of g itself read, and whose storage no other
// constant shares.
func findDerived(g *graph.Graph, o *Options) derived {
	s, ok := o.Weights.(*Store)
	if !ok || !o.Once || g.Parent != nil {
		return nil
	}
	d, storage := derived{}, map[*byte]*graph.Value{}
	for _, n := range g.Nodes {
		if len(n.Bodies) > 0 {
			return nil
		}
		for _, v := range n.In {
			d.found(v, storage)
		}
	}
	for _, v := range g.Outputs {
		d.found(v, storage)
		delete(d, v)
	}
	for v := range d {
		s.addDerived(v)
	}
	return d
}

func (d derived) found(v *graph.Value, storage map[*byte]*graph.Value) {
	if v == nil || !v.IsConst() || v.Const.Start() == nil {
		return
	}
	at := v.Const.Start()
	if other, ok := storage[at]; ok && other != v {
		delete(d, other)
		storage[at] = nil
		return
	}
	storage[at] = v
	if v.Derived == nil {
		return
	}
	if d[v] == nil {
		d[v] = new(atomic.Int32)
	}
	d[v].Add(1)
}

// bound gives back what n, bound with k, was the last to pack.
func (d derived) bound(n *graph.Node, k *ops.KernelCtx) {
	for i, v := range n.In {
		if left := d[v]; left != nil && k.IsUnread(i) && left.Add(-1) == 0 {
			v.Derived.Discard()
		}
	}
}
