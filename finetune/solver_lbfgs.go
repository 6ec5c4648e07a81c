package finetune

import (
	"context"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
)

// LBFGSOptions say how far LBFGS goes. The zero value is good for heads.
type LBFGSOptions struct {
	Lambda     float64     // lambda/2 * |W|^2 is added to the mean loss; the intercept is not penalised
	Iterations int         // at most; 0 means 500
	Tolerance  float64     // the largest element of the gradient at the end; 0 means 1e-6
	Start      *LinearHead // nil: zeros
}

// LBFGSResult tells how LBFGS went.
type LBFGSResult struct {
	Loss       float64 // the mean loss with its penalty
	Gradient   float64 // the largest element of its gradient
	Iterations int
	Converged  bool // within the tolerance, or as far as float64 tells differences of the loss
}

// LBFGS fits a linear head to the mean of a loss over the samples, from any start to the same optimum where lambda is not
// 0: by the limited-memory method of Broyden, Fletcher, Goldfarb and Shanno in float64. The loss is MSE, CrossEntropy of
// classes without smoothing, or BCEWithLogits. A context that ends is an error.
func LBFGS(ctx context.Context, p HeadProblem, l Loss, o LBFGSOptions) (LinearHead, LBFGSResult, error) {
	if !(o.Lambda >= 0) || math.IsInf(o.Lambda, 1) {
		return LinearHead{}, LBFGSResult{}, fmt.Errorf("finetune: l-bfgs: lambda is %v, want a number of at least 0", o.Lambda)
	}
	obj, err := newHeadObjective(p, l, o.Lambda)
	if err != nil {
		return LinearHead{}, LBFGSResult{}, err
	}
	start := make([]float64, obj.outputs*(obj.features+1))
	if o.Start != nil {
		if start, err = obj.fromHead(o.Start); err != nil {
			return LinearHead{}, LBFGSResult{}, err
		}
	}
	iterations := o.Iterations
	if iterations == 0 {
		iterations = 500
	}
	m := &lbfgs{f: obj.evaluate, iterations: iterations, tolerance: or(o.Tolerance, 1e-6)}
	steps, converged, err := m.run(ctx, start)
	if err != nil {
		return LinearHead{}, LBFGSResult{}, fmt.Errorf("finetune: l-bfgs: %w", err)
	}
	r := LBFGSResult{Loss: m.value, Gradient: floats.Norm(m.grad, math.Inf(1)), Iterations: steps, Converged: converged}
	return obj.toHead(m.x), r, nil
}

// fromHead are the numbers to optimise of a head: W [outputs, features] and b, for centred features.
func (o *headObjective) fromHead(h *LinearHead) ([]float64, error) {
	if len(h.W) != o.outputs*o.features || len(h.B) != o.outputs {
		return nil, fmt.Errorf("finetune: l-bfgs: the start has %d weights and %d intercepts, want %d and %d",
			len(h.W), len(h.B), o.outputs*o.features, o.outputs)
	}
	x := slices.Concat(widened(h.W), widened(h.B))
	o.shift(x, 1)
	return x, nil
}

func (o *headObjective) toHead(x []float64) LinearHead {
	x = slices.Clone(x)
	o.shift(x, -1)
	h := LinearHead{W: make([]float32, o.outputs*o.features), B: make([]float32, o.outputs)}
	for i := range h.W {
		h.W[i] = float32(x[i])
	}
	for k := range h.B {
		h.B[k] = float32(x[len(h.W)+k])
	}
	return h
}

// shift adds sign times W times the means of the features to the intercepts.
func (o *headObjective) shift(x []float64, sign float64) {
	for k := range o.outputs {
		for f, m := range o.means {
			x[o.outputs*o.features+k] += sign * x[k*o.features+f] * m
		}
	}
}
