package finetune

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
)

// A HeadProblem is what a linear head is fitted to: its inputs, and what it shall make of them.
type HeadProblem struct {
	X       []float32 // [samples, features]
	Samples int
	Y       []float32 // [samples, outputs]
	Classes []int64   // [samples], instead of Y: class ids below Outputs
	Outputs int       // the number of classes
	Weights []float32 // of the samples, at least 0; nil: all are 1
}

// A LinearHead is y = W x + b.
type LinearHead struct {
	W []float32 // [outputs, features]
	B []float32 // [outputs]
}

// sizes checks the problem, and returns the numbers of features and outputs.
func (p *HeadProblem) sizes() (features, outputs int, err error) {
	n := p.Samples
	switch {
	case n < 1:
		return 0, 0, fmt.Errorf("finetune: linear head: %d samples, want at least 1", n)
	case len(p.X) == 0 || len(p.X)%n != 0:
		return 0, 0, fmt.Errorf("finetune: linear head: %d numbers as features of %d samples, want as many for each", len(p.X), n)
	case p.Weights != nil && len(p.Weights) != n:
		return 0, 0, fmt.Errorf("finetune: linear head: %d weights of %d samples", len(p.Weights), n)
	}
	outputs = p.Outputs
	switch {
	case (p.Y == nil) == (p.Classes == nil):
		return 0, 0, fmt.Errorf("finetune: linear head: %d numbers and %d class ids as targets, want one of them", len(p.Y), len(p.Classes))
	case p.Classes != nil && (len(p.Classes) != n || outputs < 1):
		return 0, 0, fmt.Errorf("finetune: linear head: %d ids of %d classes for %d samples, want one for each", len(p.Classes), outputs, n)
	case p.Classes == nil && (len(p.Y) == 0 || len(p.Y)%n != 0):
		return 0, 0, fmt.Errorf("finetune: linear head: %d numbers as targets of %d samples, want as many for each", len(p.Y), n)
	case p.Classes == nil:
		outputs = len(p.Y) / n
	}
	return len(p.X) / n, outputs, p.check()
}

// check names the first sample that cannot be fitted to.
func (p *HeadProblem) check() error {
	for _, list := range []struct {
		what string
		v    []float32
	}{{"feature", p.X}, {"target", p.Y}, {"weight", p.Weights}} {
		for i, v := range list.v {
			if x := float64(v); math.IsNaN(x) || math.IsInf(x, 0) || list.what == "weight" && x < 0 {
				return fmt.Errorf("finetune: linear head: a %s of sample %d is %v", list.what, i/(len(list.v)/p.Samples), v)
			}
		}
	}
	for i, c := range p.Classes {
		if c < 0 || c >= int64(p.Outputs) {
			return fmt.Errorf("finetune: linear head: the class of sample %d is %d, want one of %d", i, c, p.Outputs)
		}
	}
	return nil
}

// targets are the numbers that least squares fit to: for classes 1 for the class of a sample and 0 for the others.
func (p *HeadProblem) targets(outputs int) []float32 {
	if p.Classes == nil {
		return p.Y
	}
	y := make([]float32, p.Samples*outputs)
	for i, c := range p.Classes {
		y[i*outputs+int(c)] = 1
	}
	return y
}

// weight is that of a sample.
func (p *HeadProblem) weight(i int) float64 {
	if p.Weights == nil {
		return 1
	}
	return float64(p.Weights[i])
}

// means returns the weighted means of the columns of x, [samples, cols].
func (p *HeadProblem) means(x []float32, cols int) []float64 {
	m, total := make([]float64, cols), 0.0
	for i := range p.Samples {
		w := p.weight(i)
		total += w
		for k, v := range x[i*cols:][:cols] {
			m[k] += w * float64(v)
		}
	}
	for k := range m {
		m[k] /= total
	}
	return m
}

// centred writes rows lo to hi of x less the means, times the roots of their weights.
func (p *HeadProblem) centred(dst []float64, x []float32, means []float64, lo, hi int) blas64.General {
	cols := len(means)
	for i := lo; i < hi; i++ {
		root := math.Sqrt(p.weight(i))
		row := dst[(i-lo)*cols:][:cols]
		for k, v := range x[i*cols:][:cols] {
			row[k] = root * (float64(v) - means[k])
		}
	}
	return blas64.General{Rows: hi - lo, Cols: cols, Stride: cols, Data: dst[:(hi-lo)*cols]}
}

