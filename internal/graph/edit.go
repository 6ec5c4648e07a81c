package graph

// ReplaceUses makes every use of old in g and the graphs inside it a use of v, outputs of the graphs
// included. The caller sees to it that v is defined before all of them.
func (g *Graph) ReplaceUses(old, v *Value) {
	g.Walk(func(g *Graph) {
		for _, n := range g.Nodes {
			replace(n.In, old, v)
		}
		replace(g.Outputs, old, v)
	})
}

func replace(list []*Value, old, v *Value) {
	for i := range list {
		if list[i] == old {
			list[i] = v
		}
	}
}

// Uses counts how often each value is read by nodes and outputs of g and the graphs inside it.
func (g *Graph) Uses() map[*Value]int {
	uses := map[*Value]int{}
	g.Walk(func(g *Graph) {
		for _, n := range g.Nodes {
			for _, v := range n.In {
				if v != nil {
					uses[v]++
				}
			}
		}
		for _, v := range g.Outputs {
			uses[v]++
		}
	})
	return uses
}

// Users returns the nodes that read each value, nodes inside of bodies included, and nil for the graph's own
// outputs.
func (g *Graph) Users() map[*Value][]*Node {
	users := map[*Value][]*Node{}
	g.Walk(func(g *Graph) {
		for _, n := range g.Nodes {
			for _, v := range n.In {
				if v != nil {
					users[v] = append(users[v], n)
				}
			}
		}
		for _, v := range g.Outputs {
			users[v] = append(users[v], nil)
		}
	})
	return users
}

// Prune removes the nodes whose outputs nothing needs, in g and the graphs inside it. It reports whether
// it removed any.
func (g *Graph) Prune() bool {
	live := map[*Value]bool{}
	removed := g.prune(live)
	return removed
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
