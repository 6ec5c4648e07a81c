package finetune

import (
	"context"
	"fmt"
	"math"

	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// A Solver fits a linear last layer at once.
type Solver struct {
	Name   string  // "lbfgs" or "ridge"
	Lambda float64 // penalty of the squared weights; 0: 1/samples for lbfgs, as scikit-learn's, and samples/1000 for ridge
}

// ParseSolver reads the text form of a solver: lbfgs or ridge, with lambda=NUMBER.
func ParseSolver(text string) (Solver, error) {
	s, err := parseSettings("solver", text)
	if err != nil {
		return Solver{}, err
	}
	out := Solver{Name: s.name}
	s.number("lambda", &out.Lambda, 0, math.Inf(1))
	if out.Name != "lbfgs" && out.Name != "ridge" {
		return Solver{}, s.unknown("lbfgs", "ridge")
	}
	return out, s.finish()
}

// Solve fits the last layer of the model to a dataset at once, in place of Fit's steps: what it reads is the result of the
// frozen layers, and its own result the scores that the only term is computed from. It is an *ops.UnsupportedError if what
// trains is not such a layer alone, or the loss is not one that the solver knows: squares for ridge; squares, cross
// entropy of classes or binary cross entropy for lbfgs. Of the options those about validation, caches and meters count.
func (t *Trainer) Solve(ctx context.Context, ds Dataset, s Solver, o FitOptions) (*Fitted, error) {
	f := &fitter{Trainer: t, o: o}
	if err := f.prepare(ctx, ds); err != nil {
		return nil, err
	}
	defer f.close()
	head, err := f.linearHead()
	if err != nil {
		return nil, err
	}
	f.o.Resume, f.o.TryRates = false, false
	if err := f.start(ctx); err != nil {
		return nil, err
	}
	p, err := f.headProblem(ctx, head, s.Name == "ridge")
	if err != nil {
		return nil, err
	}
	made, loss, err := f.solve(ctx, p, s)
	if err != nil {
		return nil, err
	}
	head.put(made)
	f.state.Step, f.state.Losses, f.best = 1, []float64{loss}, nil
	if f.val != nil {
		f.state.BestEpoch = 1
	}
	return f.finish(ctx)
}

func (f *fitter) solve(ctx context.Context, p HeadProblem, s Solver) (LinearHead, float64, error) {
	if s.Name == "ridge" {
		head, err := Ridge(p, or(s.Lambda, 1e-3*float64(p.Samples)))
		return head, 0, err
	}
	head, r, err := LBFGS(ctx, p, f.spec.Terms[0].Loss, LBFGSOptions{Lambda: or(s.Lambda, 1/float64(p.Samples))})
	return head, r.Loss, err
}

// headParams are the parameters of a linear layer.
type headParams struct {
	w, b    *Param // b may be nil
	outIn   bool   // w is [outputs, features], not [features, outputs]
	outputs int
}

// linearHead returns the layer that trains, if it is one that can be solved.
func (f *fitter) linearHead() (*headParams, error) {
	if len(f.spec.Terms) != 1 || len(f.table.fields) != 1 || len(f.table.fields[0].shape) != 1 || f.table.fields[0].dtype != tensor.Float32 {
		return nil, ops.Unsupported("a solver: what trains has to read one vector of each sample, and its result has to be the scores")
	}
	h := &headParams{}
	for _, l := range f.layers {
		for _, w := range l.Weights {
			p := f.trains(w.Name)
			switch {
			case p == nil:
			case h.w == nil && w.Role == Matrix && len(w.Shape) == 2 && (l.Op == "Gemm" || l.Op == "MatMul") && l.out.Name == f.spec.Terms[0].At:
				h.w, h.outIn = p, layoutOf(l) == OutIn
				if l.Op == "Gemm" && (l.node.Attrs.Float("alpha") != 1 || l.node.Attrs.Float("beta") != 1 || l.node.Attrs.Int("transA") != 0) {
					return nil, ops.Unsupported("a solver: Gemm with alpha, beta or transA (node %q)", l.Node)
				}
			case h.b == nil && w.Role == Bias && h.w != nil && l.out.Name == f.spec.Terms[0].At:
				h.b = p
			default:
				return nil, ops.Unsupported("a solver for %q of node %q (%s): only a last layer that is linear can be solved", w.Name, l.Node, l.Op)
			}
		}
	}
	if h.w == nil {
		return nil, ops.Unsupported("a solver: no matrix of a last layer trains")
	}
	if h.outputs = h.w.Shape[1]; h.outIn {
		h.outputs = h.w.Shape[0]
	}
	if h.b == nil || h.b.W.Len() != h.outputs {
		return nil, ops.Unsupported("a solver: the last layer has no bias that trains")
	}
	return h, nil
}

// trains returns the parameter of a name, nil if the weight does not train.
func (t *Trainer) trains(name string) *Param {
	for _, p := range t.params {
		if p.Name == name {
			return p
		}
	}
	return nil
}

// headProblem gathers features and targets of all samples; with weigh, weights of classes become those of samples.
func (f *fitter) headProblem(ctx context.Context, h *headParams, weigh bool) (HeadProblem, error) {
	n, d := len(f.table.rows), f.table.fields[0].shape[0]
	p := HeadProblem{Samples: n, Outputs: h.outputs, X: make([]float32, 0, n*d)}
	var store tableBatch
	for i := range n {
		if err := f.table.batch(ctx, []int{i}, &store); err != nil {
			return p, err
		}
		p.X = append(p.X, tensor.Of[float32](store.features[f.table.fields[0].name])...)
		switch y := store.targets[0]; y.DType() {
		case tensor.Int64:
			if y.Len() != 1 {
				return p, fmt.Errorf("finetune: solver: sample %d has %d classes, want one", i, y.Len())
			}
			c := tensor.Of[int64](y)[0]
			p.Classes = append(p.Classes, c)
			if loss, ok := f.spec.Terms[0].Loss.(CrossEntropy); ok && weigh && loss.Weights != nil && c >= 0 && int(c) < len(loss.Weights) {
				p.Weights = append(p.Weights, loss.Weights[c])
			}
		case tensor.Float32:
			p.Y = append(p.Y, tensor.Of[float32](y)...)
		default:
			return p, fmt.Errorf("finetune: solver: targets are %v, want classes or float32", y.DType())
		}
	}
	return p, nil
}

// put writes the solution into the parameters.
func (h *headParams) put(made LinearHead) {
	w := tensor.Of[float32](h.w.W)
	copy(tensor.Of[float32](h.b.W), made.B)
	features := len(made.W) / h.outputs
	for o := range h.outputs {
		for i := range features {
			if h.outIn {
				w[o*features+i] = made.W[o*features+i]
			} else {
				w[i*h.outputs+o] = made.W[o*features+i]
			}
		}
	}
}
