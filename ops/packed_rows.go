package ops

// copyPacked copies n elements of 2, 4 or 6 bits from element from of src to element at of dst, whose other elements stay.
func copyPacked(dst []byte, at int, src []byte, from, n, bits int) {
	for i := range n {
		putPacked(dst, (at+i)*bits, packedAt(src, (from+i)*bits, bits), bits)
	}
}

// packedAt returns the code of bits bits that begins at a bit of src.
func packedAt(src []byte, bit, bits int) uint16 {
	v := uint16(src[bit/8])
	if bit%8+bits > 8 {
		v |= uint16(src[bit/8+1]) << 8
	}
	return v >> (bit % 8) & (1<<bits - 1)
}

// putPacked writes a code of bits bits from a bit of dst on.
func putPacked(dst []byte, bit int, code uint16, bits int) {
	shift := bit % 8
	mask := uint16(1<<bits-1) << shift
	dst[bit/8] = dst[bit/8]&^byte(mask) | byte(code<<shift)
	if shift+bits > 8 {
		dst[bit/8+1] = dst[bit/8+1]&^byte(mask>>8) | byte(code<<shift>>8)
	}
}
