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
	if !largeRows(len(src), axis, row) || stretches(index)*fewRows > axis {
		return false, nil
	}
	file, at := mmap.Find(src)
	if file == nil || !file.Readable() {
		return false, nil
	}
	if err := move.CheckIndex(index, axis); err != nil {
		return true, err
	}
	return true, gatherRead(file, at, dst, index, axis, row)
}

// largeRows reports whether rows of a table of size bytes may be read from its file.
func largeRows(size, axis, row int) bool {
	return row >= leastRow && size >= leastTable && axis*row == size
}

// gatherRead reads rows of a table that begins in a file at byte at.
func gatherRead[I move.Index](file *mmap.File, at int, dst []byte, index []I, axis, row int) error {
	for len(index) > 0 {
		n := stretch(index)
		if err := file.ReadAt(dst[:n*row], at+wrapped(index[0], axis)*row); err != nil {
			return err
		}
		dst, index = dst[n*row:], index[n:]
	}
	return nil
}

// wrapped is an index that may count from the end.
func wrapped[I move.Index](i I, axis int) int {
	if i < 0 {
		return int(i) + axis
	}
	return int(i)
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
