package ops

import (
	"math"

	"github.com/onnxrun/onnxrun/tensor"
)

// The derivative of a determinant by the elements of its matrix are their cofactors, which exist for singular
// matrices, too. Cofactor of the onnxrun domain computes them for the last two axes.

func detGrad(c GradCtx) error {
	return unaryGrad(func(g grads, dy, x, _ Ref) Ref {
		return g.mul(g.op("Unsqueeze", dy, g.ints(-1, -2)), g.own("Cofactor", nil, x))
	})(c)
}

// inverseGrad is -y'*dy*y' for the inverse y.
func inverseGrad(c GradCtx) error {
	return unaryGrad(func(g grads, dy, _, y Ref) Ref {
		p := product{alpha: 1}
		return g.neg(p.emit(g, p.emit(g, y, dy, true, false), y, false, true))
	})(c)
}

var cofactorKernel = widened(func(k *KernelCtx) (Kernel, error) {
	if k.DType(0) == tensor.Float64 {
		return matrixKernel(2, runCofactor[float64]), nil
	}
	return matrixKernel(2, runCofactor[float32]), nil
})

func runCofactor[T float32 | float64](c *Call, n int, work []float64) error {
	x, y := tensor.Of[T](c.In[0]), tensor.Of[T](c.Out[0])
	a, b := work[:n*n], work[n*n:]
	for m := 0; n > 0 && m < len(x); m += n * n {
		for i, v := range x[m : m+n*n] {
			a[i] = float64(v)
		}
		cofactors(b, a, n)
		for i, v := range b {
			y[m+i] = T(v)
		}
	}
	return nil
}

// cofactors sets b to the cofactors of a, which it destroys. With a = P'*L*U*Q', from elimination with complete
// pivoting, they are det(P*Q) * P' * cof(L) * cof(U) * Q'. A pivot of zero means that all later ones are zero: with
// two of them all cofactors are zero, with one cof(U) is the product of the others times a null vector of U in its
// last row.
func cofactors(b, a []float64, n int) {
	rows, cols := make([]int, n), make([]int, n)
	for i := range n {
		rows[i], cols[i] = i, i
	}
	sign, zeros := 1.0, 0
	for k := range n {
		p, q := largestFrom(a, n, k)
		if p != k {
			swapRows(a, n, p, k)
			rows[p], rows[k], sign = rows[k], rows[p], -sign
		}
		if q != k {
			swapColumns(a, n, q, k)
			cols[q], cols[k], sign = cols[k], cols[q], -sign
		}
		if a[k*n+k] == 0 {
			zeros = n - k
			break
		}
		for i := k + 1; i < n; i++ {
			f := a[i*n+k] / a[k*n+k]
			a[i*n+k] = f
			for j := k + 1; j < n; j++ {
				a[i*n+j] -= f * a[k*n+j]
			}
		}
	}
	clear(b)
	if zeros > 1 {
		return
	}
	upperCofactors(b, a, n, zeros == 1)
	solveLowerTransposed(b, a, n)
	permuted := a
	for i := range n {
		for j := range n {
			permuted[rows[i]*n+cols[j]] = sign * b[i*n+j]
		}
	}
	copy(b, permuted)
}

// upperCofactors sets b to the cofactors of the upper triangle of a: with U*x = e_j for each column e_j of the
// identity, column j of the adjugate is det(U)*x. In the singular case only the last column is not zero.
func upperCofactors(b, a []float64, n int, singular bool) {
	for j := range n {
		if singular && j < n-1 {
			continue
		}
		x := b[j*n : (j+1)*n] // the transpose of a column of the adjugate is a row of cofactors
		scale := 1.0          // det(U)/U_jj
		for i := range n {
			if i != j {
				scale *= a[i*n+i]
			}
		}
		x[j] = scale
		for i := j - 1; i >= 0; i-- {
			for k := i + 1; k <= j; k++ {
				x[i] -= a[i*n+k] * x[k]
			}
			x[i] /= a[i*n+i]
		}
	}
}

// solveLowerTransposed replaces b by x with L'*x = b, for the unit lower triangle of a.
func solveLowerTransposed(b, a []float64, n int) {
	for i := n - 1; i >= 0; i-- {
		for k := i + 1; k < n; k++ {
			for j := range n {
				b[i*n+j] -= a[k*n+i] * b[k*n+j]
			}
		}
	}
}

// largestFrom returns the place of the largest magnitude in the rows and columns from k on.
func largestFrom(a []float64, n, k int) (row, col int) {
	row, col = k, k
	best := math.Abs(a[k*n+k])
	for i := k; i < n; i++ {
		for j := k; j < n; j++ {
			if v := math.Abs(a[i*n+j]); v > best {
				best, row, col = v, i, j
			}
		}
	}
	return row, col
}

func swapColumns(a []float64, n, i, j int) {
	for k := range n {
		a[k*n+i], a[k*n+j] = a[k*n+j], a[k*n+i]
	}
}
