package reduce

import (
	"math"

	"github.com/onnxrun/onnxrun/internal/kernel/vec"
)

// fold applies a reduction without its finish.
func fold[T vec.Number](op Op, dst, src []T, outer, n, inner, threads int) {
	if x, ok := any(src).([]float32); ok {
		fold32(op, any(dst).([]float32), x, outer, n, inner, threads)
		return
	}
	j := poolOf[foldJob[T]]().Get().(*foldJob[T])
	*j = foldJob[T]{op: op, dst: dst, src: src, n: n, inner: inner, tiles: (inner + tile - 1) / tile}
	runUnits(j, &j.cut, outer*j.tiles, n*min(inner, tile), threads)
	*j = foldJob[T]{}
	poolOf[foldJob[T]]().Put(j)
}

// A foldJob is one reduction. Its units are rows, or where there are inner axes tiles of columns.
type foldJob[T vec.Number] struct {
	op       Op
	dst, src []T
	n, inner int
	tiles    int // per outer index
	cut      cut
}

// Chunk does one chunk of units.
func (j *foldJob[T]) Chunk(i int) { j.do(j.cut.chunk(i)) }

func (j *foldJob[T]) do(lo, hi int) {
	if j.inner == 1 {
		foldAll(j.op, j.dst[lo:hi], j.src[lo*j.n:hi*j.n], j.n)
		return
	}
	for u := lo; u < hi; u++ {
		o, from := u/j.tiles, u%j.tiles*tile
		acc := j.dst[o*j.inner+from : o*j.inner+min(from+tile, j.inner)]
		x := j.src[o*j.n*j.inner : (o+1)*j.n*j.inner]
		foldRows(j.op, acc, x[min(from, len(x)):], j.inner)
	}
}

// foldAll reduces each row of n elements of x to one.
func foldAll[T vec.Number](op Op, dst, x []T, n int) {
	if op == Max && vec.MaxRows(dst, x, n) || op == Min && vec.MinRows(dst, x, n) || op == Sum && vec.SumRows(dst, x, n) {
		return
	}
	for i := range dst {
		dst[i] = foldRow(op, x[i*n:(i+1)*n])
	}
}

// foldRow reduces the elements of x to one.
func foldRow[T vec.Number](op Op, x []T) T {
	switch op {
	case Max, Min:
		return extreme(op, x)
	case Prod:
		return prod(x)
	case SumSquare:
		return sumSquares(x)
	case L1:
		return sumSizes(x)
	case LogSumExp:
		return logSumExp(x)
	}
	return sum(x)
}

func prod[T vec.Number](x []T) T {
	p := T(1)
	for _, v := range x {
		p *= v
	}
	return p
}

func abs[T vec.Number](v T) T {
	if v < 0 {
		return -v
	}
	return v
}

// sum adds in four lanes, as sumSquares and sumSizes do: each loop is written out, because calling a function for every
// element would take most of the time.
func sum[T vec.Number](x []T) T {
	var s0, s1, s2, s3 T
	for ; len(x) >= 4; x = x[4:] {
		s0 += x[0]
		s1 += x[1]
		s2 += x[2]
		s3 += x[3]
	}
	for _, v := range x {
		s0 += v
	}
	return (s0 + s1) + (s2 + s3)
}

func sumSquares[T vec.Number](x []T) T {
	var s0, s1, s2, s3 T
	for ; len(x) >= 4; x = x[4:] {
		s0 += x[0] * x[0]
		s1 += x[1] * x[1]
		s2 += x[2] * x[2]
		s3 += x[3] * x[3]
	}
	for _, v := range x {
		s0 += v * v
	}
	return (s0 + s1) + (s2 + s3)
}

func sumSizes[T vec.Number](x []T) T {
	var s0, s1, s2, s3 T
	for ; len(x) >= 4; x = x[4:] {
		s0 += abs(x[0])
		s1 += abs(x[1])
		s2 += abs(x[2])
		s3 += abs(x[3])
	}
	for _, v := range x {
		s0 += abs(v)
	}
	return (s0 + s1) + (s2 + s3)
}

