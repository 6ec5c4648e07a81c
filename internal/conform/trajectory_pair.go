package conform

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// adversarial runs the training of a generator G against a discriminator D: in each step D learns to tell real samples
// from those that G makes, then G, through the new D, learns to make some that D takes for real.
func (r *trajectoryRun) adversarial(ctx context.Context) error {
	g, err := r.model("G.onnx")
	if err != nil {
		return err
	}
	defer g.Close()
	d, err := r.model("D.onnx")
	if err != nil {
		return err
	}
	defer d.Close()
	var names struct{ G, D []string }
	if err := json.Unmarshal(r.Trainable, &names); err != nil {
		return fmt.Errorf("conform: trainable: %w", err)
	}
	pair, score, err := chained(g.Model, d.Model)
	if err != nil {
		return err
	}
	o, rates, err := finetune.ParseOptimizer(r.Optimizer.text())
	if err != nil {
		return err
	}
	loss, err := r.Loss.loss(nil, 0)
	if err != nil {
		return err
	}
	spec := finetune.Spec{Optimizer: o, Rate: rates.Rate, Decay: rates.Decay, Threads: r.threads}
	forD, forG := spec, spec
	forD.Weights, forD.Terms = names.D, []finetune.Term{{At: d.Graph.Outputs[0].Name, Loss: loss, Weight: 2}} // the sum over both batches
	forG.Weights, forG.Terms, forG.Held, forG.BatchNorm = names.G, []finetune.Term{{At: score, Loss: loss}}, names.D, true
	dt, err := finetune.NewTrainer(d.Model, forD)
	if err != nil {
		return err
	}
	gt, err := finetune.NewTrainer(pair, forG)
	if err != nil {
		return err
	}
	for step := range r.Steps {
		if err := r.duel(ctx, step, g.Model, d.Model, gt, dt); err != nil {
			return err
		}
	}
	if err := r.compareWeights(dt, "D."); err != nil {
		return err
	}
	return r.compareWeights(gt, "G.")
}

// duel is one step of both.
func (r *trajectoryRun) duel(ctx context.Context, step int, g, d *onnx.Model, gt, dt *finetune.Trainer) error {
	z := map[string]*tensor.Tensor{g.Graph.Inputs[0].Name: slab(r.data["z"], step)}
	made, err := gt.Probe(ctx, z, g.Graph.Outputs[0].Name)
	if err != nil {
		return err
	}
	x, fake := d.Graph.Inputs[0].Name, made[0].Clone()
	real := slab(r.data["real"], step)
	all, err := dt.Probe(ctx, map[string]*tensor.Tensor{x: real}, d.Graph.Outputs[0].Name)
	if err != nil {
		return err
	}
	ones, zeros := tensor.New(tensor.Float32, all[0].Shape()...), tensor.New(tensor.Float32, all[0].Shape()...)
	for i := range tensor.Of[float32](ones) {
		tensor.Of[float32](ones)[i] = 1
	}
	res, err := dt.Step(ctx,
		finetune.Batch{Inputs: map[string]*tensor.Tensor{x: real}, Targets: []*tensor.Tensor{ones}},
		finetune.Batch{Inputs: map[string]*tensor.Tensor{x: fake}, Targets: []*tensor.Tensor{zeros}})
	if err != nil {
		return err
	}
	if err := r.compareLoss("loss", step, res.Loss); err != nil {
		return err
	}
	for _, p := range dt.Params() {
		copy(tensor.Of[float32](gt.Param(p.Name).W), tensor.Of[float32](p.W))
	}
	res, err = gt.Step(ctx, finetune.Batch{Inputs: z, Targets: []*tensor.Tensor{ones}})
	if err != nil {
		return err
	}
	return r.compareLoss("loss_g", step, res.Loss)
}

// slab returns t[i].
func slab(t *tensor.Tensor, i int) *tensor.Tensor {
	shape := t.Shape()[1:]
	n := t.DType().ByteLen(shape.Len())
	out, err := tensor.FromBytes(t.DType(), shape, t.Bytes()[i*n:(i+1)*n])
	if err != nil {
		return tensor.New(t.DType(), shape...)
	}
	return out
}

// chained returns the model d(g(x)) and the name of its output. The values of d get a prefix; its weights keep their names.
func chained(g, d *onnx.Model) (*onnx.Model, string, error) {
	if len(d.Graph.Inputs) != 1 || len(g.Graph.Outputs) != 1 {
		return nil, "", fmt.Errorf("conform: G has %d outputs and D %d inputs, want one each", len(g.Graph.Outputs), len(d.Graph.Inputs))
	}
	weights := map[string]bool{"": true}
	for _, w := range d.Graph.Initializers {
		weights[w.Name] = true
	}
	rename := func(list []string) []string {
		out := make([]string, len(list))
		for i, name := range list {
			switch {
			case weights[name]:
				out[i] = name
			case name == d.Graph.Inputs[0].Name:
				out[i] = g.Graph.Outputs[0].Name
			default:
				out[i] = "D/" + name
			}
		}
		return out
	}
	graph := &onnx.Graph{Name: "chain", Inputs: g.Graph.Inputs}
	graph.Nodes = append(graph.Nodes, g.Graph.Nodes...)
	for _, n := range d.Graph.Nodes {
		graph.Nodes = append(graph.Nodes, &onnx.Node{Name: "D/" + n.Name, OpType: n.OpType, Domain: n.Domain, Attributes: n.Attributes, Inputs: rename(n.Inputs), Outputs: rename(n.Outputs)})
	}
	graph.Initializers = append(append(graph.Initializers, g.Graph.Initializers...), d.Graph.Initializers...)
	out := d.Graph.Outputs[0]
	name := "D/" + out.Name
	graph.Outputs = []*onnx.ValueInfo{{Name: name, Type: out.Type}}
	return &onnx.Model{IRVersion: g.IRVersion, Opsets: g.Opsets, Graph: graph}, name, nil
}
