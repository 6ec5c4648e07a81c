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

// orders are the orders in which blocks are tried, until one takes no more than is in use at once: by size, as in
// Pisarchyk and Lee, "Efficient memory management for deep neural net inference", 2020; by bytes times steps; by time.
var orders = []func(a, b *block) int{
	func(a, b *block) int { return cmp.Compare(b.size, a.size) },
	func(a, b *block) int { return cmp.Compare(b.size*b.steps(), a.size*a.steps()) },
	func(a, b *block) int { return cmp.Compare(a.first, b.first) },
}

func (b *block) steps() int { return int(b.last-b.first) + 1 }

// place gives each block an offset such that blocks in use at the same step do not overlap, and returns the
// total size: the smallest that one of the orders gives, from below alone or from both ends of what is in use at once.
// In a chain of nodes each value then lies at the other end than the one before.
func place(blocks []block, offsets []int) (total int) {
	least := live(blocks)
	total = placeBy(orders[0], blocks, offsets, 0)
	var other []int
	if total > least {
		other = make([]int, len(offsets))
	}
	for i := 1; i < 2*len(orders) && total > least; i++ {
		if t := placeBy(orders[i/2], blocks, other, least*(i%2)); t < total {
			total = t
			copy(offsets, other)
		}
	}
	return total
}

// live returns the largest sum of sizes of blocks in use at one step.
func live(blocks []block) (most int) {
	steps := 0
	for i := range blocks {
		steps = max(steps, int(blocks[i].last)+1)
	}
	change := make([]int, steps+1) // of what is in use, by step
	for _, b := range blocks {
		change[max(b.first, 0)] += b.size
		change[b.last+1] -= b.size
	}
	sum := 0
	for _, c := range change {
		sum += c
		most = max(most, sum)
	}
	return most
}

// placeBy places the blocks in an order, each into the smallest gap that takes it. The gap below top, if that is not 0, is
// filled from above.
func placeBy(compare func(a, b *block) int, blocks []block, offsets []int, top int) (total int) {
	order := make([]int, len(blocks))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return compare(&blocks[a], &blocks[b]) })
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
		switch gap := top - at; {
		case gap >= b.size && (best < 0 || gap < bestGap):
			best = top - b.size
		case best < 0:
			best = at
		}
		offsets[i] = best
		total = max(total, best+b.size)
		k, _ := slices.BinarySearchFunc(placed, best, func(j, off int) int { return cmp.Compare(offsets[j], off) })
		placed = slices.Insert(placed, k, i)
	}
	return total
}

// Arena returns the bytes that an arena takes for things of the given sizes, multiples of the alignment, each of which is in
// use from a first step to a last one.
func Arena(n int, thing func(i int) (size, first, last int)) int {
	blocks := make([]block, n)
	for i := range blocks {
		size, first, last := thing(i)
		blocks[i] = block{size, int32(first), int32(last)}
	}
	return place(blocks, make([]int, n))
}