// solverBlock is the number of rows that are widened to float64 at a time.
const solverBlock = 256

// maxRidge bounds the side of the matrix that Ridge solves: 2 GB.
const maxRidge = 1 << 14

// Ridge returns the head with the least sum, over the samples, of weight*|W x + b - y|^2 plus lambda*|W|^2; the intercept b
// is not penalised. It solves the normal equations of centred features by Cholesky's method in float64: those of the
// features or, where there are fewer samples, their dual. It is an error if they have no single solution, which happens
// only with lambda 0. Classes are fitted as numbers, 1 for the class of a sample and 0 for the others.
func Ridge(p HeadProblem, lambda float64) (LinearHead, error) {
	features, outputs, err := p.sizes()
	if err != nil {
		return LinearHead{}, err
	}
	if !(lambda >= 0) || math.IsInf(lambda, 1) {
		return LinearHead{}, fmt.Errorf("finetune: ridge: lambda is %v, want a number of at least 0", lambda)
	}
	if side := min(features, p.Samples); side > maxRidge {
		return LinearHead{}, fmt.Errorf("finetune: ridge: %d features of %d samples, want at most %d of either", features, p.Samples, maxRidge)
	}
	p.Y = p.targets(outputs)
	mx, my := p.means(p.X, features), p.means(p.Y, outputs)
	if math.IsNaN(mx[0]) {
		return LinearHead{}, fmt.Errorf("finetune: ridge: all samples have weight 0")
	}
	var w blas64.General // [features, outputs]
	if p.Samples < features {
		w, err = p.dual(mx, my, lambda)
	} else {
		w, err = p.primal(mx, my, lambda)
	}
	if err != nil {
		return LinearHead{}, err
	}
	h := LinearHead{W: make([]float32, outputs*features), B: make([]float32, outputs)}
	for o := range outputs {
		b := my[o]
		for f := range features {
			v := w.Data[f*w.Stride+o]
			h.W[o*features+f] = float32(v)
			b -= v * mx[f]
		}
		h.B[o] = float32(b)
	}
	return h, nil
}

// primal solves (X'X + lambda) W = X'Y.
func (p *HeadProblem) primal(mx, my []float64, lambda float64) (blas64.General, error) {
	features, outputs := len(mx), len(my)
	gram := blas64.Symmetric{N: features, Stride: features, Data: make([]float64, features*features), Uplo: blas.Upper}
	w := blas64.General{Rows: features, Cols: outputs, Stride: outputs, Data: make([]float64, features*outputs)}
	bufX, bufY := make([]float64, solverBlock*features), make([]float64, solverBlock*outputs)
	for lo := 0; lo < p.Samples; lo += solverBlock {
		hi := min(lo+solverBlock, p.Samples)
		x, y := p.centred(bufX, p.X, mx, lo, hi), p.centred(bufY, p.Y, my, lo, hi)
		blas64.Syrk(blas.Trans, 1, x, 1, gram)
		blas64.Gemm(blas.Trans, blas.NoTrans, 1, x, y, 1, w)
	}
	return w, solvePositive(gram, lambda, w)
}

// dual solves (X X' + lambda) A = Y, and returns X'A.
func (p *HeadProblem) dual(mx, my []float64, lambda float64) (blas64.General, error) {
	n, features, outputs := p.Samples, len(mx), len(my)
	x, y := p.centred(make([]float64, n*features), p.X, mx, 0, n), p.centred(make([]float64, n*outputs), p.Y, my, 0, n)
	gram := blas64.Symmetric{N: n, Stride: n, Data: make([]float64, n*n), Uplo: blas.Upper}
	blas64.Syrk(blas.NoTrans, 1, x, 0, gram)
	w := blas64.General{Rows: features, Cols: outputs, Stride: outputs, Data: make([]float64, features*outputs)}
	if err := solvePositive(gram, lambda, y); err != nil {
		return w, err
	}
	blas64.Gemm(blas.Trans, blas.NoTrans, 1, x, y, 0, w)
	return w, nil
}
