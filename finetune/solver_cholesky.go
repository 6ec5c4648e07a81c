package finetune

import (
	"fmt"

	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"
)

// leastPivot is the square of a pivot of Cholesky's method, as a share of the largest diagonal element, below which a
// matrix counts as singular.
const leastPivot = 1e-13

// solvePositive replaces b by the solution of (a + lambda) x = b, and a by its Cholesky factor.
func solvePositive(a blas64.Symmetric, lambda float64, b blas64.General) error {
	top := 0.0
	for i := range a.N {
		a.Data[i*a.Stride+i] += lambda
		top = max(top, a.Data[i*a.Stride+i])
	}
	factor, ok := lapack64.Potrf(a)
	for i := 0; ok && i < a.N; i++ {
		pivot := factor.Data[i*factor.Stride+i]
		ok = pivot*pivot > leastPivot*top
	}
	if !ok {
		return fmt.Errorf("finetune: ridge: the features of the samples depend on each other, want a lambda above %.3g", max(lambda, leastPivot*top))
	}
	lapack64.Potrs(factor, b)
	return nil
}