// extreme returns the largest or smallest element of x, NaN if one is.
func extreme[T vec.Number](op Op, x []T) T {
	switch {
	case len(x) == 0:
		return neutral[T](op)
	case op == Max:
		return largest(x)
	}
	return smallest(x)
}

func largest[T vec.Number](x []T) T {
	m0 := x[0]
	m1, m2, m3 := m0, m0, m0
	for ; len(x) >= 4; x = x[4:] {
		m0 = max(m0, x[0])
		m1 = max(m1, x[1])
		m2 = max(m2, x[2])
		m3 = max(m3, x[3])
	}
	for _, v := range x {
		m0 = max(m0, v)
	}
	return max(m0, m1, m2, m3)
}

func smallest[T vec.Number](x []T) T {
	m0 := x[0]
	m1, m2, m3 := m0, m0, m0
	for ; len(x) >= 4; x = x[4:] {
		m0 = min(m0, x[0])
		m1 = min(m1, x[1])
		m2 = min(m2, x[2])
		m3 = min(m3, x[3])
	}
	for _, v := range x {
		m0 = min(m0, v)
	}
	return min(m0, m1, m2, m3)
}

// neutral returns what the operation gives for no elements.
func neutral[T vec.Number](op Op) T {
	switch op {
	case Prod:
		return 1
	case Max:
		return vec.Lowest[T]()
	case Min:
		return vec.Highest[T]()
	case LogSumExp:
		return vec.Lowest[T]()
	}
	return 0
}

func logSumExp[T vec.Number](x []T) T {
	if len(x) == 0 {
		return neutral[T](LogSumExp)
	}
	m := float64(extreme(Max, x))
	if math.IsInf(m, 0) || m != m {
		return T(m)
	}
	sum := 0.0
	for _, v := range x {
		sum += math.Exp(float64(v) - m)
	}
	return T(m + math.Log(sum))
}

// foldRows reduces rows of x, stride elements apart and each as long as acc, element by element.
func foldRows[T vec.Number](op Op, acc, x []T, stride int) {
	if op == LogSumExp {
		logSumExpRows(acc, x, stride)
		return
	}
	vec.Fill(acc, neutral[T](op))
	for n := len(acc); len(x) >= n && n > 0; x = x[min(stride, len(x)):] {
		foldInto(op, acc, x[:n])
	}
}

// foldInto joins the elements of x with those of acc.
func foldInto[T vec.Number](op Op, acc, x []T) {
	if f, ok := any(x).([]float32); ok && op != L1 {
		foldInto32(op, any(acc).([]float32), f)
		return
	}
	switch op {
	case Max:
		vec.MaxOf(acc, acc, x)
	case Min:
		vec.MinOf(acc, acc, x)
	case Prod:
		vec.MulOf(acc, acc, x)
	case SumSquare:
		for i, v := range x {
			acc[i] += v * v
		}
	case L1:
		for i, v := range x {
			acc[i] += abs(v)
		}
	default:
		vec.AddOf(acc, acc, x)
	}
}

// logSumExpRows reduces column by column.
func logSumExpRows[T vec.Number](acc, x []T, stride int) {
	vec.Fill(acc, neutral[T](LogSumExp))
	for j := range acc {
		var m T
		for i := j; i < len(x); i += stride {
			if v := x[i]; i == j || v > m || v != v {
				m = v
			}
		}
		sum := 0.0
		for i := j; i < len(x); i += stride {
			sum += math.Exp(float64(x[i]) - float64(m))
		}
		if f := float64(m); len(x) > 0 {
			acc[j] = m
			if !math.IsInf(f, 0) && f == f {
				acc[j] = T(f + math.Log(sum))
			}
		}
	}
}
