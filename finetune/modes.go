package finetune

import (
	"fmt"
	"slices"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// modes are the nodes that compute something else while they train.
type modes struct {
	batchNorm []string // nodes that normalise by the statistics of the batch, and move the running ones
	dropout   []string // Dropout nodes that drop

	recurrent   []string // recurrent nodes with variational dropout
	variational RecurrentDropout
}

// apply switches the nodes of g, which is not inferred yet, to training.
func (m *modes) apply(g *graph.Graph) error {
	if err := dropouts(g, m.dropout); err != nil {
		return err
	}
	if err := m.variational.apply(g, m.recurrent, len(m.dropout)); err != nil {
		return err
	}
	for _, name := range m.batchNorm {
		n := nodeNamed(g, name)
		if n == nil {
			return fmt.Errorf("finetune: the model has no node %q", name)
		}
		attrs := ops.Attrs{onnx.NewFloat("epsilon", n.Attrs.Float("epsilon")), onnx.NewFloat("momentum", n.Attrs.Float("momentum")), onnx.NewInt("training_mode", 1)}
		fresh, err := graph.NewNode(ops.Default(), "", "BatchNormalization", attrs, n.In, n.Out[0].Name, statPrefix+n.In[3].Name, statPrefix+n.In[4].Name)
		if err != nil {
			return err
		}
		fresh.Name, fresh.Out[0] = n.Name, n.Out[0]
		*n = *fresh
		for _, v := range n.Out {
			v.From = n
		}
	}
	return nil
}

// rest takes the Dropout nodes that drop in training out of a graph that does not train: what is frozen then ends at their
// inputs in both, and its results serve both.
func (m *modes) rest(g *graph.Graph) error {
	r := graph.Replacements{}
	for _, name := range m.dropout {
		if n := nodeNamed(g, name); n != nil {
			r[n.Out[0]] = n.In[0]
		}
	}
	outputs := slices.Clone(g.Outputs)
	g.Replace(r)
	g.Outputs = outputs // they keep their names
	return nil
}

// statistics returns the running statistics that the nodes compute, mean and variance of each.
func (m *modes) statistics(g *graph.Graph) ([]*graph.Value, error) {
	var out []*graph.Value
	for _, name := range m.batchNorm {
		n := nodeNamed(g, name)
		if n == nil || len(n.Out) < 3 {
			return nil, fmt.Errorf("finetune: node %q (BatchNormalization) has no running statistics", name)
		}
		out = append(out, n.Out[1], n.Out[2])
	}
	return out, nil
}

// trainBatchNorm lists the BatchNormalization nodes that depend on, or have, weights that train, and makes their running
// statistics state of the training. One whose statistics are no weights of the model is an error.
func (b *builder) trainBatchNorm() error {
	g, live, err := b.graph(nil, false)
	if err != nil {
		return err
	}
	depends := map[*graph.Value]bool{}
	for _, v := range live {
		depends[v] = true
	}
	for _, n := range g.Nodes {
		hit := false
		for _, v := range reads(n) {
			hit = hit || depends[v]
		}
		if !hit {
			continue
		}
		for _, v := range n.Out {
			depends[v] = true
		}
		if n.Type != "BatchNormalization" || n.Domain != "" {
			continue
		}
		for _, i := range []int{3, 4} {
			root, frozen := rootOf(n.In[i])
			if root == nil || frozen != "" || root != n.In[i] {
				return fmt.Errorf("finetune: node %q (BatchNormalization): input %d (%s) is no initializer, and cannot keep running statistics", n.Path(), i, n.In[i].Name)
			}
			b.stats = append(b.stats, &Weight{Name: root.Name, DType: root.DType, Shape: root.Const.Shape(), value: root.Const})
		}
		b.modes.batchNorm = append(b.modes.batchNorm, n.Path())
	}
	return nil
}

func nodeNamed(g *graph.Graph, name string) *graph.Node {
	for _, n := range g.Nodes {
		if n.Path() == name {
			return n
		}
	}
	return nil
}

// batched returns the inputs of g that have a batch axis: that hold one row for each sample.
func (b *builder) batched(g *graph.Graph) []*graph.Value {
	var out []*graph.Value
	for _, v := range g.Inputs {
		if v.Kind == tensor.KindTensor && v.Ranked && len(v.Dims) > 0 && b.perSample[v.Name] {
			out = append(out, v)
		}
	}
	return out
}
