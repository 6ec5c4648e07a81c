package plan

import (
	"sync"
	"sync/atomic"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/ops"
)

// derived are the derived constants of a graph that may be given back when all their readers have packed
// them, with the number of readers that have not. nil if there are none.
type derived map[*graph.Value]*atomic.Int32

// findDerived lists the derived constants that only nodes of g and of the graphs inside it read, and whose storage no other
// constant shares.
func findDerived(g *graph.Graph, o *Options) derived {
	s, ok := o.Weights.(*Store)
	if !ok || !o.Once || g.Parent != nil {
		return nil
	}
	d, storage := derived{}, map[*byte]*graph.Value{}
	g.Walk(func(g *graph.Graph) {
		for _, n := range g.Nodes {
			for _, v := range n.In {
				d.found(v, storage)
			}
		}
	})
	g.Walk(func(g *graph.Graph) {
		for _, v := range g.Outputs {
			d.found(v, storage)
			delete(d, v)
		}
	})
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

// bytes returns the size of the derived constants that n reads.
func (d derived) bytes(n *graph.Node) (size int) {
	for _, v := range n.In {
		if d[v] != nil {
			size += v.DType.ByteLen(v.Const.Len())
		}
	}
	return size
}

// A gate bounds the memory of derived constants that are there at one time: those who enter with n bytes have at most
// maxInside together, or are alone.
type gate struct {
	mu     sync.Mutex
	freed  sync.Cond
	inside int
}

const maxInside = 8 << 20

func (g *gate) enter(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.freed.L = &g.mu
	for g.inside > 0 && g.inside+n > maxInside {
		g.freed.Wait()
	}
	g.inside += n
}

func (g *gate) leave(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside -= n
	g.freed.Broadcast()
}

// bound gives back what n, bound with k, was the last to pack.
func (d derived) bound(n *graph.Node, k *ops.KernelCtx) {
	for i, v := range n.In {
		if left := d[v]; left != nil && k.IsUnread(i) && left.Add(-1) == 0 {
			v.Derived.Discard()
		}
	}
}
