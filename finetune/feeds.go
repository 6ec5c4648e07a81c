package finetune

import (
	"slices"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// The inputs of the training graph that the trainer feeds itself: what masks of dropout are drawn from.
const (
	feedPrefix = "onnxrun.feed."
	seedFeed   = feedPrefix + "seed"
	stepFeed   = feedPrefix + "step"
)

// fed returns the inputs of g that the trainer feeds.
func fed(g *graph.Graph) []*graph.Value {
	var out []*graph.Value
	for _, v := range g.Inputs {
		if v.Name == seedFeed || v.Name == stepFeed {
			out = append(out, v)
		}
	}
	return out
}

// feedValue returns the input of g of the given name, which it makes if there is none.
func feedValue(g *graph.Graph, name string) *graph.Value {
	for _, v := range g.Inputs {
		if v.Name == name {
			return v
		}
	}
	v := &graph.Value{Name: name, Value: ops.Value{Type: ops.TensorType(tensor.Int64)}}
	g.Inputs = append(g.Inputs, v)
	return v
}

// feed returns what the trainer feeds to an input of the training graph in the present step, nil if it is none of its own.
// Batches of one step draw different masks.
func (t *Trainer) feed(name string) *tensor.Tensor {
	if t.feeds == nil {
		t.feeds = map[string]*tensor.Tensor{seedFeed: tensor.Scalar(int64(t.spec.Seed)), stepFeed: tensor.Scalar(int64(0))}
	}
	x := t.feeds[name]
	if name == stepFeed {
		tensor.Of[int64](x)[0] = int64(t.steps)<<16 + int64(t.part)
	}
	return x
}

// dropouts switches the given Dropout nodes of g, which is not inferred yet, to training.
func dropouts(g *graph.Graph, names []string) error {
	if len(names) == 0 {
		return nil
	}
	seed, step := feedValue(g, seedFeed), feedValue(g, stepFeed)
	for i, n := range g.Nodes {
		stream := slices.Index(names, n.Path())
		if stream < 0 {
			continue
		}
		ratio, err := dropoutRatio(n)
		if err != nil {
			return err
		}
		attrs := ops.Attrs{onnx.NewInt("stream", int64(stream))}
		fresh, err := graph.NewNode(ops.Default(), "onnxrun", "CounterDropout", attrs, []*graph.Value{n.In[0], ratio, seed, step})
		if err != nil {
			return err
		}
		fresh.Name, fresh.Out = n.Name, n.Out[:1]
		fresh.Out[0].From = fresh
		g.Nodes[i] = fresh
	}
	return nil
}

// dropoutRatio returns the ratio of a Dropout node: its second input since version 12, an attribute before.
func dropoutRatio(n *graph.Node) (*graph.Value, error) {
	ratio := 0.5
	if n.Attrs.HasAttr("ratio") {
		ratio = float64(n.Attrs.Float("ratio"))
	}
	if len(n.In) > 1 && n.In[1] != nil {
		if !n.In[1].IsConst() {
			return nil, ops.Unsupported("dropout with a ratio that is computed (node %q)", n.Path())
		}
		ratio = tensor.Float64s(n.In[1].Const, 1)[0]
	}
	return &graph.Value{Name: n.Path() + "/ratio", Value: ops.ConstValue(tensor.Scalar(float32(ratio)))}, nil
}

// trainDropout lists the Dropout nodes that the weights that train see: those on values that depend on them, and those
// whose result one of their layers reads.
func (b *builder) trainDropout() error {
	g, live, err := b.graph(nil, false)
	if err != nil {
		return err
	}
	depends := dependsOn(g, live)
	for _, n := range g.Nodes {
		if n.Type != "Dropout" || n.Domain != "" {
			continue
		}
		if len(n.Out) > 1 && n.Out[1] != nil {
			continue // whoever reads the mask wants that of the operator
		}
		direct := slices.ContainsFunc(g.Nodes, func(user *graph.Node) bool {
			return slices.Contains(user.In, n.Out[0]) && slices.ContainsFunc(user.In, func(v *graph.Value) bool { return v != nil && depends[v] })
		})
		if depends[n.Out[0]] || direct {
			b.modes.dropout = append(b.modes.dropout, n.Path())
		}
	}
	return nil
}
