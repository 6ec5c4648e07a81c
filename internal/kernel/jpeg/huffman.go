package jpeg

// lookBits is how many bits of the stream the first table looks at; longer codes are searched by length.
const lookBits = 9

// A huffman is a decoding table made from a DHT segment.
type huffman struct {
	look   [1 << lookBits]uint16 // length<<8 | symbol; 0 where the code is longer
	max    [17]int32             // greatest code of each length, -1 if there is none
	offset [17]int32             // index of a length's first symbol less its first code
	values []byte
}

// newHuffman builds a table from the number of codes of lengths 1 to 16 and their symbols. It reports whether
// the lengths describe a prefix code.
func newHuffman(counts []byte, values []byte) (*huffman, bool) {
	h := &huffman{values: values}
	code, at := int32(0), int32(0)
	for n := 1; n <= 16; n++ {
		h.max[n] = -1
		h.offset[n] = at - code
		for range counts[n-1] {
			if code >= 1<<n {
				return nil, false
			}
			if n <= lookBits {
				first := code << (lookBits - n)
				for i := range int32(1) << (lookBits - n) {
					h.look[first+i] = uint16(n)<<8 | uint16(values[at])
				}
			}
			h.max[n] = code
			code++
			at++
		}
		code <<= 1
	}
	return h, true
}

// A bitReader reads the entropy-coded bytes of a scan up to the next marker, after which it yields zeros.
type bitReader struct {
	data []byte
	pos  int
	acc  uint64
	n    uint // bits in acc that are not read yet
	fed  uint // of these, zeros that stand for missing data, in bits
}

// fill makes at least 57 bits available.
func (r *bitReader) fill() {
	for r.n <= 56 {
		b := byte(0)
		switch {
		case r.pos >= len(r.data) || r.data[r.pos] == 0xff && (r.pos+1 >= len(r.data) || r.data[r.pos+1] != 0):
			r.fed += 8
		case r.data[r.pos] == 0xff:
			b = 0xff
			r.pos += 2
		default:
			b = r.data[r.pos]
			r.pos++
		}
		r.acc = r.acc<<8 | uint64(b)
		r.n += 8
	}
}

// short reports whether more was read than was there.
func (r *bitReader) short() bool { return r.n < r.fed }

// need makes n bits available, n at most 57.
func (r *bitReader) need(n uint) {
	if r.n < n {
		r.fill()
	}
}

// bits reads n bits, 0 to 16, that need made available.
func (r *bitReader) bits(n uint) int32 {
	r.n -= n
	return int32(r.acc>>r.n) & (1<<n - 1)
}

// bit reads one bit.
func (r *bitReader) bit() int32 {
	r.need(1)
	return r.bits(1)
}

// extend reads a signed number of n bits: T.81, F.2.2.1.
func (r *bitReader) extend(n uint) int32 {
	if n == 0 {
		return 0
	}
	v := r.bits(n)
	if v < 1<<(n-1) {
		v += -1<<n + 1
	}
	return v
}

// symbol reads a Huffman code and leaves at least 16 bits for what follows it. It reports whether there is
// such a code.
func (r *bitReader) symbol(h *huffman) (byte, bool) {
	r.need(32)
	if e := h.look[r.acc>>(r.n-lookBits)&(1<<lookBits-1)]; e != 0 {
		r.n -= uint(e >> 8)
		return byte(e), true
	}
	for n := uint(lookBits + 1); n <= 16; n++ {
		code := int32(r.acc>>(r.n-n)) & (1<<n - 1)
		if code <= h.max[n] {
			r.n -= n
			return h.values[h.offset[n]+code], true
		}
	}
	return 0, false
}
