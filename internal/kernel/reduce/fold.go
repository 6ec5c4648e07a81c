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
	if inner == 1 && (op == Max && vec.MaxRows(dst[:outer], src, n) || op == Min && vec.MinRows(dst[:outer], src, n)) {
		return
	}
	for o := range outer {
		x := src[o*n*inner : (o+1)*n*inner]
		if inner == 1 {
			dst[o] = foldRow(op, x)
		} else {
			foldRows(op, dst[o*inner:(o+1)*inner], x)
		}
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

// foldRows reduces the rows of x, each as long as acc, element by element.
func foldRows[T vec.Number](op Op, acc, x []T) {
	if op == LogSumExp {
		logSumExpRows(acc, x)
		return
	}
	vec.Fill(acc, neutral[T](op))
	n := len(acc)
	for ; len(x) >= n && n > 0; x = x[n:] {
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
func logSumExpRows[T vec.Number](acc, x []T) {
	vec.Fill(acc, neutral[T](LogSumExp))
	for j := range acc {
		var m T
		for i := j; i < len(x); i += len(acc) {
			if v := x[i]; i == j || v > m || v != v {
				m = v
			}
		}
		sum := 0.0
		for i := j; i < len(x); i += len(acc) {
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
