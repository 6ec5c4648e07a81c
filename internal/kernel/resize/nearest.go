package resize

import "math"

var inf = float32(math.Inf(1))

// Nearest copies elements of any type: element (o0, o1, ...) of dst is element (index[0][o0], index[1][o1], ...) of src, whose
// shape is in.
func Nearest[T any](dst, src []T, in []int, index [][]int) {
	tail := len(in) // axes from here on stay as they are
	for tail > 0 && identity(in[tail-1], index[tail-1]) {
		tail--
	}
	block := 1
	for _, d := range in[tail:] {
		block *= d
	}
	if len(dst) > 0 {
		nearest(dst, 0, src, in[:tail], index[:tail], block)
	}
}

func identity(n int, index []int) bool {
	if n != len(index) {
		return false
	}
	for i, v := range index {
		if i != v {
			return false
		}
	}
	return true
}

// nearest fills dst from pos on with blocks of src and returns the position behind them.
func nearest[T any](dst []T, pos int, src []T, in []int, index [][]int, block int) int {
	if len(in) == 0 {
		copy(dst[pos:], src[:block])
		return pos + block
	}
	if len(in) == 1 && block == 1 {
		row := dst[pos:][:len(index[0])]
		for o, i := range index[0] {
			row[o] = src[i]
		}
		return pos + len(row)
	}
	size := block
	for _, d := range in[1:] {
		size *= d
	}
	last, from := -1, pos
	for _, i := range index[0] {
		at := pos
		if i == last { // the same slice once more
			pos += copy(dst[pos:], dst[from:pos])
		} else {
			pos = nearest(dst, pos, src[i*size:], in[1:], index[1:], block)
		}
		last, from = i, at
	}
	return pos
}
