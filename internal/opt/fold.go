package opt

import (
	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/ops"
)

// maxFolded bounds, in elements, what folding may compute from one node: larger results cost more memory
// than computing them again.
const maxFolded = 64 << 20

// fold computes every node whose inputs are constant, in g and the graphs inside it.
func fold(g *graph.Graph) error {
	var err error
	g.Walk(func(g *graph.Graph) {
		for _, n := range g.Nodes {
			if err != nil || !n.Foldable(maxFolded) || !bounded(n) || allConst(n) {
				continue
			}
			if e := n.Fold(); e != nil {
				err = &ops.NodeError{Path: n.Path(), Op: n.Type, Err: e}
			}
		}
	})
	return err
}

func bounded(n *graph.Node) bool {
	for _, v := range n.Out {
		if v == nil {
			continue
		}
		if shape, ok := v.Static(); ok {
			if c, err := shape.Count(); err != nil || c > maxFolded {
				return false
			}
		}
	}
	return true
}

func allConst(n *graph.Node) bool {
	for _, v := range n.Out {
		if v != nil && !v.IsConst() {
			return false
		}
	}
	return true
}
