package graph

import (
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/onnx/schema"
	"github.com/onnxrun/onnxrun/ops"
)

// The operator Gradient names values of the graph in its attributes. A name means nothing once functions are
// expanded and values replaced, so the named values become inputs of the node, after its own: those of xs, of
// zs, and y. They also keep what they depend on alive until internal/autodiff has expanded the node.

func isGradient(domain, op string) bool { return domain == schema.PreviewTraining && op == "Gradient" }

// withNamed appends to the inputs of a Gradient node the values that its attributes name.
func withNamed(in []*Value, n *onnx.Node, attrs ops.Attrs, sc *scope) ([]*Value, error) {
	names := append(append(attrs.StrList("xs"), attrs.StrList("zs")...), attrs.Str("y"))
	if len(in) != len(names)-1 {
		return nil, onnx.Malformed("graph", "node %q (%s): %d inputs, want %d: one for each name in xs and zs", sc.prefix+n.Name, n.OpType, len(in), len(names)-1)
	}
	for i, v := range in {
		if v == nil {
			return nil, onnx.Malformed("graph", "node %q (%s): input %d is left out", sc.prefix+n.Name, n.OpType, i)
		}
	}
	out := in[:len(in):len(in)]
	for _, name := range names {
		v, ok := sc.find(name)
		if !ok || v == nil {
			return nil, onnx.Malformed("graph", "node %q (%s): %q in xs, zs or y is not defined before it", sc.prefix+n.Name, n.OpType, name)
		}
		out = append(out, v)
	}
	return out, nil
}
