package finetune

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"
)

// OrthogonalInit makes the rows of a weight, or its columns where it has fewer of them, orthogonal vectors of length Gain
// (Saxe, McClelland, Ganguli: Exact solutions to the nonlinear dynamics of learning in deep linear neural networks, 2014).
// All axes but the first make one. It takes a Gaussian matrix apart, with the signs that make the distribution even.
type OrthogonalInit struct {
	Gain float64 // 0 means 1
}

// Name implements Initializer.
func (OrthogonalInit) Name() string { return "orthogonal" }

// maxOrthogonal bounds the elements of a matrix that is taken apart, and with it the time: to tens of seconds.
const maxOrthogonal = 1 << 24

// Fill implements Initializer.
func (o OrthogonalInit) Fill(w []float32, f Fan, r Random) error {
	if len(f.Shape) < 2 || len(w) == 0 {
		return noFan(o.Name(), f)
	}
	if len(w) > maxOrthogonal {
		return fmt.Errorf("finetune: initialiser orthogonal: a weight of shape %v has more than %d elements", f.Shape, maxOrthogonal)
	}
	rows, cols := f.Shape[0], f.Shape[1:].Len()
	long, short := max(rows, cols), min(rows, cols)
	q := blas64.General{Rows: long, Cols: short, Stride: short, Data: make([]float64, long*short)}
	for i := range q.Data {
		q.Data[i] = r.Normal(uint64(i))
	}
	signs := orthonormalize(q)
	gain := or(o.Gain, 1)
	for i := range long {
		for k := range short {
			at := i*cols + k
			if rows < cols {
				at = k*cols + i
			}
			w[at] = float32(gain * signs[k] * q.Data[i*short+k])
		}
	}
	return nil
}

// orthonormalize replaces a matrix, at least as high as wide, by the Q of its QR decomposition, and returns the signs of
// the diagonal of R.
func orthonormalize(a blas64.General) (signs []float64) {
	tau, signs := make([]float64, a.Cols), make([]float64, a.Cols)
	work := make([]float64, 1)
	lapack64.Geqrf(a, tau, work, -1)
	work = make([]float64, int(work[0]))
	lapack64.Geqrf(a, tau, work, len(work))
	for k := range signs {
		signs[k] = math.Copysign(1, a.Data[k*a.Stride+k])
	}
	lapack64.Orgqr(a, tau, work[:1], -1)
	work = make([]float64, int(work[0]))
	lapack64.Orgqr(a, tau, work, len(work))
	return signs
}
