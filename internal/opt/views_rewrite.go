package opt

import (
	"slices"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/ops"
)

// rewrite makes the graph what was chosen.
func (w *viewer) rewrite() {
	if len(w.part) == 0 {
		return
	}
	for _, n := range w.g.Nodes {
		if !w.grouped[n] && elementwise(n) && slices.ContainsFunc(n.In, w.isPart) {
			w.group(n)
		}
		switch {
		case w.grouped[n]:
			if c := w.chains[n]; c != nil {
				w.node(c)
			}
		case w.joined(n):
			w.join(n)
		case cuts(n) != nil && w.cut(n):
		default:
			w.node(n)
		}
	}
	w.g.Nodes = w.nodes
}

// joined reports whether n is a Concat of which something becomes a view.
func (w *viewer) joined(n *graph.Node) bool {
	return joins(n) && (w.part[n.Out[0]].of != nil || slices.ContainsFunc(n.In, w.isPart))
}

func (w *viewer) isPart(v *graph.Value) bool { return w.part[v].of != nil }

// group makes a chain of n, an elementwise node that reads a view, of those behind it that alone read one another, and of those
// that only they read.
func (w *viewer) group(n *graph.Node) {
	group := []*graph.Node{n}
	for last := n; ; {
		users := w.users[last.Out[0]]
		if len(users) != 1 || users[0] == nil || !w.groups(users[0], n, group) {
			break
		}
		last = users[0]
		group = append(group, last)
	}
	last := group[len(group)-1]
	for i := 0; i < len(group); i++ {
		for _, v := range group[i].In {
			if v == nil || v.From == nil || slices.Contains(group, v.From) || !w.groups(v.From, n, group) || w.leaves(v, group) {
				continue
			}
			group = append(group, v.From)
		}
	}
	slices.SortFunc(group, func(a, b *graph.Node) int { return w.place[a] - w.place[b] })
	c := chainNode(group)
	c.Name, c.Out = last.Name, last.Out
	last.Out[0].From = c
	for _, m := range group {
		w.grouped[m] = true
	}
	w.chains[last] = c
}

// leaves reports whether a node that is not in the group reads v.
func (w *viewer) leaves(v *graph.Value, group []*graph.Node) bool {
	return slices.ContainsFunc(w.users[v], func(n *graph.Node) bool { return !slices.Contains(group, n) })
}

// groups reports whether m, a node behind n, may join its group.
func (w *viewer) groups(m, n *graph.Node, group []*graph.Node) bool {
	at, here := w.place[m]
	return here && at > w.place[n] && !w.grouped[m] && elementwise(m) && sameDims(m.Out[0], n.Out[0]) && len(group) < mostChained &&
		len(chainInputs(append(slices.Clip(group), m))) <= mostInputs
}

// cut takes the parts that become views from a node that cuts, and reports whether nothing remains of it.
func (w *viewer) cut(n *graph.Node) bool {
	left := false
	for i, v := range n.Out {
		if w.part[v].of != nil {
			n.Out[i] = nil
		} else {
			left = true
		}
	}
	return !left
}

// where returns the value of which v is some channels, and the first of these.
func (w *viewer) where(v *graph.Value) (of *graph.Value, from int) {
	for {
		if p, ok := w.made[v]; ok {
			return p.of, from + p.from
		}
		p, ok := w.part[v]
		if !ok {
			return v, from
		}
		v, from = p.of, from+p.from
	}
}

// result returns the result of the outermost Concat of which v is some channels, and the first of these.
func (w *viewer) result(v *graph.Value) (of *graph.Value, from int) {
	for p, ok := w.part[v]; ok && p.written; p, ok = w.part[v] {
		v, from = p.of, from+p.from
	}
	return v, from
}

// node adds n, which reads and writes views where that was chosen.
func (w *viewer) node(n *graph.Node) {
	var rows ops.WideRows
	for i, v := range n.In {
		if w.part[v].of != nil {
			c, _ := channels(v)
			of, from := w.where(v)
			n.In[i] = of
			rows.Ranges = append(rows.Ranges, ops.ChannelRange{Input: i, From: from, Count: c})
		}
	}
	if len(n.Out) == 1 && w.part[n.Out[0]].written {
		w.write(n, n.Out[0], &rows)
		return
	}
	n.Attrs = append(slices.Clip(n.Attrs), rows.Attrs()...)
	w.nodes = append(w.nodes, n)
}

// write adds n, which writes v to where it is to be.
func (w *viewer) write(n *graph.Node, v *graph.Value, rows *ops.WideRows) {
	if is(n, "Resize") {
		n = newNode("onnxrun", "NhwcResize", 1, n.Attrs, n.In...)
		n.Name = v.From.Name
	}
	result, at := w.result(v)
	rows.Row, _ = channels(result)
	rows.At = at
	if before := w.wide[result]; before != nil {
		rows.Into = writers[n.Type]
		n.In = append(slices.Clip(n.In), make([]*graph.Value, rows.Into+1-len(n.In))...)
		n.In[rows.Into] = before
	}
	n.Attrs = append(slices.Clip(n.Attrs), rows.Attrs()...)
	out := &graph.Value{Name: v.Name + "/wide", From: n, Value: ops.Value{Type: result.Type}}
	n.Out = []*graph.Value{out}
	w.wide[result], w.made[v] = out, part{of: out, from: at}
	w.nodes = append(w.nodes, n)
}

// join copies the inputs of a Concat that nobody has written to its result.
func (w *viewer) join(n *graph.Node) {
	out := n.Out[0]
	result, at := w.result(out)
	for i, v := range n.In {
		c := joinedChannels(v)
		if p := w.part[v]; !p.written || p.of != out || slices.Contains(n.In[:i], v) {
			w.copy(n, v, result, at, c)
		}
		at += c
	}
	if result == out {
		last := w.wide[out]
		last.Name = out.Name
		w.replaced[out] = last
		return
	}
	_, from := w.result(out)
	w.made[out] = part{of: w.wide[result], from: from}
}

// copy adds a Place of v, or of the channels that it is, to channels of a result.
func (w *viewer) copy(n *graph.Node, v, result *graph.Value, at, count int) {
	rows := ops.WideRows{At: at}
	rows.Row, _ = channels(result)
	of, from := w.where(v)
	if of != v {
		rows.Ranges = []ops.ChannelRange{{Input: 0, From: from, Count: count}}
	}
	in := []*graph.Value{of}
	if before := w.wide[result]; before != nil {
		rows.Into, in = 1, append(in, before)
	}
	p := newNode("onnxrun", "Place", 1, rows.Attrs(), in...)
	p.Name = n.Path() + "/" + v.Name
	p.Out = []*graph.Value{{Name: p.Name, From: p, Value: ops.Value{Type: result.Type}}}
	w.wide[result] = p.Out[0]
	w.nodes = append(w.nodes, p)
}
