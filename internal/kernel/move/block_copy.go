package move

// copyStep is how much is copied at a time: from about 1 MB on Go's memmove writes past the caches, which costs
// whoever reads the result next.
const copyStep = 1 << 18

// Block copies src to dst, which is as long and must not overlap it.
func Block(dst, src []byte) {
	for len(src) > copyStep {
		copy(dst[:copyStep], src)
		dst, src = dst[copyStep:], src[copyStep:]
	}
	copy(dst, src)
}
