package reduce

import (
	"math"

	"github.com/onnxrun/onnxrun/internal/kernel/vec"
)

// An Op is a reduction.
type Op uint8

// The reductions. Mean of integers truncates; Max and Min give NaN if an element is NaN.
const (
	Sum Op = iota
	Mean
	Max
	Min
	Prod
	SumSquare
	L1
	L2
	LogSum
	LogSumExp
)

// first returns the operation to apply to elements, before finish.
func (op Op) first() Op {
	switch op {
	case Mean, LogSum:
		return Sum
	case L2:
		return SumSquare
	}
	return op
}

// rest returns the operation that joins partial results, before finish.
func (op Op) rest() Op {
	switch op {
	case Max, Min, Prod, LogSumExp:
		return op
	}
	return Sum
}

// finish turns the joined results of reducing n elements each into those of op.
func finish[T vec.Number](op Op, dst []T, n int) {
	if f, ok := any(dst).([]float32); ok {
		finish32(op, f, n)
		return
	}
	switch op {
	case Mean:
		for i, v := range dst {
			dst[i] = mean(v, n)
		}
	case L2:
		for i, v := range dst {
			dst[i] = T(math.Sqrt(float64(v)))
		}
	case LogSum:
		for i, v := range dst {
			dst[i] = T(math.Log(float64(v)))
		}
	}
}

// mean divides in T itself, so that int64 keeps all its bits.
func mean[T vec.Number](sum T, n int) T {
	switch d := T(n); {
	case T(1)/T(2) != 0:
		return sum / d
	case n == 0:
		return 0
	case d > 0 && int(d) == n:
		return sum / d
	default:
		return T(int64(sum) / int64(n))
	}
}

// Of reduces the middle axis of src, seen as [outer, n, inner], to dst of [outer, inner]. Reducing no
// elements gives the operation's neutral element: 0, 1, or for Max and Min the least and the greatest
// value.
func Of[T vec.Number](op Op, dst, src []T, outer, n, inner, threads int) {
	dst = dst[:outer*inner]
	fold(op.first(), dst, src[:outer*n*inner], outer, n, inner, threads)
	finish(op, dst, n)
}

// Axes reduces the axes of src that axis marks, one entry per dimension of shape. scratch must have at
// least ScratchLen(shape, axis) elements.
func Axes[T vec.Number](op Op, dst, src []T, shape []int, axis []bool, scratch []T, threads int) {
	var buf [8]group
	groups, n := collapse(buf[:0], shape, axis)
	pass := op.first()
	for {
		var p step
		groups, p = pop(groups)
		size := p.outer * p.inner
		if p.left == 0 {
			fold(pass, dst[:size], src[:size*p.n], p.outer, p.n, p.inner, threads)
			finish(op, dst[:size], n)
			return
		}
		fold(pass, scratch[:size], src[:size*p.n], p.outer, p.n, p.inner, threads)
		src, scratch, pass = scratch[:size], scratch[size:], op.rest()
	}
}

// ScratchLen returns the number of elements that Axes needs between its passes: 0 unless the reduced
// axes are separated by kept ones.
func ScratchLen(shape []int, axis []bool) int {
	var buf [8]group
	groups, _ := collapse(buf[:0], shape, axis)
	for total := 0; ; {
		var p step
		groups, p = pop(groups)
		if p.left == 0 {
			return total
		}
		total += p.outer * p.inner
	}
}

// A group is a run of neighbouring dimensions that are all reduced or all kept.
type group struct {
	n       int
	reduced bool
}

// collapse appends the groups of shape to list and returns it with the number of elements behind one
// result.
func collapse(list []group, shape []int, axis []bool) ([]group, int) {
	n := 1
	for i, d := range shape {
		if axis[i] {
			n *= d
		}
		if d == 1 {
			continue
		}
		if k := len(list) - 1; k >= 0 && list[k].reduced == axis[i] {
			list[k].n *= d
		} else {
			list = append(list, group{d, axis[i]})
		}
	}
	return list, n
}

// A step is one pass of Axes: the extents before, of and behind the axis that it reduces, and how many
// passes follow.
type step struct{ outer, n, inner, left int }

// pop takes the last reduced group out of the list.
func pop(list []group) ([]group, step) {
	p := step{outer: 1, n: 1, inner: 1}
	at := len(list) - 1
	for ; at >= 0 && !list[at].reduced; at-- {
		p.inner *= list[at].n
	}
	if at < 0 {
		return nil, p
	}
	p.n = list[at].n
	for _, g := range list[:at] {
		p.outer *= g.n
		if g.reduced {
			p.left++
		}
	}
	list[at] = group{p.inner, false}
	return list[:at+1], p
}
