package nbits

// halves[b] are the two codes of 4 bits in byte b, low bits first.
var halves = func() (t [256][2]float32) {
	for b := range t {
		t[b] = [2]float32{float32(b & 15), float32(b >> 4)}
	}
	return t
}()

// quarters[b] are the four codes of 2 bits in byte b.
var quarters = func() (t [256][4]float32) {
	for b := range t {
		t[b] = [4]float32{float32(b & 3), float32(b >> 2 & 3), float32(b >> 4 & 3), float32(b >> 6)}
	}
	return t
}()

// expandBlocks sets dst to (code - zero) * scale, for blocks of size codes with a scale and a zero point each. size is a
// multiple of 16, or there is one block.
func expandBlocks(dst []float32, codes []byte, bits, size int, scales, zeros []float32) {
	if len(dst) == 0 {
		return
	}
	f := active.expand4
	if bits == 8 {
		f = active.expand8
	}
	if f == nil || bits == 2 {
		for b := range (len(dst) + size - 1) / size {
			at := b * size
			expand(dst[at:min(at+size, len(dst))], codes[at*bits/8:], bits, zeros[b], scales[b])
		}
		return
	}
	whole := 0
	if size%16 == 0 {
		whole = len(dst) / size
	}
	callExpand(f, dst, codes, bits, scales, zeros, whole, size)
	at := whole * size
	if rest := (len(dst) - at) &^ 15; rest > 0 {
		callExpand(f, dst[at:], codes[at*bits/8:], bits, scales[whole:], zeros[whole:], 1, rest)
		at += rest
	}
	if at < len(dst) {
		expand(dst[at:], codes[at*bits/8:], bits, zeros[whole], scales[whole])
	}
}

// callExpand expands whole blocks.
func callExpand(f expandFunc, dst []float32, codes []byte, bits int, scales, zeros []float32, blocks, size int) {
	if blocks == 0 {
		return
	}
	_, _, _, _ = dst[blocks*size-1], codes[blocks*size*bits/8-1], scales[blocks-1], zeros[blocks-1] // the assembly checks nothing
	f(&dst[0], &codes[0], &scales[0], &zeros[0], blocks, size/16)
}

// expand sets dst[i] = (code i - zero) * scale.
func expand(dst []float32, codes []byte, bits int, zero, scale float32) {
	switch bits {
	case 8:
		for i, c := range codes[:len(dst)] {
			dst[i] = (float32(c) - zero) * scale
		}
	case 4:
		for len(dst) > 1 && len(codes) > 0 {
			h := &halves[codes[0]]
			dst[0], dst[1] = (h[0]-zero)*scale, (h[1]-zero)*scale
			dst, codes = dst[2:], codes[1:]
		}
		if len(dst) > 0 {
			dst[0] = (halves[codes[0]][0] - zero) * scale
		}
	default:
		for i := range dst {
			dst[i] = (quarters[codes[i/4]][i%4] - zero) * scale
		}
	}
}
