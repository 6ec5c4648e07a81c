package find

import "math/bits"

// NotZero appends the positions of the elements of x that are not zero to at, counted from first. words has one element
// for each 64 of x, and is written.
func NotZero[T float32 | uint8](at []int, words []uint64, x []T, first int) []int {
	n := len(x) / 64
	words = words[:n]
	switch x := any(x).(type) {
	case []float32:
		active.filled(words, x[:64*n])
	case []uint8:
		active.marked(words, x[:64*n])
	}
	for i, word := range words {
		if word == 1<<64-1 {
			for j := range 64 {
				at = append(at, first+64*i+j)
			}
			continue
		}
		for ; word != 0; word &= word - 1 {
			at = append(at, first+64*i+bits.TrailingZeros64(word))
		}
	}
	for j := 64 * n; j < len(x); j++ {
		if x[j] != 0 {
			at = append(at, first+j)
		}
	}
	return at
}
