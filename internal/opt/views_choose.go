package opt

import (
	"slices"

	"github.com/onnxrun/onnxrun/internal/graph"
)

// choose decides which values become channels of others: parts of what is cut all of whose readers can read some channels, then
// inputs of a Concat that moreover are made by what can write some, the last Concat first, since it may take another as a whole.
func (w *viewer) choose() {
	for _, n := range slices.Backward(w.g.Nodes) {
		at := cuts(n)
		for i, from := range at {
			if v := n.Out[i]; v != n.In[0] && w.readable(v) {
				w.part[v] = part{of: n.In[0], from: from}
			}
		}
	}
	for _, n := range slices.Backward(w.g.Nodes) {
		if !joins(n) {
			continue
		}
		at := 0
		for i, v := range n.In {
			if w.writable(v) && !slices.Contains(n.In[:i], v) {
				w.part[v] = part{n.Out[0], at, true}
			}
			at += joinedChannels(v)
		}
	}
	w.bound()
}

// readable reports whether all readers of v can read it as some channels of something wider.
func (w *viewer) readable(v *graph.Value) bool {
	users := w.users[v]
	for _, n := range users {
		if n == nil {
			return false
		}
		if _, here := w.place[n]; !here {
			return false
		}
		for i, in := range n.In {
			if in == v && !w.reads(n, i) {
				return false
			}
		}
	}
	return true
}

// reads reports whether n can read input i as some channels of something wider.
func (w *viewer) reads(n *graph.Node, i int) bool {
	if joins(n) {
		return true
	}
	if cuts(n) != nil {
		return i == 0 && !slices.ContainsFunc(n.Out, func(v *graph.Value) bool { return w.part[v].of == nil })
	}
	if elementwise(n) || n.Domain == "onnxrun" && n.Type == "Elementwise" {
		return sameDims(n.In[i], n.Out[0])
	}
	return n.Domain == "onnxrun" && slices.Contains(viewed[n.Type], i)
}

// writable reports whether v can be written as some channels of something wider.
func (w *viewer) writable(v *graph.Value) bool {
	n := v.From
	if n == nil || w.part[v].of != nil {
		return false
	}
	if _, here := w.place[n]; !here {
		return false
	}
	_, writes := writers[n.Type]
	return (writes && n.Domain == "onnxrun" && len(n.Out) == 1 || joins(n) || repeatsPixels(n)) && w.readable(v)
}
