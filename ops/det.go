package ops

import (
	"fmt"
	"math"

	"github.com/onnxrun/onnxrun/tensor"
)

// squareMatrices checks the last two axes of input 0.
func squareMatrices(x Type) error {
	n := len(x.Dims)
	if n < 2 {
		return fmt.Errorf("ops: input has shape %v, want at least 2 axes", x)
	}
	a, okA := x.Dims[n-1].Const()
	b, okB := x.Dims[n-2].Const()
	if okA && okB && a != b {
		return fmt.Errorf("ops: input has shape %v, want square matrices", x)
	}
	return nil
}

func detInfer(c *InferCtx) error {
	x := c.Type(0)
	if !x.Ranked {
		c.SetType(0, Unranked(x.DType))
		return nil
	}
	if err := squareMatrices(x); err != nil {
		return err
	}
	c.Set(0, x.DType, x.Dims[:len(x.Dims)-2]...)
	return nil
}

func inverseInfer(c *InferCtx) error {
	if x := c.Type(0); x.Ranked {
		if err := squareMatrices(x); err != nil {
			return err
		}
	}
	return sameTyped(c)
}

// detKernel and inverseKernel eliminate in float64 with partial pivoting.
var (
	detKernel = widened(func(k *KernelCtx) (Kernel, error) {
		if k.DType(0) == tensor.Float64 {
			return matrixKernel(1, runDet[float64]), nil
		}
		return matrixKernel(1, runDet[float32]), nil
	})
	inverseKernel = widened(func(k *KernelCtx) (Kernel, error) {
		if k.DType(0) == tensor.Float64 {
			return matrixKernel(2, runInverse[float64]), nil
		}
		return matrixKernel(2, runInverse[float32]), nil
	})
)

// matrixKernel calls run with the matrix size and scratch memory of the given number of float64 matrices.
func matrixKernel(matrices int, run func(c *Call, n int, work []float64) error) Kernel {
	size := func(s tensor.Shape) int {
		if len(s) < 2 || s[len(s)-1] != s[len(s)-2] {
			return -1
		}
		return s[len(s)-1]
	}
	return Kernel{
		Scratch: func(c *Call) int {
			n := max(0, size(c.In[0].Shape()))
			return carveBytes(matrices*n*n, 8)
		},
		Run: func(c *Call) error {
			n := size(c.In[0].Shape())
			if n < 0 {
				return fmt.Errorf("ops: input has shape %v, want square matrices", []int(c.In[0].Shape()))
			}
			work, _ := carve[float64](c.Scratch, matrices*n*n)
			return run(c, n, work)
		},
	}
}

func runDet[T float32 | float64](c *Call, n int, a []float64) error {
	x, y := tensor.Of[T](c.In[0]), tensor.Of[T](c.Out[0])
	if len(y)*n*n != len(x) {
		return fmt.Errorf("ops: output has %d elements for %d matrices", len(y), len(x)/max(1, n*n))
	}
	for m := range y {
		for i, v := range x[m*n*n:][:n*n] {
			a[i] = float64(v)
		}
		y[m] = T(eliminate(a, nil, n))
	}
	return nil
}

func runInverse[T float32 | float64](c *Call, n int, work []float64) error {
	x, y := tensor.Of[T](c.In[0]), tensor.Of[T](c.Out[0])
	a, b := work[:n*n], work[n*n:]
	for m := 0; n > 0 && m < len(x); m += n * n {
		clear(b)
		for i, v := range x[m : m+n*n] {
			a[i] = float64(v)
		}
		for i := range n {
			b[i*n+i] = 1
		}
		if eliminate(a, b, n) == 0 {
			return fmt.Errorf("ops: matrix %d has no inverse", m/(n*n))
		}
		for i, v := range b {
			y[m+i] = T(v)
		}
	}
	return nil
}

// eliminate brings a to the identity, does the same to b if there is one, and returns the determinant of a.
func eliminate(a, b []float64, n int) float64 {
	det := 1.0
	for k := range n {
		p := k
		for i := k + 1; i < n; i++ {
			if math.Abs(a[i*n+k]) > math.Abs(a[p*n+k]) {
				p = i
			}
		}
		if p != k {
			det = -det
			swapRows(a, n, p, k)
			swapRows(b, n, p, k)
		}
		pivot := a[k*n+k]
		det *= pivot
		if pivot == 0 {
			return 0
		}
		for i := range n {
			if i <= k && b == nil || i == k {
				continue
			}
			f := a[i*n+k] / pivot
			for j := k; j < n && f != 0; j++ {
				a[i*n+j] -= f * a[k*n+j]
			}
			for j := 0; b != nil && j < n; j++ {
				b[i*n+j] -= f * b[k*n+j]
			}
		}
	}
	for i := 0; b != nil && i < n; i++ {
		for j := range n {
			b[i*n+j] /= a[i*n+i]
		}
	}
	return det
}

func swapRows(a []float64, n, i, j int) {
	for k := 0; a != nil && k < n; k++ {
		a[i*n+k], a[j*n+k] = a[j*n+k], a[i*n+k]
	}
}
