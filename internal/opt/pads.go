package opt

import (
	"slices"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// pads lets convolutions pad with zeros what a Pad before them does.
func pads(g *graph.Graph) error {
	return rewrite(g, func(r *rewriter) error {
		for _, n := range r.g.Nodes {
			if r.gone(n) || !is(n, "Conv") || n.Attrs.Str("auto_pad") != "NOTSET" && n.Attrs.Str("auto_pad") != "" {
				continue
			}
			p := r.by(n.In[0], "Pad")
			if p == nil {
				continue
			}
			widths := zeroPads(p)
			if widths == nil {
				continue
			}
			c := *n
			c.In = append([]*graph.Value{p.In[0]}, n.In[1:]...)
			if own := n.Attrs.IntList("pads"); len(own) == len(widths) {
				for i, w := range own {
					widths[i] += w
				}
			}
			c.Attrs = with(n.Attrs, onnx.NewInts("pads", widths...))
			r.replace(&c, n)
		}
		return nil
	})
}

// zeroPads returns the widths by which a Pad extends the spatial axes with zeros, nil if it does something else.
func zeroPads(n *graph.Node) []int64 {
	rank := n.In[0].Rank()
	if rank < 3 || n.In[0].DType != tensor.Float32 || n.Attrs.Str("mode") != "constant" && n.Attrs.Str("mode") != "" || n.Attrs.Float("value") != 0 || len(n.In) > 3 && n.In[3] != nil {
		return nil
	}
	widths := n.Attrs.IntList("pads")
	if len(n.In) > 1 && n.In[1] != nil {
		var ok bool
		if widths, ok = n.In[1].Ints(); !ok {
			return nil
		}
	}
	if len(n.In) > 2 && n.In[2] != nil {
		if v, ok := scalar(n.In[2]); !ok || v != 0 {
			return nil
		}
	}
	if len(widths) != 2*rank || slices.Min(widths) < 0 || widths[0]+widths[1]+widths[rank]+widths[rank+1] != 0 {
		return nil
	}
	return slices.Concat(widths[2:rank], widths[rank+2:])
}
