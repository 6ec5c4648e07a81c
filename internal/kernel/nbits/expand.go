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

// expand sets dst[i] = (code i - zero) * scale.
func expand(dst []float32, codes []byte, bits int, zero, scale float32) {
	switch bits {
	case 8:
		for i, c := range codes[:len(dst)] {
			dst[i] = (float32(c) - zero) * scale
		}
	case 4:
		expand4(dst, codes, zero, scale)
	default:
		for i, c := range codes[:(len(dst)+3)/4] {
			q := &quarters[c]
			for j, v := range q[:min(4, len(dst)-4*i)] {
				dst[4*i+j] = (v - zero) * scale
			}
		}
	}
}

// expand4 is expand for codes of 4 bits.
func expand4(dst []float32, codes []byte, zero, scale float32) {
	for len(dst) >= 8 && len(codes) >= 4 {
		a, b, c, d := &halves[codes[0]], &halves[codes[1]], &halves[codes[2]], &halves[codes[3]]
		dst[0], dst[1] = (a[0]-zero)*scale, (a[1]-zero)*scale
		dst[2], dst[3] = (b[0]-zero)*scale, (b[1]-zero)*scale
		dst[4], dst[5] = (c[0]-zero)*scale, (c[1]-zero)*scale
		dst[6], dst[7] = (d[0]-zero)*scale, (d[1]-zero)*scale
		dst, codes = dst[8:], codes[4:]
	}
	for i := range dst {
		dst[i] = (halves[codes[i/2]][i%2] - zero) * scale
	}
}
