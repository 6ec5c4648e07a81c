package finetune

import (
	"fmt"
	"slices"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// RecurrentDropout is the variational dropout of LSTM, GRU and RNN nodes in training: one mask for each sequence, the same
// in all of its steps (Y. Gal and Z. Ghahramani, "A theoretically grounded application of dropout in recurrent neural
// networks", NeurIPS 2016).
type RecurrentDropout struct {
	Inputs float64 // ratio for the features of what the nodes read; 0: none
	State  float64 // ratio for the state before it is multiplied with R; 0: none
}

func (r RecurrentDropout) on() bool { return r.Inputs > 0 || r.State > 0 }

func (r RecurrentDropout) check() error {
	for _, p := range []float64{r.Inputs, r.State} {
		if !(p >= 0 && p < 1) {
			return fmt.Errorf("finetune: recurrent dropout of %v, want at least 0 and below 1", p)
		}
	}
	return nil
}

// recurrentOps are the operators that have a form with a mask.
var recurrentOps = map[string]bool{"LSTM": true, "GRU": true, "RNN": true}

// recurrentMask is the input of the mask in the forms of the onnxrun domain.
const recurrentMask = 8

// timeAxis and batchAxis are the axes of a recurrent node's input with the attribute layout.
func timeAxis(layout int64) int64  { return layout }
func batchAxis(layout int64) int64 { return 1 - layout }

// apply switches the given recurrent nodes of g, which is not inferred yet, to training. Their masks are drawn from the
// streams from first on.
func (r RecurrentDropout) apply(g *graph.Graph, names []string, first int) error {
	if len(names) == 0 {
		return nil
	}
	seed, step := feedValue(g, seedFeed), feedValue(g, stepFeed)
	var nodes []*graph.Node
	for _, n := range g.Nodes {
		k := slices.Index(names, n.Path())
		if k < 0 {
			nodes = append(nodes, n)
			continue
		}
		d := recurrentDropper{stem: n.Path(), seed: seed, step: step}
		if err := d.replace(n, r, int64(first+2*k)); err != nil {
			return err
		}
		nodes = append(nodes, d.nodes...)
	}
	g.Nodes = nodes
	return nil
}

// A recurrentDropper makes the nodes that stand for one recurrent node in training.
type recurrentDropper struct {
	stem       string
	seed, step *graph.Value
	nodes      []*graph.Node
	err        error
}

// add makes a node of one output.
func (d *recurrentDropper) add(domain, op string, attrs ops.Attrs, in ...*graph.Value) *graph.Value {
	if d.err != nil {
		return nil
	}
	n, err := graph.NewNode(ops.Default(), domain, op, attrs, in, fmt.Sprintf("%s/dropout:%d/%s", d.stem, len(d.nodes), op))
	if err != nil {
		d.err = err
		return nil
	}
	n.Name = n.Out[0].Name
	d.nodes = append(d.nodes, n)
	return n.Out[0]
}

// drop makes a CounterDropout.
func (d *recurrentDropper) drop(x *graph.Value, ratio float64, stream int64, shared ...int64) *graph.Value {
	attrs := ops.Attrs{onnx.NewInt("stream", stream)}
	if len(shared) > 0 {
		attrs = append(attrs, onnx.NewInts("shared_axes", shared...))
	}
	return d.add("onnxrun", "CounterDropout", attrs, x, d.constant("ratio", tensor.Scalar(float32(ratio))), d.seed, d.step)
}

func (d *recurrentDropper) constant(name string, t *tensor.Tensor) *graph.Value {
	return &graph.Value{Name: fmt.Sprintf("%s/dropout:%d/%s", d.stem, len(d.nodes), name), Value: ops.ConstValue(t)}
}

// replace makes the nodes in place of n.
func (d *recurrentDropper) replace(n *graph.Node, r RecurrentDropout, stream int64) error {
	in := slices.Clone(n.In)
	layout := int64(n.Attrs.Int("layout"))
	if r.State > 0 {
		for len(in) <= recurrentMask {
			in = append(in, nil)
		}
		in[recurrentMask] = d.stateMask(in, r.State, stream+1, layout)
	}
	if r.Inputs > 0 {
		in[0] = d.drop(in[0], r.Inputs, stream, timeAxis(layout))
	}
	if d.err != nil {
		return d.err
	}
	masked, err := graph.NewNode(ops.Default(), "onnxrun", n.Type, n.Attrs, in)
	if err != nil {
		return err
	}
	masked.Name, masked.Out = n.Name, n.Out
	for _, v := range n.Out {
		if v != nil {
			v.From = masked
		}
	}
	d.nodes = append(d.nodes, masked)
	return nil
}

// stateMask makes factors of 0 and 1/(1-ratio) for the states: [directions, batch, hidden], with layout 1 [batch, directions,
// hidden]. Directions and hidden are dimensions of R, batch of the input.
func (d *recurrentDropper) stateMask(in []*graph.Value, ratio float64, stream, layout int64) *graph.Value {
	dim := func(v *graph.Value, axis int64) *graph.Value {
		return d.add("", "Shape", ops.Attrs{onnx.NewInt("start", axis), onnx.NewInt("end", axis+1)}, v)
	}
	dims := []*graph.Value{dim(in[2], 0), dim(in[0], batchAxis(layout)), dim(in[2], 2)}
	if layout == 1 {
		dims[0], dims[1] = dims[1], dims[0]
	}
	shape := d.add("", "Concat", ops.Attrs{onnx.NewInt("axis", 0)}, dims...)
	if d.err != nil {
		return nil
	}
	one := tensor.FromSlice([]float32{1})
	ones := d.add("", "ConstantOfShape", ops.Attrs{onnx.NewTensor("value", tensor.NewProto("", one))}, shape)
	mask := d.drop(ones, ratio, stream)
	return d.add("", "CastLike", nil, mask, in[0])
}

// trainRecurrent lists the recurrent nodes that depend on, or have, weights that train.
func (b *builder) trainRecurrent(r RecurrentDropout) error {
	if err := r.check(); err != nil || !r.on() {
		return err
	}
	g, live, err := b.graph(nil, false)
	if err != nil {
		return err
	}
	depends := dependsOn(g, live)
	b.modes.variational = r
	for _, n := range g.Nodes {
		if n.Domain == "" && recurrentOps[n.Type] && slices.ContainsFunc(n.In, func(v *graph.Value) bool { return v != nil && depends[v] }) {
			b.modes.recurrent = append(b.modes.recurrent, n.Path())
		}
	}
	if len(b.modes.recurrent) == 0 {
		return fmt.Errorf("finetune: recurrent dropout: no LSTM, GRU or RNN node of the model trains")
	}
	return nil
}
