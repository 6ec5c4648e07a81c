package reduce

import "github.com/onnxrun/onnxrun/internal/kernel/vec"

// ArgMax sets dst of [outer, inner] to the index of the largest element along the middle axis of src, seen
// as [outer, n, inner]: the first of equals, or the last if last is set. A NaN is larger than any number.
func ArgMax[T vec.Number](dst []int64, src []T, outer, n, inner int, last bool) {
	arg(Max, dst, src, outer, n, inner, last)
}

// ArgMin is ArgMax for the smallest element; a NaN is smaller than any number.
func ArgMin[T vec.Number](dst []int64, src []T, outer, n, inner int, last bool) {
	arg(Min, dst, src, outer, n, inner, last)
}

func arg[T vec.Number](op Op, dst []int64, src []T, outer, n, inner int, last bool) {
	for o := range outer {
		x, out := src[o*n*inner:(o+1)*n*inner], dst[o*inner:(o+1)*inner]
		switch {
		case n == 0:
			clear(out)
		case inner == 1:
			out[0] = int64(find(x, argValue(op, x), last))
		default:
			argColumns(op, out, x, last)
		}
	}
}

// argValue returns the extreme element of x.
func argValue[T vec.Number](op Op, x []T) T {
	if f, ok := any(x).([]float32); ok {
		return T(foldRow32(op, f))
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

// argColumns runs down all columns at once.
func argColumns[T vec.Number](op Op, out []int64, x []T, last bool) {
	clear(out)
	inner := len(out)
	for i := 1; i*inner < len(x); i++ {
		for j, v := range x[i*inner : (i+1)*inner] {
			best := x[int(out[j])*inner+j]
			better := op == Max && v > best || op == Min && v < best || v != v && best == best
			if better || last && (v == best || v != v) {
				out[j] = int64(i)
			}
		}
	}
}
