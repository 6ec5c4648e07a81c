package reduce

import (
	"math"

	"github.com/onnxrun/onnxrun/internal/kernel/vec"
)

// ArgMax sets dst of [outer, inner] to the index of the largest element along the middle axis of src, seen
// as [outer, n, inner]: the first of equals, or the last if last is set. A NaN is larger than any number.
func ArgMax[T vec.Number](dst []int64, src []T, outer, n, inner int, last bool, threads int) {
	arg(Max, dst, src, outer, n, inner, last, threads)
}

// ArgMin is ArgMax for the smallest element; a NaN is smaller than any number.
func ArgMin[T vec.Number](dst []int64, src []T, outer, n, inner int, last bool, threads int) {
	arg(Min, dst, src, outer, n, inner, last, threads)
}

// An argJob is one search. Its units are rows, or where there are inner axes tiles of columns.
type argJob[T vec.Number] struct {
	op       Op
	last     bool
	dst      []int64
	src      []T
	n, inner int
	tiles    int // per outer index
	cut      cut
}

func arg[T vec.Number](op Op, dst []int64, src []T, outer, n, inner int, last bool, threads int) {
	if n == 0 {
		clear(dst[:outer*inner])
		return
	}
	j := poolOf[argJob[T]]().Get().(*argJob[T])
	*j = argJob[T]{op: op, last: last, dst: dst, src: src, n: n, inner: inner, tiles: (inner + tile - 1) / tile}
	runUnits(j, &j.cut, outer*j.tiles, n*min(inner, tile), threads)
	*j = argJob[T]{}
	poolOf[argJob[T]]().Put(j)
}

// Chunk does one chunk of units.
func (j *argJob[T]) Chunk(i int) { j.do(j.cut.chunk(i)) }

func (j *argJob[T]) do(lo, hi int) {
	if x, ok := any(j.src).([]float32); ok && j.inner == 1 && j.n <= shortRow && hi-lo > 1 {
		argShort(j.op, j.dst[lo:hi], x[lo*j.n:hi*j.n], j.n, j.last)
		return
	}
	one := poolOf[[1]T]().Get().(*[1]T)
	for u := lo; u < hi; u++ {
		o, from := u/j.tiles, u%j.tiles*tile
		x, out := j.src[o*j.n*j.inner:(o+1)*j.n*j.inner], j.dst[o*j.inner+from:o*j.inner+min(from+tile, j.inner)]
		if j.inner == 1 {
			out[0] = int64(argRow(j.op, x, j.last, one))
		} else {
			argColumns(j.op, out, x[from:], j.inner, j.last)
		}
	}
	poolOf[[1]T]().Put(one)
}

// ArgRow returns the position of the first of the largest elements of x, which has some, or with Min of the smallest. NaN is
// larger, or smaller, than any number.
func ArgRow(op Op, x []float32) int { return argRow[float32](op, x, false, nil) }

// argPart is the number of elements among which argRow looks for one by a loop.
const argPart = 256

// argRow looks for the part that holds the extreme element, and then in that part. one is room for an element that is not
// float32.
func argRow[T vec.Number](op Op, x []T, last bool, one *[1]T) int {
	at, best := 0, argValue(op, x[:min(argPart, len(x))], one)
	for lo := argPart; lo < len(x); lo += argPart {
		v := argValue(op, x[lo:min(lo+argPart, len(x))], one)
		better := op == Max && v > best || op == Min && v < best || v != v && best == best
		if better || last && (v == best || v != v) {
			at, best = lo, v
		}
	}
	return at + find(x[at:min(at+argPart, len(x))], best, last)
}

// argValue returns the extreme element of x.
func argValue[T vec.Number](op Op, x []T, one *[1]T) T {
	if f, ok := any(x).([]float32); ok {
		return T(foldRow32(op, f))
	}
	if op == Max && vec.MaxRows(one[:], x, len(x)) || op == Min && vec.MinRows(one[:], x, len(x)) {
		return one[0]
	}
	return extreme(op, x)
}

// find returns the first or last index of v, which may be NaN, in x.
func find[T vec.Number](x []T, v T, last bool) int {
	nan := v != v
	if last {
		for i := len(x) - 1; i >= 0; i-- {
			if x[i] == v || nan && x[i] != x[i] {
				return i
			}
		}
		return 0
	}
	for i, w := range x {
		if w == v || nan && w != w {
			return i
		}
	}
	return 0
}

// argColumns runs down columns of x, whose rows lie stride elements apart, all at once.
func argColumns[T vec.Number](op Op, out []int64, x []T, stride int, last bool) {
	if f, ok := any(x).([]float32); ok && uint64(len(x)/stride) < math.MaxInt32 {
		n := argColumns32(op, out, f, stride, last)
		out, x = out[n:], x[n:]
	}
	clear(out)
	for i := stride; i+len(out) <= len(x) && len(out) > 0; i += stride {
		for j, v := range x[i : i+len(out)] {
			best := x[int(out[j])*stride+j]
			better := op == Max && v > best || op == Min && v < best || v != v && best == best
			if better || last && (v == best || v != v) {
				out[j] = int64(i / stride)
			}
		}
	}
}

// argColumns32 does whole groups of columns, and returns how many.
func argColumns32(op Op, out []int64, x []float32, stride int, last bool) int {
	n := len(out) &^ (vec.ColumnGroup - 1)
	if n == 0 {
		return 0
	}
	s := scratches.Get()
	rows := 1 + (len(x)-n)/stride
	vec.ArgColumns(s.a[:n], s.at[:n], x, rows, stride, op == Min, last)
	vec.Convert(out[:n], s.at[:n])
	scratches.Put(s)
	return n
}
