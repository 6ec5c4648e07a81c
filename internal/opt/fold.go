package opt

import (
	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// maxFolded bounds, in elements, what folding may compute from one node: larger results cost more memory
// than computing them again.
const maxFolded = 64 << 20

// keptWhole bounds, in elements, the weights that are transposed although a product could read them as they lie.
const keptWhole = 1 << 14

// fold computes every node whose inputs are constant, in g and the graphs inside it, except that it leaves
// the transposition of large weights to the products that read them.
func fold(g *graph.Graph) error {
	users := g.Users()
	return foldAll(g, func(n *graph.Node) bool { return feedsProducts(n, users) && n.In[0].Const.Len() > keptWhole })
}

// foldRest computes what fold left and no product took over.
func foldRest(g *graph.Graph) error { return foldAll(g, func(*graph.Node) bool { return false }) }

// growth bounds, in bytes, by how much a folded result may be larger than what it was computed from in foldCompact.
const growth = 64 << 10

// foldCompact is fold for models that are written to files: it leaves what would make them larger, such as weights that
// are dequantised.
func foldCompact(g *graph.Graph) error {
	users := g.Users()
	return foldAll(g, func(n *graph.Node) bool {
		size := -growth
		for _, v := range n.Out {
			if v == nil {
				continue
			}
			shape, ok := v.Static()
			if !ok {
				return true
			}
			size += v.DType.ByteLen(shape.Len())
		}
		for _, v := range n.In {
			if v != nil && v.Const != nil && len(users[v]) == 1 { // else it stays beside the result
				size -= v.DType.ByteLen(v.Const.Len())
			}
		}
		return size > 0
	})
}

// feedsProducts reports whether n is a transposition of matrices that transposedProducts can drop.
func feedsProducts(n *graph.Node, users map[*graph.Value][]*graph.Node) bool {
	if !is(n, "Transpose") || n.In[0].DType != tensor.Float32 || n.In[0].Rank() < 2 || !swapsLast(n) {
		return false
	}
	for _, u := range users[n.Out[0]] {
		if u == nil || !takesTransposed(u) {
			return false
		}
	}
	return true
}

func foldAll(g *graph.Graph, skip func(*graph.Node) bool) error {
	var err error
	g.Walk(func(g *graph.Graph) {
		for _, n := range g.Nodes {
			if err != nil || !n.Foldable(maxFolded) || !bounded(n) || allConst(n) || skip(n) {
				continue
			}
			if copying(n) && n.FoldLater(copies[n.Type]) {
				continue
			}
			if e := n.Fold(); e != nil {
				err = &ops.NodeError{Path: n.Path(), Op: n.Type, Err: e}
			}
		}
	})
	return err
}

// copying reports whether n takes little more time than copying what it reads: then nothing is lost if its result is not kept but
// computed when it is read.
func copying(n *graph.Node) bool {
	_, listed := copies[n.Type]
	return n.Domain == "" && n.Op.Flags&(ops.View|ops.Managed) == 0 && (n.Op.Flags&ops.Elementwise != 0 || listed)
}

// copies are operators that move elements, or reduce, normalise or convert them in one pass; true: shape inference has checked all that
// can be wrong with their inputs.
var copies = map[string]bool{"BatchNormalization": true, "Cast": true, "Concat": true, "DequantizeLinear": false, "Expand": true,
	"InstanceNormalization": false, "LayerNormalization": false, "Pad": false, "ReduceL2": true, "ReduceMean": true, "ReduceSum": true,
	"ReduceSumSquare": true, "Slice": true, "Split": true, "Tile": true, "Transpose": true}

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
