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
		return lanes(x, func(v T) T { return v * v })
	case L1:
		return lanes(x, abs[T])
	case LogSumExp:
		return logSumExp(x)
	}
	return lanes(x, func(v T) T { return v })
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

// lanes sums f over x in four lanes.
func lanes[T vec.Number](x []T, f func(T) T) T {
	var s0, s1, s2, s3 T
	for ; len(x) >= 4; x = x[4:] {
		s0 += f(x[0])
		s1 += f(x[1])
		s2 += f(x[2])
		s3 += f(x[3])
	}
	for _, v := range x {
		s0 += f(v)
	}
	return (s0 + s1) + (s2 + s3)
}

func extreme[T vec.Number](op Op, x []T) T {
	if len(x) == 0 {
		return neutral[T](op)
	}
	m := x[0]
	for _, v := range x {
		if op == Max && v > m || op == Min && v < m || v != v {
			m = v
		}
	}
	return m
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
		for i, v := range x {
			acc[i] += v
		}
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
