package opt

import (
	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

const (
	worthInPlace = 1 << 18 // bytes of a weight that takes time to pack
	shareInPlace = 32      // the operations of a run for each one that reads weights in place
)

// unpacked tells products of one row, such as the classifier at the end of a convolutional network, to read their weight where
// the model has it: as dot products, which take up to half as long again as those of packed weights (CALIBRATION.md), while to pack
// it takes as long as a hundred of them. It does so where they are little of what a run computes. The weight's columns must be
// contiguous.
func unpacked(g *graph.Graph) error {
	var heads []*graph.Node
	all, theirs := 0, 0
	for _, n := range g.Nodes {
		f := flops(n)
		all += f
		if oneRow(n) {
			heads = append(heads, n)
			theirs += f
		}
	}
	if theirs*shareInPlace > all {
		return nil
	}
	for _, n := range heads {
		attrs := n.Attrs[:len(n.Attrs):len(n.Attrs)] // others may share them
		n.Attrs = append(attrs, onnx.NewInt("unpacked", 1))
	}
	return nil
}

// oneRow reports whether n is the product of one row and a large constant, whose columns are contiguous.
func oneRow(n *graph.Node) bool {
	if !is(n, "Gemm") && (n.Domain != "onnxrun" || n.Type != "FusedMatMul") || len(n.Out) != 1 || n.Out[0] == nil {
		return false
	}
	w, out := n.In[1], n.Out[0]
	if w == nil || w.Const == nil || w.Derived != nil || w.DType != tensor.Float32 || w.Rank() != 2 || !n.Attrs.Bool("transB") {
		return false
	}
	shape, ok := out.Static()
	return ok && shape.Len() == w.Const.Shape()[0] && sizeOf(w) >= worthInPlace
}
