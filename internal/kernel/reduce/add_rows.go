package reduce

import (
	"fmt"
	"slices"

	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/internal/par"
)

// AddRows is the transpose of a gather: dst, seen as [outer, axis, block], becomes zero, and row i of src, seen as
// [outer, len(index), block], is added to row index[i], in the order of the indices. Negative indices count from
// the end. An index out of range is an error.
func AddRows[T vec.Float, I int32 | int64](dst, src []T, index []I, outer, axis, block, threads int) error {
	for _, v := range index {
		if int64(v) < -int64(axis) || int64(v) >= int64(axis) {
			return fmt.Errorf("reduce: index %d is out of range for an axis of length %d", v, axis)
		}
	}
	if len(dst) == 0 {
		return nil
	}
	tasks := poolOf[addRows[T, I]]()
	j := tasks.Get().(*addRows[T, I])
	j.dst, j.src, j.n, j.axis, j.block, j.add = dst, src, len(index), axis, block, vec.AddOf[T]
	if fast, ok := any(vec.Add).(func(dst, a, b []T)); ok {
		j.add = fast
	}
	link(j, index)
	j.width = block
	if axis < shortTable {
		j.width = min(block, addRowsWidth)
	}
	j.parts = (block + j.width - 1) / j.width
	j.rows = max(1, addRowsGrain/j.width)
	par.Run(threads, outer*j.parts*((axis+j.rows-1)/j.rows), j)
	j.dst, j.src = nil, nil
	tasks.Put(j)
	return nil
}

// addRowsGrain is the number of elements that are worth a chunk. A table of few rows, of which one may get most of what is added,
// is cut into columns, too.
const addRowsGrain, shortTable, addRowsWidth = 1 << 14, 64, 128

type addRows[T vec.Float, I int32 | int64] struct {
	dst, src       []T
	add            func(dst, a, b []T)
	first, next    []int32 // the first place in the index of each row, and the next one of the same row; -1: none
	n, axis, block int
	width, parts   int // columns of a chunk, and chunks along them
	rows           int // of dst in a chunk
}

// link lists the places of each row in the index.
func link[T vec.Float, I int32 | int64](j *addRows[T, I], index []I) {
	j.first, j.next = slices.Grow(j.first[:0], j.axis)[:j.axis], slices.Grow(j.next[:0], len(index))[:len(index)]
	for r := range j.first {
		j.first[r] = -1
	}
	for i, v := range slices.Backward(index) {
		if v < 0 {
			v += I(j.axis)
		}
		j.next[i], j.first[v] = j.first[v], int32(i)
	}
}

// Chunk adds up some columns of some rows.
func (j *addRows[T, I]) Chunk(i int) {
	column, i := i%j.parts*j.width, i/j.parts
	groups := (j.axis + j.rows - 1) / j.rows
	outer, lo := i/groups, i%groups*j.rows
	n := min(j.width, j.block-column)
	dst, src := j.dst[outer*j.axis*j.block+column:], j.src[outer*j.n*j.block:]
	for r := lo; r < min(lo+j.rows, j.axis); r++ {
		d, at := dst[r*j.block:][:n], j.first[r]
		if at < 0 {
			clear(d)
			continue
		}
		from := src[int(at)*j.block+column:][:n]
		if at = j.next[at]; at < 0 {
			copy(d, from)
			continue
		}
		for ; at >= 0; at = j.next[at] {
			j.add(d, from, src[int(at)*j.block+column:][:n])
			from = d
		}
	}
}
