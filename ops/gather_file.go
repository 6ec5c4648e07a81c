package ops

import (
	"github.com/onnxrun/onnxrun/internal/kernel/move"
	"github.com/onnxrun/onnxrun/internal/mmap"
)

const (
	// leastTable is the size in bytes from which on a table may be read from its file.
	leastTable = 512 << 10
	// leastRow is the size in bytes from which on reading a row from the file costs little more than copying it.
	leastRow = 1 << 10
	// fewRows is the part of a table, one row in so many, up to which rows are few.
	fewRows = 32
)

// gatherFew is move.Gather for few rows of a large table in a mapped file, which are read from the file: the mapping would bring
// up to megabytes around each of them into memory, for good. It does nothing and reports false where something else is asked for.
func gatherFew[I move.Index](dst, src []byte, index []I, axis, row int) (bool, error) {
	if row < leastRow || len(src) < leastTable || axis*row != len(src) || stretches(index)*fewRows > axis {
		return false, nil
	}
	file, at := mmap.Find(src)
	if file == nil || !file.Readable() {
		return false, nil
	}
	if err := move.CheckIndex(index, axis); err != nil {
		return true, err
	}
	for len(index) > 0 {
		n, first := stretch(index), int(index[0])
		if first < 0 {
			first += axis
		}
		if err := file.ReadAt(dst[:n*row], at+first*row); err != nil {
			return true, err
		}
		dst, index = dst[n*row:], index[n:]
	}
	return true, nil
}

// stretch returns how many of the indices, from the first one on, name rows that follow each other.
func stretch[I move.Index](index []I) int {
	n := 1
	for n < len(index) && index[n] == index[n-1]+1 && index[n] != 0 {
		n++
	}
	return n
}

// stretches returns how many stretches the indices are.
func stretches[I move.Index](index []I) (n int) {
	for len(index) > 0 {
		index = index[stretch(index):]
		n++
	}
	return n
}
