package reduce

import (
	"fmt"
	"slices"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/internal/par"
)

// RowSums is AddRows without the rows that stay zero: ids [len(index)] becomes the different indices, rising, then -1, and
// rows, seen as [len(index), block], the sums for them of the rows of src [len(index), block], in the order of the indices; what is
// left of rows is not written. Negative indices count from the end of an axis of the given length; one out of range is
// an error. keys and starts are scratch memory of len(index) elements each.
func RowSums[I int32 | int64](ids []int64, rows, src []float32, index []I, axis, block int, keys, starts []int64, threads int) error {
	for i, v := range index {
		id := int64(v)
		if id < 0 {
			id += int64(axis)
		}
		if id < 0 || id >= int64(axis) {
			return fmt.Errorf("reduce: index %d is out of range for an axis of length %d", v, axis)
		}
		keys[i] = id<<32 | int64(i)
	}
	keys, starts = sortedRows(keys[:len(index)], starts[:len(index)], axis)
	n := 0
	for i, k := range keys {
		if id := k >> 32; n == 0 || ids[n-1] != id {
			ids[n], starts[n] = id, int64(i)
			n++
		}
	}
	for i := n; i < len(index); i++ {
		ids[i] = -1
	}
	j := rowSumTasks.Get().(*rowSums)
	*j = rowSums{rows: rows, src: src, keys: keys, starts: starts[:n], block: block, grain: max(1, addRowsGrain/max(block, 1))}
	par.Run(threads, (n+j.grain-1)/j.grain, j)
	*j = rowSums{}
	rowSumTasks.Put(j)
	return nil
}

// fewKeys are so few that they are sorted by comparisons.
const fewKeys = 64

// sortedRows sorts keys, whose upper halves are below limit and whose lower halves rise: by one byte of the upper half after the other, from keys to
// other and back. It returns where the keys are, and the other list.
func sortedRows(keys, other []int64, limit int) (sorted, free []int64) {
	if len(keys) < fewKeys {
		slices.Sort(keys)
		return keys, other
	}
	for shift := 32; (limit-1)>>(shift-32) > 0; shift += 8 {
		var next [256]int32 // where the next key with a byte goes
		for _, k := range keys {
			next[uint8(k>>shift)]++
		}
		at := int32(0)
		for i, n := range next {
			next[i] = at
			at += n
		}
		for _, k := range keys {
			i := &next[uint8(k>>shift)]
			other[*i] = k
			*i++
		}
		keys, other = other, keys
	}
	return keys, other
}

var rowSumTasks = sync.Pool{New: func() any { return new(rowSums) }}

// rowSums is a RowSums at work.
type rowSums struct {
	rows, src    []float32
	keys         []int64 // index<<32 | place in src, rising
	starts       []int64 // of each different index, in keys
	block, grain int
}

// Chunk sums up for some of the different indices.
func (j *rowSums) Chunk(i int) {
	for k := i * j.grain; k < min((i+1)*j.grain, len(j.starts)); k++ {
		end := len(j.keys)
		if k+1 < len(j.starts) {
			end = int(j.starts[k+1])
		}
		dst := j.rows[k*j.block:][:j.block]
		keys := j.keys[j.starts[k]:end]
		first := j.src[int(uint32(keys[0]))*j.block:][:j.block]
		if len(keys) == 1 {
			copy(dst, first)
			continue
		}
		from := first
		for _, key := range keys[1:] {
			vec.Add(dst, from, j.src[int(uint32(key))*j.block:][:j.block])
			from = dst
		}
	}
}
