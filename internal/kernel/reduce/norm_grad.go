package reduce

import (
	"math"

	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/internal/par"
)

// A RowNormGrad is the gradient of LayerNorm, or with RMS of RMSNorm, over rows of len(Scale) elements.
type RowNormGrad struct {
	X, DY          []float32 // what was normalised, and the gradient of the result
	Scale          []float32
	Eps            float64
	RMS            bool
	DX             []float32 // of the shape of X
	DScale, DShift []float32 // of that of Scale; DShift is nil with RMS
	Scratch        []float32 // RowNormGradScratch elements

	chunks, size int
}

// rowNormChunks bounds the number of chunks, each of which has sums of its own.
const rowNormChunks = 32

// cut returns the number of chunks of rows of cols elements, and the rows of one.
func (a *RowNormGrad) cut(rows, cols int) (chunks, size int) {
	size = max(1+(grain-1)/max(1, cols), (rows+rowNormChunks-1)/rowNormChunks)
	return (rows + size - 1) / size, size
}

// RowNormGradScratch is the number of elements of scratch memory that rows of cols elements need: for each chunk the two sums, and a
// row.
func RowNormGradScratch(rows, cols int) int {
	chunks, _ := new(RowNormGrad).cut(rows, cols)
	return 3 * chunks * cols
}

// Run computes the gradients: one pass over the rows, each of which stays in the nearest cache meanwhile, then the sums over the
// chunks in their order.
func (a *RowNormGrad) Run(threads int) {
	cols := len(a.Scale)
	clear(a.DScale)
	clear(a.DShift)
	if cols == 0 || len(a.X) == 0 {
		return
	}
	a.chunks, a.size = a.cut(len(a.X)/cols, cols)
	par.Run(threads, a.chunks, a)
	for i := range a.chunks {
		s := a.Scratch[3*i*cols:][:3*cols]
		vec.Add(a.DScale, a.DScale, s[:cols])
		if a.DShift != nil {
			vec.Add(a.DShift, a.DShift, s[cols:2*cols])
		}
	}
}

// Chunk does some rows.
func (a *RowNormGrad) Chunk(i int) {
	cols := len(a.Scale)
	s := a.Scratch[3*i*cols:][:3*cols]
	clear(s[:2*cols])
	scale, shift, scaled := s[:cols], s[cols:2*cols], s[2*cols:]
	lo, hi := par.Range(i, a.size, len(a.X)/cols)
	if cols <= vec.MaxRow {
		x, dy, dx := a.X[lo*cols:hi*cols], a.DY[lo*cols:hi*cols], a.DX[lo*cols:hi*cols]
		if a.RMS {
			vec.RMSNormGradRows(dx, x, dy, a.Scale, scale, float32(a.Eps))
		} else {
			vec.LayerNormGradRows(dx, x, dy, a.Scale, scale, shift, float32(a.Eps))
		}
		return
	}
	for r := lo; r < hi; r++ {
		x, dy, dx := a.X[r*cols:(r+1)*cols], a.DY[r*cols:(r+1)*cols], a.DX[r*cols:(r+1)*cols]
		inv := standardize(dx, x, a.Eps, a.RMS)
		vec.MulAcc(scale, dy, dx)
		if a.DShift != nil {
			vec.Add(shift, shift, dy)
		}
		vec.Mul(scaled, dy, a.Scale)
		mean := 0.0
		if !a.RMS {
			mean = float64(vec.Sum(scaled)) / float64(cols)
		}
		slope := float64(vec.Dot(scaled, dx)) / float64(cols)
		vec.ScaleShift(dx, dx, float32(-inv*slope), float32(-inv*mean))
		vec.Axpy(dx, float32(inv), scaled)
	}
}

// standardize sets dst to x with the mean 0 and the variance 1, or with rms the mean square 1, and returns what the distance from the
// mean was multiplied by.
func standardize(dst, x []float32, eps float64, rms bool) (inv float64) {
	n := float64(len(x))
	if rms {
		inv = 1 / math.Sqrt(float64(vec.SumSquare(x))/n+eps)
		vec.ScaleShift(dst, x, float32(inv), 0)
		return inv
	}
	mean, variance := moments(x)
	inv = 1 / math.Sqrt(float64(variance)+eps)
	shift := -float64(mean) * inv
	if math.Abs(shift) > farMean {
		vec.ScaleShift(dst, x, 1, -mean)
		x, shift = dst, 0
	}
	vec.ScaleShift(dst, x, float32(inv), float32(shift))
	return inv
}
