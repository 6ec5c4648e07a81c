package move

import (
	"fmt"
	"sync"
	"unsafe"

	"github.com/onnxrun/onnxrun/internal/par"
)

// ReverseColumns copies src, rows of len(lens) blocks of block bytes, to dst, with the first lens[c] blocks of each column c in the
// opposite order. A length out of range is an error, and then dst is unspecified. dst must not overlap src.
func ReverseColumns(dst, src []byte, rows, block int, lens []int64, threads int) error {
	for _, n := range lens {
		if n < 0 || n > int64(rows) {
			return fmt.Errorf("move: length %d is outside [0, %d]", n, rows)
		}
	}
	size := rows * len(lens) * block
	if size == 0 {
		return nil
	}
	j := reversals.Get().(*reverseJob)
	*j = reverseJob{dst: dst[:size], src: src[:size], rows: rows, block: block, lens: lens}
	line := max(1, stagedLine/block) // columns that share the lines of a cache
	var chunks int
	chunks, j.size = par.Split((len(lens)+line-1)/line, 1+serial/(rows*line*block))
	j.size *= line
	par.Run(threads, chunks, j)
	*j = reverseJob{}
	reversals.Put(j)
	return nil
}

// reverseJob is a running ReverseColumns; chunks are ranges of size columns.
type reverseJob struct {
	dst, src          []byte
	rows, block, size int
	lens              []int64
}

var reversals = sync.Pool{New: func() any { return new(reverseJob) }}

// Chunk does the columns of one chunk, as many at a time as share lines of a cache.
func (j *reverseJob) Chunk(i int) {
	lo, hi := par.Range(i, j.size, len(j.lens))
	line := max(1, stagedLine/j.block)
	for ; lo < hi; lo += line {
		n := min(line, hi-lo)
		switch j.block {
		case 1:
			reverseColumns[uint8](j, lo, n)
		case 2:
			reverseColumns[uint16](j, lo, n)
		case 4:
			reverseColumns[uint32](j, lo, n)
		case 8:
			reverseColumns[uint64](j, lo, n)
		case 16:
			reverseColumns[[2]uint64](j, lo, n)
		default:
			for c := lo; c < lo+n; c++ {
				j.column(c)
			}
		}
	}
}

// column copies one column of blocks of any size.
func (j *reverseJob) column(c int) {
	dp, sp := unsafe.Pointer(&j.dst[c*j.block]), unsafe.Pointer(&j.src[c*j.block])
	step, n := len(j.lens)*j.block, int(j.lens[c])
	if n > 0 {
		copyRows(dp, unsafe.Add(sp, (n-1)*step), n, j.block, step, -step)
	}
	if n < j.rows {
		copyRows(unsafe.Add(dp, n*step), unsafe.Add(sp, n*step), j.rows-n, j.block, step, step)
	}
}

// reverseColumns copies columns c to c+n row by row.
func reverseColumns[T any](j *reverseJob, c, n int) {
	var z T
	width := int(unsafe.Sizeof(z))
	dp, sp := unsafe.Pointer(&j.dst[c*width]), unsafe.Pointer(&j.src[c*width])
	lens := j.lens[c : c+n]
	step := len(j.lens) * width
	for r := range j.rows {
		to := unsafe.Add(dp, r*step)
		for i, length := range lens {
			from := r
			if r < int(length) {
				from = int(length) - 1 - r
			}
			*(*T)(unsafe.Add(to, i*width)) = *(*T)(unsafe.Add(sp, from*step+i*width))
		}
	}
}
