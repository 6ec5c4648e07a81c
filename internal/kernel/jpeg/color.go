package jpeg

// hasChroma decides, by the rules of libjpeg, whether the components are luma and chroma or colours as such.
func (f *Frame) hasChroma() bool {
	switch len(f.comps) {
	case 3:
		if f.jfif {
			return true
		}
		if f.adobe {
			return f.transform != 0
		}
		return f.comps[0].id != 'R' || f.comps[1].id != 'G' || f.comps[2].id != 'B'
	case 4:
		return f.adobe && f.transform != 0
	}
	return false
}

// Row writes row y, 0 to Height-1, to dst: Width pixels of one sample (Gray), three (RGB) or four (CMYK).
// Decode must have succeeded. Rows may be asked for in any order, by one goroutine.
func (f *Frame) Row(y int, dst []byte) {
	n := len(f.comps)
	var in [4][]byte
	for i, u := range f.up {
		in[i] = u.line(y)[:f.Width]
	}
	if !f.ycc {
		for i := range n {
			for x, v := range in[i] {
				dst[x*n+i] = v
			}
		}
		return
	}
	for x, v := range in[0] {
		r, g, b := rgb(int32(v), int32(in[1][x])-128, int32(in[2][x])-128)
		p := dst[x*n : x*n+n]
		if n == 4 { // luma and chroma of the inverted inks
			p[0], p[1], p[2], p[3] = 255-r, 255-g, 255-b, in[3][x]
			continue
		}
		p[0], p[1], p[2] = r, g, b
	}
}

// rgb converts with 16 fraction bits, each product rounded as libjpeg's tables are.
func rgb(y, cb, cr int32) (r, g, b byte) {
	const half = 1 << 15
	return clamp(y + (91881*cr+half)>>16),
		clamp(y + (-22554*cb-46802*cr+half)>>16),
		clamp(y + (116130*cb+half)>>16)
}
