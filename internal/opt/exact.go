package opt

import (
	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/onnx"
)

// exact tells convolutions to do without transforms of their tiles.
func exact(g *graph.Graph) error {
	return rewrite(g, func(r *rewriter) error {
		for _, n := range r.g.Nodes {
			if n.Domain == "onnxrun" && (n.Type == "NhwcConv" || n.Type == "NhwcConvTranspose") {
				n.Attrs = append(n.Attrs, onnx.NewInt("exact", 1))
			}
		}
		return nil
	})
}
