package find

import (
	"math"
	"math/bits"
	"slices"
)

// A key stands for an element of a list: 32 bits in the order of the values, the foremost lowest, above its
// position. So of equal values the first comes first.

// greatest returns the key of an element where the greatest comes first, NaN before all.
func greatest(v float32, i int) uint64 { return uint64(^rising(v))<<32 | uint64(uint32(i)) }

// smallest returns the key of an element where the smallest comes first, NaN behind all.
func smallest(v float32, i int) uint64 { return uint64(rising(v))<<32 | uint64(uint32(i)) }

// rising maps a number to one whose order among integers is that of the numbers.
func rising(v float32) uint32 {
	if v != v {
		return math.MaxUint32
	}
	b := math.Float32bits(v + 0) // no negative zero
	return b ^ (uint32(int32(b)>>31) | 1<<31)
}

// Index returns the position that a key stands for.
func Index(key uint64) int { return int(uint32(key)) }

// A sorter sorts keys by the digits of their upper halves. Its slices are as long as the longest list was.
type sorter struct {
	spare  []uint64
	digits [4][256]int32
}

// fewestSorted is the number of keys from which digits are worth their counters.
const fewestSorted = 64

// sort returns the keys in rising order, in the given slice or in another. Keys of equal upper halves must
// be in order already, as they are when positions rise.
func (s *sorter) sort(keys []uint64) []uint64 {
	n := len(keys)
	if n < fewestSorted {
		slices.Sort(keys)
		return keys
	}
	clear(s.digits[:])
	for _, k := range keys {
		s.digits[0][uint8(k>>32)]++
		s.digits[1][uint8(k>>40)]++
		s.digits[2][uint8(k>>48)]++
		s.digits[3][uint8(k>>56)]++
	}
	s.spare = slices.Grow(s.spare[:0], n)[:n]
	for pass := range s.digits {
		count, shift := &s.digits[pass], 32+8*pass
		if count[uint8(keys[0]>>shift)] == int32(n) {
			continue // the same everywhere
		}
		before := int32(0)
		for d, c := range count {
			count[d] = before
			before += c
		}
		spare := s.spare
		for _, k := range keys {
			to := &count[uint8(k>>shift)]
			spare[*to] = k
			*to++
		}
		keys, s.spare = spare, keys
	}
	return keys
}

// nth returns the key that would stand at position k if keys were sorted, and disorders them.
func nth(keys []uint64, k int) uint64 {
	for rounds := 2 * bits.Len(uint(len(keys))); len(keys) > 8; rounds-- {
		if rounds == 0 {
			break // a list made to be hard
		}
		last := len(keys) - 1
		m := middle(keys)
		pivot := keys[m]
		keys[m], keys[last] = keys[last], pivot
		at := 0
		for j, v := range keys[:last] {
			keys[j] = keys[at]
			keys[at] = v
			_, less := bits.Sub64(v, pivot, 0)
			at += int(less)
		}
		switch {
		case at == k:
			return pivot
		case at > k:
			keys = keys[:at]
		default:
			keys, k = keys[at:last], k-at-1
		}
	}
	slices.Sort(keys)
	return keys[k]
}

// middle returns the position of the second of three keys.
func middle(keys []uint64) int {
	a, b, c := len(keys)/4, len(keys)/2, len(keys)*3/4
	if keys[a] > keys[b] {
		a, b = b, a
	}
	switch {
	case keys[c] > keys[b]:
		return b
	case keys[c] > keys[a]:
		return c
	}
	return a
}
