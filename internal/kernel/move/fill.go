package move

// Fill repeats the bytes of pattern over dst, whose length is a multiple of the pattern's.
func Fill(dst, pattern []byte) {
	if len(dst) == 0 || len(pattern) == 0 {
		return
	}
	if zero(pattern) {
		clear(dst)
		return
	}
	n := copy(dst, pattern)
	for head := n; n < len(dst); {
		n += copy(dst[n:], dst[:head])
		if head < fillHead {
			head = n
		}
	}
}

// fillHead is how many bytes double before the rest is copies of them, read from the nearest cache.
const fillHead = 1 << 12

func zero(b []byte) bool {
	for _, v := range b {
		if v != 0 {
			return false
		}
	}
	return true
}

// Reverse reverses the middle axis of src, seen as [outer, n, inner] with elements of width bytes. dst
// must not overlap src.
func Reverse(dst, src []byte, outer, n, inner, width, threads int) {
	dims := [3]int{outer, n, inner}
	ds := [3]int{n * inner, inner, 1}
	ss := [3]int{n * inner, -inner, 1}
	Strided(dst, src, Copy{Dims: dims[:], DstStride: ds[:], SrcStride: ss[:], SrcOff: (n - 1) * inner, Width: width}, threads)
}
