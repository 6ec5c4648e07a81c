package opt

import (
	"slices"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
)

// Spans lets recurrent layers that keep their gates and states for their gradients keep states between spans of steps only: the
// gradients run one span after the other again, in their place. That gives the same bits, and takes the time of a run for each layer. It changes the
// layers where that makes their gradients take less memory, and reports whether there are some. Shapes must be known.
func Spans(g *graph.Graph) (found bool, err error) {
	infer := &graph.Inferrer{}
	for _, f := range g.Nodes {
		if f.Domain != "onnxrun" || len(f.Out) <= ops.KeptGates || f.Out[ops.KeptGates] == nil || f.Attrs.Int(ops.KeptSpans) > 0 {
			continue
		}
		n := gradientBy(g, f.Out[ops.KeptGates])
		spans, bytes := spansOf(f)
		if n == nil || bytes < worthAgain {
			continue
		}
		for _, m := range []*graph.Node{f, n} {
			m.Attrs = append(slices.Clone(m.Attrs), onnx.NewInt(ops.KeptSpans, int64(spans)))
		}
		op := *n.Op
		op.Flags |= ops.Changes
		n.Op = &op
		if err := infer.Node(f); err != nil {
			return found, err
		}
		found = true
	}
	return found, nil
}

// spansOf is ops.SpansOfGates of a node.
func spansOf(f *graph.Node) (spans, bytes int) {
	x, okX := f.In[0].Static()
	r, okR := f.In[2].Static()
	if !okX || !okR {
		return 0, 0
	}
	return ops.SpansOfGates(f.Type, f.Attrs, x, r)
}

// gradientBy returns the node that reads v, what a layer keeps, as such, if it is the only reader.
func gradientBy(g *graph.Graph, v *graph.Value) (by *graph.Node) {
	for _, n := range g.Nodes {
		at := slices.Index(n.In, v)
		if at < 0 && !slices.Contains(n.Captures(), v) {
			continue
		}
		if by != nil || n.Domain != "onnxrun" || n.Type != "RNNGrad" || at != len(n.In)-1 {
			return nil
		}
		by = n
	}
	if slices.Contains(g.Outputs, v) {
		return nil
	}
	return by
}
