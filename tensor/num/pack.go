package num

// Unpack sets dst to the codes of elements of bits bits (2, 4 or 6), which are packed in src from the low
// bits up. src must hold len(dst) elements.
func Unpack(dst, src []byte, bits int) {
	switch bits {
	case 4:
		for i := range dst {
			dst[i] = src[i/2] >> (i % 2 * 4) & 15
		}
	case 2:
		for i := range dst {
			dst[i] = src[i/4] >> (i % 4 * 2) & 3
		}
	case 6:
		for i := range dst {
			at := 6 * i
			w := uint16(src[at/8])
			if at%8 > 2 {
				w |= uint16(src[at/8+1]) << 8
			}
			dst[i] = byte(w >> (at % 8) & 63)
		}
	}
}

// Pack packs the low bits of each code of src (2, 4 or 6 of them) into dst, from the low bits up. dst must
// have room for len(src) elements; unused bits of its last byte become zero.
func Pack(dst, src []byte, bits int) {
	clear(dst[:(len(src)*bits+7)/8])
	mask := byte(1)<<bits - 1
	for i, v := range src {
		at := bits * i
		w := uint16(v&mask) << (at % 8)
		dst[at/8] |= byte(w)
		if w > 0xFF {
			dst[at/8+1] |= byte(w >> 8)
		}
	}
}

// UnpackSigned is Unpack for two's complement integers of 2 or 4 bits.
func UnpackSigned(dst []int8, src []byte, bits int) {
	per, shift := 8/bits, 8-bits
	for i := range dst {
		dst[i] = int8(src[i/per]<<(shift-i%per*bits)) >> shift
	}
}

// PackSigned is Pack for two's complement integers, of which the low bits are kept.
func PackSigned(dst []byte, src []int8, bits int) {
	clear(dst[:(len(src)*bits+7)/8])
	mask := byte(1)<<bits - 1
	for i, v := range src {
		at := bits * i
		dst[at/8] |= byte(v) & mask << (at % 8)
	}
}
