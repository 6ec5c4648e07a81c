package opt

import (
	"slices"

	"github.com/onnxrun/onnxrun/internal/graph"
)

// bound takes back what would make more of the arena be in use at once than without views: a result takes all of its memory as soon as
// the first of its parts is there. Where sizes are not known nothing is taken back.
func (w *viewer) bound() {
	l := newLifetimes(w.g, Memory{})
	if l == nil {
		return
	}
	b := &viewBound{lifetimes: l, viewer: w, members: map[*graph.Value][]*graph.Value{}}
	b.next = slices.Clone(l.live)
	for _, n := range w.g.Nodes {
		for _, v := range n.Out {
			switch p := w.part[v]; {
			case p.written:
				result, _ := w.result(v)
				b.members[result] = append(b.members[result], v)
			case p.of != nil:
				b.read(v, p.of)
			}
		}
	}
	b.live, b.next = b.next, b.live
	for _, n := range slices.Backward(w.g.Nodes) {
		if joins(n) {
			b.result(n)
		}
	}
}

// viewBound is what bound works with.
type viewBound struct {
	*lifetimes
	*viewer
	members map[*graph.Value][]*graph.Value // what lies in each result, in the order of the graph
	next    []int
}

// result sees to it that the parts of the result of n fit: the first that is made is not written there, until they do.
func (b *viewBound) result(n *graph.Node) {
	out := n.Out[0]
	for len(b.members[out]) > 0 && !b.fits(out) {
		v := b.members[out][0]
		for b.viewer.part[v].of != out {
			v = b.viewer.part[v].of
		}
		delete(b.viewer.part, v)
		old := b.members[out]
		b.members[out] = nil
		for _, m := range old {
			if m == v {
				continue
			}
			to, _ := b.viewer.result(m)
			b.members[to] = append(b.members[to], m)
		}
	}
}

// own returns what v is in the arena, nil if it lies in something else.
func (b *viewBound) own(v *graph.Value) *content {
	if k, ok := b.of[v]; ok && b.contents[k].own && b.contents[k].root == k {
		return &b.contents[k]
	}
	return nil
}

// read counts v as a part of what is cut, which then is in use as long as v.
func (b *viewBound) read(v, whole *graph.Value) {
	c, w := b.own(v), b.own(whole)
	if c == nil {
		return
	}
	b.add(c.def, c.last, -c.size)
	if w != nil && c.last > w.last {
		b.add(w.last+1, c.last, w.size)
		w.last = c.last
	}
}

// fits reports whether the parts of a result fit, and if so, counts them as such from now on.
func (b *viewBound) fits(result *graph.Value) bool {
	b.next = append(b.next[:0], b.live...)
	first, last := len(b.next), 0
	for _, v := range append(slices.Clip(b.members[result]), result) {
		if c := b.own(v); c != nil {
			b.add(c.def, c.last, -c.size)
			first, last = min(first, c.def), max(last, c.last)
		}
	}
	if c := b.own(result); c != nil {
		b.add(first, last, c.size)
	}
	if slices.Max(b.next) > b.most {
		return false
	}
	b.live, b.next = b.next, b.live
	return true
}

func (b *viewBound) add(first, last, size int) {
	for i := first; i <= last; i++ {
		b.next[i] += size
	}
}
