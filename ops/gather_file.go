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
	table, ok := findRows(src, axis, row)
	if !ok {
		return false, nil
	}
	if err := move.CheckIndex(index, axis); err != nil {
		return true, err
	}
	return true, readRows(table, nil, dst, index)
}

// fileRows is a table in a file.
type fileRows struct {
	file     *mmap.File
	at, axis int // where the table begins in the file, and its rows
	row      int // bytes
}

// findRows returns the table whose bytes are src, if they lie in a mapped file that can be read.
func findRows(src []byte, axis, row int) (fileRows, bool) {
	file, at := mmap.Find(src)
	return fileRows{file, at, axis, row}, file != nil && file.Readable()
}

// read reads rows from r on.
func (t *fileRows) read(dst []byte, r int) error { return t.file.ReadAt(dst, t.at+r*t.row) }

// largeRows reports whether rows of a table of size bytes may be read from its file.
func largeRows(size, axis, row int) bool {
	return row >= leastRow && size >= leastTable && axis*row == size
}

// readRows reads rows of a table, those that lie alone by its cache if there is one.
func readRows[I move.Index](t fileRows, kept *rowCache, dst []byte, index []I) (err error) {
	for len(index) > 0 && err == nil {
		n, r := stretch(index), int(index[0])
		if r < 0 {
			r += t.axis
		}
		part := dst[:n*t.row]
		if n == 1 && kept != nil {
			err = kept.take(part, r)
		} else {
			err = t.read(part, r)
		}
		dst, index = dst[len(part):], index[n:]
	}
	return err
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
