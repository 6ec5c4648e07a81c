package plan

import (
	"cmp"
	"slices"

	"github.com/onnxrun/onnxrun/internal/mem"
)

// alignment of everything in the arena, in bytes.
const alignment = mem.Alignment

// A block is one thing to place: its size and the steps from first to last in which it is in use.
type block struct {
	size        int
	first, last int32
}

// place gives each block an offset such that blocks in use at the same step do not overlap, and returns the
// total size. Larger blocks are placed first, each into the smallest gap that takes it (greedy by size, as
// in Pisarchyk and Lee, "Efficient memory management for deep neural net inference", 2020).
func place(blocks []block, offsets []int) (total int) {
	order := make([]int, len(blocks))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(blocks[b].size, blocks[a].size) })
	placed := make([]int, 0, len(blocks)) // by offset
	for _, i := range order {
		b := blocks[i]
		at, best, bestGap := 0, -1, 0
		for _, j := range placed {
			o := blocks[j]
			if o.last < b.first || o.first > b.last {
				continue
			}
			if gap := offsets[j] - at; gap >= b.size && (best < 0 || gap < bestGap) {
				best, bestGap = at, gap
			}
			at = max(at, offsets[j]+o.size)
		}
		if best < 0 {
			best = at
		}
		offsets[i] = best
		total = max(total, best+b.size)
		k, _ := slices.BinarySearchFunc(placed, best, func(j, off int) int { return cmp.Compare(offsets[j], off) })
		placed = slices.Insert(placed, k, i)
	}
	return total
}
