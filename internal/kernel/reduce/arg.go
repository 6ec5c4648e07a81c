package reduce

import "github.com/onnxrun/onnxrun/internal/kernel/vec"

// ArgMax sets dst of [outer, inner] to the index of the largest element along the middle axis of src, seen
// as [outer, n, inner]: the first of equals, or the last if last is set. A NaN is larger than any number.
func ArgMax[T vec.Number](dst []int64, src []T, outer, n, inner int, last bool) {
	arg(dst, src, outer, n, inner, last, func(v, best T) bool { return v > best })
}

// ArgMin is ArgMax for the smallest element; a NaN is smaller than any number.
func ArgMin[T vec.Number](dst []int64, src []T, outer, n, inner int, last bool) {
	arg(dst, src, outer, n, inner, last, func(v, best T) bool { return v < best })
}

func arg[T vec.Number](dst []int64, src []T, outer, n, inner int, last bool, better func(v, best T) bool) {
	for o := range outer {
		x, out := src[o*n*inner:(o+1)*n*inner], dst[o*inner:(o+1)*inner]
		for j := range out {
			at := 0
			for i := 1; i < n; i++ {
				v, best := x[i*inner+j], x[at*inner+j]
				if better(v, best) || v != v && best == best || last && (v == best || v != v) {
					at = i
				}
			}
			out[j] = int64(at)
		}
	}
}
