package move

import (
	"sync"

	"github.com/onnxrun/onnxrun/internal/par"
)

// Inset carries out the copy c, whose destination strides must fall from dimension to dimension, and fills the
// rest of dst with pattern, an element of c.Width bytes. src must not overlap dst. It panics if the copy reaches
// outside either.
func Inset(dst, src []byte, c Copy, pattern []byte, threads int) {
	var b box
	if !b.build(&c) {
		Fill(dst, pattern)
		return
	}
	b.check(len(dst), len(src))
	row := b.width
	if dims := b.dims(); len(dims) > 0 {
		if d := dims[len(dims)-1]; d.dst == b.width && d.src == b.width {
			row *= b.take(len(dims) - 1).n
		}
	}
	rows := 1
	for _, d := range b.dims() {
		rows *= d.n
	}
	j := insets.Get().(*insetJob)
	*j = insetJob{box: b, dst: dst, src: src, pattern: pattern, row: row, rows: rows, size: rows}
	if threads <= 1 || len(dst) <= serial {
		j.Chunk(0)
	} else {
		var chunks int
		chunks, j.size = par.Split(rows, 1+(grain-1)/row)
		par.Run(threads, chunks, j)
	}
	*j = insetJob{}
	insets.Put(j)
}

// An insetJob copies rows of row bytes and fills what lies before each of them, and behind the last.
type insetJob struct {
	box               box
	dst, src, pattern []byte
	row, rows, size   int
}

var insets = sync.Pool{New: func() any { return new(insetJob) }}

// Chunk does one chunk of rows.
func (j *insetJob) Chunk(i int) {
	lo, hi := par.Range(i, j.size, j.rows)
	filled := 0
	if lo > 0 {
		d, _ := j.at(lo - 1)
		filled = d + j.row
	}
	dims := j.box.dims()
	inner := dim{n: 1}
	if len(dims) > 0 {
		inner = dims[len(dims)-1]
	}
	for r := lo; r < hi; {
		d, s := j.at(r)
		for n := min(hi-r, inner.n-r%inner.n); n > 0; n-- {
			Fill(j.dst[filled:d], j.pattern)
			filled = d + j.row
			Block(j.dst[d:filled], j.src[s:s+j.row])
			d, s, r = d+inner.dst, s+inner.src, r+1
		}
	}
	if hi == j.rows {
		Fill(j.dst[filled:], j.pattern)
	}
}

// at returns the offsets of row r.
func (j *insetJob) at(r int) (d, s int) {
	dims := j.box.dims()
	d, s = j.box.dstOff, j.box.srcOff
	for i := len(dims) - 1; i >= 0; i-- {
		at := r % dims[i].n
		r /= dims[i].n
		d += at * dims[i].dst
		s += at * dims[i].src
	}
	return d, s
}
