package reduce

import "github.com/onnxrun/onnxrun/internal/kernel/vec"

// Hardmax sets, in each row of cols elements of dst, the first of the largest elements of the row of src to 1
// and the others to 0. A NaN counts only in the first place. dst must not overlap src.
func Hardmax(dst, src []float32, rows, cols, threads int) {
	j := newJob(hardmaxRows, dst, src)
	j.n = cols
	j.do(rows, cols, threads)
}

func hardmaxRows(j *job, lo, hi int) {
	clear(j.dst[lo*j.n : hi*j.n])
	for r := lo; r < hi; r++ {
		j.dst[r*j.n+firstLargest(j.src[r*j.n:(r+1)*j.n])] = 1
	}
}

// firstLargest looks for the part that holds the largest element, and then in that part.
func firstLargest(x []float32) int {
	const part = 128
	at, high := 0, vec.Largest(x[:min(part, len(x))])
	for lo := part; lo < len(x); lo += part {
		m := vec.Largest(x[lo:min(lo+part, len(x))])
		if m > high {
			at, high = lo, m
		}
		if m != m {
			return largestAt(x)
		}
	}
	if high != high {
		return largestAt(x)
	}
	return at + find(x[at:], high, false)
}

func largestAt(x []float32) int {
	best, high := 0, x[0]
	for i, v := range x {
		if v > high {
			best, high = i, v
		}
	}
	return best
}
