package reduce

import (
	"fmt"

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
	*j = addRows[T, I]{dst: dst, src: src, index: index, axis: axis, block: block}
	// A chunk is a range of columns of one outer block, so that every sum belongs to one chunk.
	j.width = max(addRowsGrain/max(axis+len(index), 1), 16)
	j.parts = (block + j.width - 1) / j.width
	par.Run(threads, outer*j.parts, j)
	*j = addRows[T, I]{}
	tasks.Put(j)
	return nil
}

// addRowsGrain is the number of elements that are worth a chunk.
const addRowsGrain = 1 << 14

type addRows[T vec.Float, I int32 | int64] struct {
	dst, src     []T
	index        []I
	axis, block  int
	width, parts int
}

// Chunk adds up one range of columns.
func (j *addRows[T, I]) Chunk(i int) {
	outer, lo := i/j.parts, i%j.parts*j.width
	n := min(j.width, j.block-lo)
	to, from := outer*j.axis*j.block+lo, outer*len(j.index)*j.block+lo
	for r := range j.axis {
		clear(j.dst[to+r*j.block:][:n])
	}
	for r, v := range j.index {
		if v < 0 {
			v += I(j.axis)
		}
		d, s := j.dst[to+int(v)*j.block:][:n], j.src[from+r*j.block:][:n]
		for k, x := range s {
			d[k] += x
		}
	}
}
