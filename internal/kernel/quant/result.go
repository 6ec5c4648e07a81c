package quant

import (
	"sync"

	"github.com/onnxrun/onnxrun/internal/par"
)

// Result says what becomes of the M×N sums of a product. The factor of sum (i, j) is Col[j], a single element of Col
// standing for all; with Row it is Row[i] * Col[j] / Div.
type Result struct {
	M, N     int
	Sums     []int32
	Row, Col []float32
	Div      float32
	Bias     []float32 // N elements added to float32 results, or nil
	Add      bool      // float32 results are added to what is there
	Stride   int       // between rows of float32 results; 0: N
	Zero     int32     // zero point of bytes
	Signed   bool      // bytes are int8
	Threads  int
}

// resultTask is a par.Task over the rows of a Result.
type resultTask struct {
	Result
	floats []float32
	bytes  []uint8
	r      rounder
	size   int
}

var resultTasks = sync.Pool{New: func() any { return new(resultTask) }}

// Floats sets dst to the sums times their factors, plus the bias.
func (r *Result) Floats(dst []float32) { r.run(dst, nil) }

// Bytes sets dst to the sums times their factors, rounded to bytes.
func (r *Result) Bytes(dst []uint8) { r.run(nil, dst) }

func (r *Result) run(floats []float32, bytes []uint8) {
	t := resultTasks.Get().(*resultTask)
	*t = resultTask{Result: *r, floats: floats, bytes: bytes, r: newRounder[uint8](r.Zero)}
	if r.Signed {
		t.r = newRounder[int8](r.Zero)
	}
	if t.Stride == 0 {
		t.Stride = t.N
	}
	var chunks int
	chunks, t.size = par.Split(t.M, grain/max(1, t.N)+1)
	par.Run(t.Threads, chunks, t)
	*t = resultTask{}
	resultTasks.Put(t)
}

// Chunk implements par.Task.
func (t *resultTask) Chunk(c int) {
	lo, hi := par.Range(c, t.size, t.M)
	for i := lo; i < hi; i++ {
		sums := t.Sums[i*t.N : (i+1)*t.N]
		switch {
		case t.bytes != nil:
			t.byteRow(t.bytes[i*t.N:(i+1)*t.N], sums, i)
		default:
			t.floatRow(t.floats[i*t.Stride:][:t.N], sums, i)
		}
	}
}

func (t *resultTask) byteRow(dst []uint8, sums []int32, i int) {
	if t.Row == nil && len(t.Col) == 1 {
		t.r.row(dst, sums, 0, t.Col[0])
		return
	}
	for j, s := range sums {
		dst[j] = uint8(t.r.round(float32(float32(s) * t.factor(i, j))))
	}
}

func (t *resultTask) floatRow(dst []float32, sums []int32, i int) {
	add := t.Add
	for j, s := range sums {
		v := float32(float32(s) * t.factor(i, j))
		if t.Bias != nil {
			v += t.Bias[j]
		}
		if add {
			v += dst[j]
		}
		dst[j] = v
	}
}

func (t *resultTask) factor(i, j int) float32 {
	if len(t.Col) == 1 {
		j = 0
	}
	if t.Row == nil {
		return t.Col[j]
	}
	return float32(t.Row[i]*t.Col[j]) / t.Div
}

// row sets dst to the sums plus the bias, times the factor, rounded.
func (r *rounder) row(dst []uint8, sums []int32, bias int32, factor float32) {
	for j, s := range sums[:len(dst)] {
		dst[j] = uint8(r.round(float32(float32(s+bias) * factor)))
	}
}

// Row sets dst to the sums plus the bias, times the factor, rounded to bytes with the given zero point, in the calling
// goroutine.
func Row(dst []uint8, sums []int32, bias int32, factor float32, zero int32, signed bool) {
	r := newRounder[uint8](zero)
	if signed {
		r = newRounder[int8](zero)
	}
	r.row(dst, sums, bias, factor)
}
