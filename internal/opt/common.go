package opt

import (
	"fmt"
	"strings"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// common lets nodes that do the same to the same values be one. It leaves outputs of graphs and what has graphs
// inside as they are.
func common(g *graph.Graph) error {
	users := g.Users()
	r := graph.Replacements{}
	g.Walk(func(g *graph.Graph) {
		c := commoner{r: r, number: map[*graph.Value]int{}}
		first := map[string]*graph.Node{}
		for _, n := range g.Nodes {
			if !mergeable(n, users) {
				continue
			}
			key := c.key(n)
			f := first[key]
			if f == nil {
				first[key] = n
				continue
			}
			for i, v := range n.Out {
				if v != nil {
					r[v] = f.Out[i]
				}
			}
		}
	})
	if len(r) > 0 {
		g.Replace(r)
		g.Prune()
	}
	return nil
}

// mergeable reports whether n may be left out for another node.
func mergeable(n *graph.Node, users map[*graph.Value][]*graph.Node) bool {
	if n.Op == nil || n.Op.Flags&ops.Random != 0 || len(n.Bodies) > 0 {
		return false
	}
	for _, v := range n.Out {
		if v == nil {
			continue
		}
		if v.Kind != tensor.KindTensor || v.IsConst() {
			return false
		}
		for _, u := range users[v] {
			if u == nil {
				return false
			}
		}
	}
	return true
}

// commoner describes the nodes of one graph.
type commoner struct {
	r      graph.Replacements
	number map[*graph.Value]int
}

// smallConstant is the number of elements up to which constants are compared by them.
const smallConstant = 16

// key returns text that two nodes share only if they do the same to the same values.
func (c *commoner) key(n *graph.Node) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%s-%d", n.Domain, n.Type, n.Version)
	for _, v := range n.In {
		v = c.r.Of(v)
		switch {
		case v == nil:
			b.WriteString(" none")
		case v.IsConst() && v.Const.Kind() == tensor.KindTensor && v.DType != tensor.String && v.Const.Len() <= smallConstant:
			fmt.Fprintf(&b, " %d%v%v", v.DType, v.Const.Shape(), v.Const.Bytes())
		default:
			if _, ok := c.number[v]; !ok {
				c.number[v] = len(c.number)
			}
			fmt.Fprintf(&b, " v%d", c.number[v])
		}
	}
	for _, v := range n.Out {
		fmt.Fprintf(&b, " %v", v != nil)
	}
	for _, a := range n.Attrs {
		fmt.Fprintf(&b, " %+v", *a) // pointers inside count as their addresses
	}
	return b.String()
}
