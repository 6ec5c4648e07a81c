package nms

import (
	"math"
	"math/bits"
	"slices"
)

// An order yields boxes by falling score, of equal scores the first box first. A key holds the score, in a
// form whose order is that of the numbers, above the complement of the index.
type order struct {
	keys, spare []uint64
	sorted      bool // keys fall; otherwise they are a heap
	at          int  // the next of the sorted keys
	words       []uint64
	digits      [digitPasses][1 << digitBits]int32
}

// fill takes the boxes whose score is not NaN and, if cut is set, exceeds the threshold.
func (o *order) fill(scores []float32, cut bool, threshold float32) {
	o.keys = o.keys[:0]
	least := float32(math.Inf(-1))
	if cut {
		if math.IsInf(float64(threshold), 1) {
			return
		}
		least = math.Nextafter32(threshold, float32(math.Inf(1)))
	}
	n := len(scores) / 64
	o.words = slices.Grow(o.words[:0], n)[:n]
	active.above(o.words, scores[:64*n], least)
	for i, word := range o.words {
		for ; word != 0; word &= word - 1 {
			j := 64*i + bits.TrailingZeros64(word)
			o.keys = append(o.keys, key(scores[j], j))
		}
	}
	for j := 64 * n; j < len(scores); j++ {
		if scores[j] >= least {
			o.keys = append(o.keys, key(scores[j], j))
		}
	}
}

func key(score float32, i int) uint64 {
	b := math.Float32bits(score + 0) // no negative zero
	return uint64(b^(uint32(int32(b)>>31)|1<<31))<<32 | uint64(^uint32(i))
}

// index returns the box of a key.
func index(key uint64) int { return int(^uint32(key)) }

// Sorting all keys by digits costs less than taking many from a heap, from a number of keys on whose
// histograms are worth it, and unless a small share of them is wanted.
const (
	fewestSorted = 512
	wantedShare  = 32
)

// start makes the keys ready for next, of which some wanted or more will be taken.
func (o *order) start(wanted int) {
	o.at, o.sorted = 0, len(o.keys) >= fewestSorted && wanted >= len(o.keys)/wantedShare
	if o.sorted {
		o.sort()
		return
	}
	for i := len(o.keys)/2 - 1; i >= 0; i-- {
		o.sink(i)
	}
}

// next returns the best box that is left.
func (o *order) next() (i int, ok bool) {
	switch n := len(o.keys); {
	case o.at == n:
		return 0, false
	case o.sorted:
		o.at++
		return index(o.keys[o.at-1]), true
	default:
		top := o.keys[0]
		o.keys[0] = o.keys[n-1]
		o.keys = o.keys[:n-1]
		o.sink(0)
		return index(top), true
	}
}

// sink moves an element of the heap down to its place.
func (o *order) sink(i int) {
	h := o.keys
	if i >= len(h) {
		return
	}
	v := h[i]
	for {
		c := 2*i + 1
		if c >= len(h) {
			break
		}
		if c+1 < len(h) && h[c+1] > h[c] {
			c++
		}
		if h[c] <= v {
			break
		}
		h[i] = h[c]
		i = c
	}
	h[i] = v
}

// The score's 32 bits are sorted by digits, the lowest first.
const (
	digitBits   = 11
	digitPasses = 3
)

func digit(key uint64, pass int) uint64 { return key >> (32 + digitBits*pass) & (1<<digitBits - 1) }

// sort orders the keys by falling score. It keeps the order of equal ones, which is that of the boxes.
func (o *order) sort() {
	clear(o.digits[:])
	for _, k := range o.keys {
		for pass := range digitPasses {
			o.digits[pass][digit(k, pass)]++
		}
	}
	n := len(o.keys)
	o.spare = slices.Grow(o.spare[:0], n)[:n]
	for pass := range digitPasses {
		count := &o.digits[pass]
		if count[digit(o.keys[0], pass)] == int32(n) {
			continue // the same everywhere
		}
		before := int32(0)
		for d := len(count) - 1; d >= 0; d-- {
			count[d], before = before, before+count[d]
		}
		for _, k := range o.keys {
			to := &count[digit(k, pass)]
			o.spare[*to] = k
			*to++
		}
		o.keys, o.spare = o.spare, o.keys
	}
}
