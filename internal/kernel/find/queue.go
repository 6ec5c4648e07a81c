package find

import (
	"math"
	"math/bits"
	"slices"
)

// A Queue yields elements by falling value, of equal ones the first first.
type Queue struct {
	keys   []uint64
	sorted bool // keys rise; otherwise they are a heap
	at     int  // the next of the sorted keys
	words  []uint64
	sorter sorter
}

// Fill takes the elements of x that are not NaN and, if cut is set, exceed the threshold.
func (q *Queue) Fill(x []float32, cut bool, threshold float32) {
	q.keys = q.keys[:0]
	inf := float32(math.Inf(1))
	least := -inf
	if cut {
		if !(threshold < inf) {
			return
		}
		least = math.Nextafter32(threshold, inf)
	}
	n := len(x) / 64
	q.words = slices.Grow(q.words[:0], n)[:n]
	active.above(q.words, x[:64*n], least)
	most := len(x) - 64*n
	for _, word := range q.words {
		most += bits.OnesCount64(word)
	}
	q.keys = slices.Grow(q.keys, most)
	for i, word := range q.words {
		for ; word != 0; word &= word - 1 {
			j := 64*i + bits.TrailingZeros64(word)
			if v := x[j]; v == v {
				q.keys = append(q.keys, greatest(v, j))
			}
		}
	}
	for j := 64 * n; j < len(x); j++ {
		if x[j] >= least {
			q.keys = append(q.keys, greatest(x[j], j))
		}
	}
}

// Keys returns what Fill took, by position.
func (q *Queue) Keys() []uint64 { return q.keys }

// wantedShare is what share of the keys must be wanted for sorting them all to cost less than taking some from a heap.
const wantedShare = 32

// Start makes the queue ready for Next, by which some wanted or more will be taken.
func (q *Queue) Start(wanted int) {
	q.at, q.sorted = 0, len(q.keys) >= fewestSorted && wanted >= len(q.keys)/wantedShare
	if q.sorted {
		q.keys = q.sorter.sort(q.keys)
		return
	}
	for i := len(q.keys)/2 - 1; i >= 0; i-- {
		q.sink(i)
	}
}

// Next returns the position of the greatest element that is left.
func (q *Queue) Next() (i int, ok bool) {
	switch n := len(q.keys); {
	case q.at == n:
		return 0, false
	case q.sorted:
		q.at++
		return Index(q.keys[q.at-1]), true
	default:
		top := q.keys[0]
		q.keys[0] = q.keys[n-1]
		q.keys = q.keys[:n-1]
		q.sink(0)
		return Index(top), true
	}
}

// sink moves an element of the heap down to its place.
func (q *Queue) sink(i int) {
	h := q.keys
	if i >= len(h) {
		return
	}
	v := h[i]
	for {
		c := 2*i + 1
		if c >= len(h) {
			break
		}
		if c+1 < len(h) && h[c+1] < h[c] {
			c++
		}
		if h[c] >= v {
			break
		}
		h[i] = h[c]
		i = c
	}
	h[i] = v
}
