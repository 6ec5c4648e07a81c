package reduce

import (
	"math"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/internal/par"
)

// A Standardization scales numbers so that those that belong together have the mean 0 and the variance 1. A
// tensor is seen as [Outer, Rows, Inner]; what has one middle index belongs together.
type Standardization struct {
	Outer, Rows, Inner int
	Eps                float64 // added to the variance
	RMS                bool    // the mean is left as it is, and the mean square is scaled to 1
}

// StandardizeGrad sets xhat to the standardized x, and dx to the gradient with respect to x for g, that with
// respect to xhat. Sums are kept in float64, but for those of single rows of float32, which are taken in vectors.
func StandardizeGrad[T vec.Float](dx, xhat, g, x []T, s Standardization, threads int) {
	if len(x) == 0 {
		return
	}
	if x, ok := any(x).([]float32); ok && s.Outer == 1 {
		standardizeRowsGrad(any(dx).([]float32), any(xhat).([]float32), any(g).([]float32), x, s, threads)
		return
	}
	tasks := poolOf[standardizeGrad[T]]()
	t := tasks.Get().(*standardizeGrad[T])
	*t = standardizeGrad[T]{s, dx, xhat, g, x}
	par.Run(threads, s.Rows, t)
	*t = standardizeGrad[T]{}
	tasks.Put(t)
}

func standardizeRowsGrad(dx, xhat, g, x []float32, s Standardization, threads int) {
	t := standardizeRowsTasks.Get().(*standardizeRows)
	*t = standardizeRows{standardizeGrad: standardizeGrad[float32]{s, dx, xhat, g, x}}
	var chunks int
	chunks, t.size = par.Split(s.Rows, 1+(grain-1)/max(1, s.Inner))
	par.Run(threads, chunks, t)
	*t = standardizeRows{}
	standardizeRowsTasks.Put(t)
}

var standardizeRowsTasks = sync.Pool{New: func() any { return new(standardizeRows) }}

// standardizeRows is a StandardizeGrad of rows of float32.
type standardizeRows struct {
	standardizeGrad[float32]
	size int // rows of a chunk
}

// Chunk does some rows.
func (s *standardizeRows) Chunk(i int) {
	lo, hi := par.Range(i, s.size, s.Rows)
	for r := lo; r < hi; r++ {
		x, g, h, d := s.part(s.x, 0, r), s.part(s.g, 0, r), s.part(s.xhat, 0, r), s.part(s.dx, 0, r)
		inv, mean := standardize(h, x, s.Eps, s.RMS), 0.0
		if !s.RMS {
			mean = float64(vec.Sum(g)) / float64(len(x))
		}
		slope := float64(vec.Dot(g, h)) / float64(len(x))
		vec.ScaleShift(d, h, float32(-inv*slope), float32(-inv*mean))
		vec.Axpy(d, float32(inv), g)
	}
}

type standardizeGrad[T vec.Float] struct {
	Standardization
	dx, xhat, g, x []T
}

// Chunk does what belongs to one middle index.
func (s *standardizeGrad[T]) Chunk(row int) {
	n := float64(s.Outer * s.Inner)
	mean := 0.0
	if !s.RMS {
		for o := range s.Outer {
			for _, v := range s.part(s.x, o, row) {
				mean += float64(v)
			}
		}
		mean /= n
	}
	square := 0.0
	for o := range s.Outer {
		for _, v := range s.part(s.x, o, row) {
			square += (float64(v) - mean) * (float64(v) - mean)
		}
	}
	inv := 1 / math.Sqrt(square/n+s.Eps)
	var sum, product float64 // of g, of g and xhat
	for o := range s.Outer {
		x, g, h := s.part(s.x, o, row), s.part(s.g, o, row), s.part(s.xhat, o, row)
		for i, v := range x {
			y := (float64(v) - mean) * inv
			h[i] = T(y)
			sum += float64(g[i])
			product += float64(g[i]) * y
		}
	}
	if s.RMS {
		sum = 0
	}
	sum, product = sum/n, product/n
	for o := range s.Outer {
		x, g, d := s.part(s.x, o, row), s.part(s.g, o, row), s.part(s.dx, o, row)
		for i, v := range g {
			d[i] = T(inv * (float64(v) - sum - (float64(x[i])-mean)*inv*product))
		}
	}
}

func (s *standardizeGrad[T]) part(x []T, outer, row int) []T {
	return x[(outer*s.Rows+row)*s.Inner:][:s.Inner]
}
