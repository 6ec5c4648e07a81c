package resize

import (
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/move"
	"github.com/onnxrun/onnxrun/internal/par"
)

// Pixels are bytes of pixels of Size bytes each, the first Size of every Step.
type Pixels struct {
	Data       []byte
	Size, Step int
}

// NearestPixels is Nearest for pixels that may lie further apart than their size: pixel (o0, o1, ...) of dst is pixel
// (index[0][o0], index[1][o1], ...) of src, whose shape is in.
func NearestPixels(threads int, dst, src Pixels, in []int, index [][]int) {
	t := pixelTasks.Get().(*pixelTask)
	t.dst, t.src, t.in, t.index, t.repeat = dst, src, in, index, 0
	last := len(in) - 1
	if n := in[last]; n > 0 && len(index[last])%n == 0 && repeats(index[last], len(index[last])/n) {
		t.repeat = len(index[last]) / n
	}
	rows := 1
	for _, x := range index[:last] {
		rows *= len(x)
	}
	t.rows = rows
	var chunks int
	chunks, t.size = par.Split(rows, grainBytes/(dst.Size*max(1, len(index[last])))+1)
	par.Run(threads, chunks, t)
	*t = pixelTask{}
	pixelTasks.Put(t)
}

// grainBytes is the least that a chunk copies.
const grainBytes = 64 << 10

// repeats tells whether every position is repeated r times.
func repeats(index []int, r int) bool {
	for o, i := range index {
		if i != o/r {
			return false
		}
	}
	return true
}

// pixelTask is a running NearestPixels. Chunks are ranges of rows of dst.
type pixelTask struct {
	dst, src   Pixels
	in         []int
	index      [][]int
	repeat     int // how often each pixel of a row is repeated, 0: not all as often
	rows, size int
}

var pixelTasks = sync.Pool{New: func() any { return new(pixelTask) }}

// Chunk fills a range of rows.
func (t *pixelTask) Chunk(i int) {
	lo, hi := par.Range(i, t.size, t.rows)
	last := len(t.in) - 1
	for r := lo; r < hi; r++ {
		from, size, rest := 0, 1, r
		for a := last - 1; a >= 0; a-- {
			n := len(t.index[a])
			from += t.index[a][rest%n] * size
			size, rest = size*t.in[a], rest/n
		}
		t.row(r*len(t.index[last]), from*t.in[last])
	}
}

// row fills the row that begins with pixel to from that which begins with pixel from.
func (t *pixelTask) row(to, from int) {
	d, s := &t.dst, &t.src
	dst, src := d.Data[to*d.Step:], s.Data[from*s.Step:]
	last := len(t.in) - 1
	for k := range t.repeat {
		move.Rows(dst[k*d.Step:], src, t.in[last], d.Size, t.repeat*d.Step, s.Step)
	}
	if t.repeat > 0 {
		return
	}
	for o, i := range t.index[last] {
		copy(dst[o*d.Step:][:d.Size], src[i*s.Step:])
	}
}
