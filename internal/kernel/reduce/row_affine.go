package reduce

import (
	"math"

	"github.com/onnxrun/onnxrun/internal/kernel/vec"
)

// RowAffine sets each row of len(scale) elements of dst to x*scale + shift, of the row x of src. dst may be src.
func RowAffine(dst, src, scale, shift []float32, threads int) {
	if len(scale) == 0 {
		return
	}
	j := newJob(affineRows, dst, src)
	j.n, j.row.Scale, j.row.Bias = len(scale), scale, shift[:len(scale)]
	j.do(len(src)/j.n, j.n, threads)
}

// affineRows joins short rows: the factors are repeated, so that one call takes several of them.
func affineRows(j *job, lo, hi int) {
	dst, src, scale, shift := j.dst[lo*j.n:hi*j.n], j.src[lo*j.n:hi*j.n], j.row.Scale, j.row.Bias
	if 2*j.n <= narrow {
		s := scratches.Get()
		defer scratches.Put(s)
		scale, shift = repeated(s.a[:], scale, len(dst)), repeated(s.b[:], shift, len(dst))
	}
	for len(dst) > 0 {
		n := min(len(scale), len(dst))
		vec.NormRow(dst[:n], src[:n], scale, shift, 0, 1)
		dst, src = dst[n:], src[n:]
	}
}

// repeated fills room with copies of row, at most as many as make n elements, and returns what it filled.
func repeated(room, row []float32, n int) []float32 {
	room = room[:min(len(room), n)/len(row)*len(row)]
	for at := 0; at < len(room); at += len(row) {
		copy(room[at:], row)
	}
	return room
}

// LpNormalize divides each row of cols elements by its norm: the sum of the absolute values for p = 1, the root of the sum of
// squares for p = 2. Rows of norm 0 stay. dst may be src.
func LpNormalize(dst, src []float32, cols, p, threads int) {
	if cols == 0 {
		return
	}
	j := newJob(lpRows, dst, src)
	j.n, j.inner = cols, p
	j.do(len(src)/cols, cols, threads)
}

func lpRows(j *job, lo, hi int) {
	for r := lo; r < hi; r++ {
		x, y := j.src[r*j.n:(r+1)*j.n], j.dst[r*j.n:(r+1)*j.n]
		norm := lpNorm(x, j.inner)
		if norm > leastSum && norm < mostSum {
			vec.ScaleShift(y, x, float32(1/norm), 0)
			continue
		}
		for i, v := range x {
			y[i] = float32(float64(v) / norm)
		}
	}
}

// Between these bounds float32 holds sums, norms and their reciprocals with all digits.
const leastSum, mostSum = 1e-30, 1e30

// lpNorm is 1 for a norm of 0. Sums that float32 does not hold, or only with few digits, are computed in float64.
func lpNorm(x []float32, p int) float64 {
	var sum float32
	if p == 1 {
		sum = vec.SumAbs(x)
	} else {
		sum = vec.SumSquare(x)
	}
	if !(sum > leastSum && sum < mostSum) {
		return LpNorm(x, 1, p)
	}
	if p == 2 {
		return math.Sqrt(float64(sum))
	}
	return float64(sum)
}

// LpNorm returns the norm of every step-th element of x from the first on, summed in float64: the sum of the absolute values
// for p = 1, the root of the sum of squares for p = 2. It is 1 for a norm of 0, so that vectors of zeros can be divided by it.
func LpNorm[T vec.Float](x []T, step, p int) float64 {
	sum := 0.0
	for i := 0; i < len(x); i += step {
		if v := float64(x[i]); p == 1 {
			sum += math.Abs(v)
		} else {
			sum += v * v
		}
	}
	if p == 2 {
		sum = math.Sqrt(sum)
	}
	if sum == 0 {
		return 1
	}
	return sum
}
