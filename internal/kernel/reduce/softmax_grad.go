package reduce

import (
	"math"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/internal/par"
)

// SoftmaxGrad sets dx to the gradient of Softmax, or of LogSoftmax, over rows of cols elements, for dy, that of its result y. dx may be
// dy or y.
func SoftmaxGrad(dx, dy, y []float32, cols int, log bool, threads int) {
	if len(dx) == 0 {
		return
	}
	t := softmaxGrads.Get().(*softmaxGrad)
	*t = softmaxGrad{dx: dx, dy: dy, y: y, cols: cols, log: log}
	var chunks int
	chunks, t.size = par.Split(len(dx)/cols, 1+(grain-1)/cols)
	par.Run(threads, chunks, t)
	*t = softmaxGrad{}
	softmaxGrads.Put(t)
}

var softmaxGrads = sync.Pool{New: func() any { return new(softmaxGrad) }}

// softmaxGrad is a SoftmaxGrad at work.
type softmaxGrad struct {
	dx, dy, y  []float32
	cols, size int // of a row, rows of a chunk
	log        bool
}

// Chunk does some rows.
func (t *softmaxGrad) Chunk(i int) {
	lo, hi := par.Range(i, t.size, len(t.dx)/t.cols)
	dx, dy, y := t.dx[lo*t.cols:hi*t.cols], t.dy[lo*t.cols:hi*t.cols], t.y[lo*t.cols:hi*t.cols]
	if vec.SoftmaxGradRows(dx, dy, y, t.cols, t.log) {
		return
	}
	for ; len(dx) > 0; dx, dy, y = dx[t.cols:], dy[t.cols:], y[t.cols:] {
		t.long(dx[:t.cols], dy[:t.cols], y)
	}
}

// long does a row of any length.
func (t *softmaxGrad) long(dx, dy, y []float32) {
	if !t.log {
		dot := vec.Dot(dy, y)
		for i, v := range dy {
			dx[i] = (v - dot) * y[i]
		}
		return
	}
	sum := float64(vec.Sum(dy))
	for i, v := range dy {
		dx[i] = v - float32(math.Exp(float64(y[i]))*sum)
	}
}
