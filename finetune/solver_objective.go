package finetune

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"
)

// A headObjective is the mean loss of a linear head with its penalty, as a function of W [outputs, features] and b
// [outputs] in one slice. The features are centred, which moves b only: it makes the problem better conditioned.
type headObjective struct {
	p                 HeadProblem
	features, outputs int
	means             []float64 // of the features
	total             float64   // what the sum of losses is divided by
	lambda            float64
	row               headLoss

	x, z []float64 // a block of features, and of scores, then their gradients
}

// A headLoss returns the loss of a sample, and replaces its scores by their gradient.
type headLoss func(sample int, scores []float64) float64

func newHeadObjective(p HeadProblem, l Loss, lambda float64) (*headObjective, error) {
	o := &headObjective{p: p, lambda: lambda}
	var err error
	if o.features, o.outputs, err = p.sizes(); err != nil {
		return nil, err
	}
	if o.total, o.row, err = p.lossOf(l, o.outputs); err != nil {
		return nil, err
	}
	if !(o.total > 0) {
		return nil, fmt.Errorf("finetune: linear head: the weights of all samples are 0")
	}
	o.means = p.means(p.X, o.features)
	for _, m := range o.means {
		if math.IsNaN(m) {
			return nil, fmt.Errorf("finetune: linear head: the weights of all samples are 0")
		}
	}
	o.x, o.z = make([]float64, solverBlock*o.features), make([]float64, solverBlock*o.outputs)
	return o, nil
}

// evaluate returns the loss at a point, and writes its gradient.
func (o *headObjective) evaluate(at, grad []float64) float64 {
	n := o.outputs * o.features
	w := blas64.General{Rows: o.outputs, Cols: o.features, Stride: o.features, Data: at[:n]}
	dw := blas64.General{Rows: o.outputs, Cols: o.features, Stride: o.features, Data: grad[:n]}
	clear(grad)
	sum := 0.0
	for lo := 0; lo < o.p.Samples; lo += solverBlock {
		hi := min(lo+solverBlock, o.p.Samples)
		x := o.centredRows(lo, hi)
		z := blas64.General{Rows: hi - lo, Cols: o.outputs, Stride: o.outputs, Data: o.z[:(hi-lo)*o.outputs]}
		for i := range z.Rows {
			copy(z.Data[i*z.Stride:], at[n:])
		}
		blas64.Gemm(blas.NoTrans, blas.Trans, 1, x, w, 1, z)
		for i := range z.Rows {
			dz := z.Data[i*z.Stride:][:z.Cols]
			sum += o.row(lo+i, dz)
			for k, d := range dz {
				grad[n+k] += d
			}
		}
		blas64.Gemm(blas.Trans, blas.NoTrans, 1, z, x, 1, dw)
	}
	loss := sum / o.total
	floats.Scale(1/o.total, grad)
	loss += o.lambda / 2 * floats.Dot(at[:n], at[:n])
	floats.AddScaled(grad[:n], o.lambda, at[:n])
	return loss
}

// centredRows widens and centres rows of features.
func (o *headObjective) centredRows(lo, hi int) blas64.General {
	for i := lo; i < hi; i++ {
		row := o.x[(i-lo)*o.features:][:o.features]
		for k, v := range o.p.X[i*o.features:][:o.features] {
			row[k] = float64(v) - o.means[k]
		}
	}
	return blas64.General{Rows: hi - lo, Cols: o.features, Stride: o.features, Data: o.x[:(hi-lo)*o.features]}
}

// lossOf returns the loss of a sample, and what the sum over all samples is divided by.
func (p *HeadProblem) lossOf(l Loss, outputs int) (total float64, row headLoss, err error) {
	for i := range p.Samples {
		total += p.weight(i)
	}
	switch l := l.(type) {
	case MSE:
		if p.Classes != nil {
			return 0, nil, fmt.Errorf("finetune: l-bfgs: mse of class ids, want numbers")
		}
		factor := 1.0 / float64(outputs)
		if l.Half {
			factor, total = 0.5, 1
		}
		return total, p.squares(outputs, factor), nil
	case BCEWithLogits:
		if p.Classes != nil {
			return 0, nil, fmt.Errorf("finetune: l-bfgs: bce-with-logits of class ids, want numbers from 0 to 1")
		}
		row, err = p.logistic(l, outputs)
		return total, row, err
	case CrossEntropy:
		return p.softmax(l, outputs)
	}
	return 0, nil, fmt.Errorf("finetune: l-bfgs: loss is %s, want mse, cross-entropy or bce-with-logits", l.Name())
}

// squares is the squared error times a factor.
func (p *HeadProblem) squares(outputs int, factor float64) headLoss {
	return func(sample int, z []float64) float64 {
		sum, w := 0.0, factor*p.weight(sample)
		for k, y := range p.Y[sample*outputs:][:outputs] {
			d := z[k] - float64(y)
			sum += w * d * d
			z[k] = 2 * w * d
		}
		return sum
	}
}

// logistic is binary cross entropy, averaged over the outputs; see BCEWithLogits.
func (p *HeadProblem) logistic(l BCEWithLogits, outputs int) (headLoss, error) {
	positive := make([]float64, outputs)
	for k := range positive {
		switch len(l.PosWeight) {
		case 0:
			positive[k] = 1
		case 1:
			positive[k] = float64(l.PosWeight[0])
		case outputs:
			positive[k] = float64(l.PosWeight[k])
		default:
			return nil, fmt.Errorf("finetune: l-bfgs: %d positive weights for %d outputs", len(l.PosWeight), outputs)
		}
	}
	return func(sample int, z []float64) float64 {
		sum, w := 0.0, p.weight(sample)/float64(outputs)
		for k, y := range p.Y[sample*outputs:][:outputs] {
			t, x := float64(y), z[k]
			yes, no := w*positive[k]*t, w*(1-t)
			sum += no*softplus(x) + yes*softplus(-x)
			z[k] = no*sigmoid(x) - yes*sigmoid(-x)
		}
		return sum
	}, nil
}

func softplus(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// softmax is the cross entropy of classes, whose mean is divided by the sum of all weights.
func (p *HeadProblem) softmax(l CrossEntropy, outputs int) (total float64, row headLoss, err error) {
	switch {
	case p.Classes == nil:
		return 0, nil, fmt.Errorf("finetune: l-bfgs: cross-entropy of numbers, want class ids")
	case l.Soft || l.Smoothing != 0 || l.Ignore != nil:
		return 0, nil, fmt.Errorf("finetune: l-bfgs: cross-entropy with smoothing, soft targets or an ignored class, want none of them")
	case l.Weights != nil && len(l.Weights) != outputs:
		return 0, nil, fmt.Errorf("finetune: l-bfgs: %d weights of %d classes", len(l.Weights), outputs)
	}
	weight := func(sample int) float64 {
		w := p.weight(sample)
		if l.Weights != nil {
			w *= float64(l.Weights[p.Classes[sample]])
		}
		return w
	}
	for i := range p.Samples {
		total += weight(i)
	}
	return total, func(sample int, z []float64) float64 {
		class, w := p.Classes[sample], weight(sample)
		top, own := slices.Max(z), z[class]
		sum := 0.0
		for k, v := range z {
			z[k] = math.Exp(v - top)
			sum += z[k]
		}
		for k := range z {
			z[k] *= w / sum
		}
		z[class] -= w
		return w * (math.Log(sum) + top - own)
	}, nil
}
