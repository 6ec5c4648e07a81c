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
	vec.HardmaxRows(j.dst[lo*j.n:hi*j.n], j.src[lo*j.n:hi*j.n], j.n)
}
