package find

import (
	"math/bits"
	"slices"
)

// A Selector finds the foremost elements of lists.
//
// Keys are gathered, and those that cannot be among the foremost dropped whenever there are about twice as many as wanted.
// The last of those that stay bounds what is gathered from then on, so most blocks of a long list are just
// compared with a bound.
type Selector struct {
	wanted int
	lowest bool   // the smallest come first
	limit  uint64 // keys above are not wanted
	keys   []uint64
	spare  []uint64
	sorter sorter
	words  [selectBlock]uint64
}

const (
	selectBlock = 8 // words of elements that are compared at a time
	selectSlack = 64
)

// Select returns the keys of the k foremost elements of x, in order: the greatest, NaN before all, or the
// smallest, NaN behind all. They are valid until the next call. k is 1 to len(x).
func (s *Selector) Select(x []float32, k int, lowest bool) []uint64 {
	s.wanted, s.lowest, s.limit = k, lowest, 1<<64-1
	room := k + max(k, selectSlack)
	s.keys = slices.Grow(s.keys[:0], room)
	n := min(len(x), room)
	for i, v := range x[:n] {
		s.keys = append(s.keys, s.key(v, i))
	}
	for n < len(x) {
		if len(s.keys) == room {
			s.narrow()
		}
		n = s.gather(x, n, room)
	}
	if len(s.keys) > k {
		s.narrow()
	}
	s.keys = s.sorter.sort(s.keys)
	return s.keys
}

func (s *Selector) key(v float32, i int) uint64 {
	if s.lowest {
		return smallest(v, i)
	}
	return greatest(v, i)
}

// narrow keeps the foremost of the keys, in the order of their positions.
func (s *Selector) narrow() {
	s.spare = append(s.spare[:0], s.keys...)
	s.limit = nth(s.spare, s.wanted-1)
	n := 0
	for _, k := range s.keys {
		s.keys[n] = k
		_, more := bits.Sub64(s.limit, k, 0)
		n += 1 - int(more)
	}
	s.keys = s.keys[:n]
}

// gather appends the keys of elements from position at on that may be wanted, and returns how far it came before the
// keys filled their room or x ended.
func (s *Selector) gather(x []float32, at, room int) int {
	bound, test := x[Index(s.limit)], active.above
	if s.lowest {
		test = active.below
	}
	for len(x)-at >= 64 {
		words := s.words[:min(selectBlock, (len(x)-at)/64)]
		test(words, x[at:at+64*len(words)], bound)
		for i, word := range words {
			for ; word != 0; word &= word - 1 {
				j := at + 64*i + bits.TrailingZeros64(word)
				if k := s.key(x[j], j); k < s.limit {
					s.keys = append(s.keys, k)
					if len(s.keys) == room {
						return j + 1
					}
				}
			}
		}
		at += 64 * len(words)
	}
	for ; at < len(x) && len(s.keys) < room; at++ {
		if k := s.key(x[at], at); k < s.limit {
			s.keys = append(s.keys, k)
		}
	}
	return at
}
