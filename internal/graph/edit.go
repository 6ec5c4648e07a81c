package graph

import "slices"

// Replacements say which value is to be used instead of another.
type Replacements map[*Value]*Value

// Of returns what v is replaced by, through any number of replacements, and v itself if it is not.
func (r Replacements) Of(v *Value) *Value {
	for w := r[v]; w != nil; w = r[v] {
		v = w
	}
	return v
}

// Replace makes every use of a replaced value in g and the graphs inside it a use of its replacement, outputs
// of the graphs included, in one walk. The caller sees to it that replacements are defined before these uses
// and form no cycle.
func (g *Graph) Replace(r Replacements) {
	if len(r) == 0 {
		return
	}
	g.Walk(func(g *Graph) {
		for _, n := range g.Nodes {
			r.in(n.In)
		}
		r.in(g.Outputs)
	})
}

func (r Replacements) in(list []*Value) {
	for i, v := range list {
		list[i] = r.Of(v)
	}
}

// Users returns the nodes that read each value, nodes inside of bodies included, and nil for the graph's own
// outputs.
func (g *Graph) Users() map[*Value][]*Node { return new(UserLists).Of(g) }

// UserLists is storage for the lists of Users of one graph after the other.
type UserLists struct {
	users map[*Value][]*Node
	first []*Node // most values are read once
}

// Of returns g.Users(), until the next call.
func (u *UserLists) Of(g *Graph) map[*Value][]*Node {
	uses := 0
	g.Walk(func(g *Graph) {
		for _, n := range g.Nodes {
			uses += len(n.In)
		}
		uses += len(g.Outputs)
	})
	if u.users == nil {
		u.users = make(map[*Value][]*Node, uses)
	}
	clear(u.users)
	u.first = slices.Grow(u.first[:0], uses)
	g.Walk(func(g *Graph) {
		for _, n := range g.Nodes {
			for _, v := range n.In {
				if v != nil {
					u.add(v, n)
				}
			}
		}
		for _, v := range g.Outputs {
			u.add(v, nil)
		}
	})
	return u.users
}

func (u *UserLists) add(v *Value, n *Node) {
	list := u.users[v]
	if list == nil {
		k := len(u.first)
		u.first = u.first[:k+1]
		list = u.first[k : k : k+1]
	}
	u.users[v] = append(list, n)
}

// Clear lets go of the values and nodes.
func (u *UserLists) Clear() {
	clear(u.users)
	clear(u.first[:cap(u.first)])
}

// Prune removes the nodes whose outputs nothing needs, in g and the graphs inside it. It reports whether
// it removed any.
func (g *Graph) Prune() bool {
	return g.prune(make(map[*Value]bool, 2*len(g.Nodes)))
}

func (g *Graph) prune(live map[*Value]bool) bool {
	for _, v := range g.Outputs {
		live[v] = true
	}
	removed := false
	kept := make([]*Node, 0, len(g.Nodes))
	for i := len(g.Nodes) - 1; i >= 0; i-- {
		n := g.Nodes[i]
		if !needed(n, live) {
			removed = true
			continue
		}
		for _, b := range n.Bodies {
			removed = b.Graph.prune(live) || removed
		}
		for _, v := range n.In {
			if v != nil {
				live[v] = true
			}
		}
		kept = append(kept, n)
	}
	for i, j := 0, len(kept)-1; i < j; i, j = i+1, j-1 {
		kept[i], kept[j] = kept[j], kept[i]
	}
	g.Nodes = kept
	return removed
}

func needed(n *Node, live map[*Value]bool) bool {
	for _, v := range n.Out {
		if v != nil && live[v] && !v.IsConst() {
			return true
		}
	}
	return false
}
