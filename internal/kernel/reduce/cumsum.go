package reduce

import "github.com/onnxrun/onnxrun/internal/kernel/vec"

// CumSum sets dst to the running sums along the middle axis of src, seen as [outer, n, inner]: without the
// element itself if exclusive, from the end if reverse. dst must not overlap src.
func CumSum[T vec.Number](dst, src []T, outer, n, inner int, exclusive, reverse bool) {
	for o := range outer {
		x, y := src[o*n*inner:(o+1)*n*inner], dst[o*n*inner:(o+1)*n*inner]
		for i := range n {
			at, prev := i, i-1
			if reverse {
				at, prev = n-1-i, n-i
			}
			row := y[at*inner : (at+1)*inner]
			switch {
			case i == 0 && exclusive:
				clear(row)
			case i == 0:
				copy(row, x[at*inner:])
			case exclusive:
				vec.AddOf(row, y[prev*inner:(prev+1)*inner], x[prev*inner:(prev+1)*inner])
			default:
				vec.AddOf(row, y[prev*inner:(prev+1)*inner], x[at*inner:(at+1)*inner])
			}
		}
	}
}
