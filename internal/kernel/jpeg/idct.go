package jpeg

// The inverse transform is that of Loeffler, Ligtenberg and Moschytz (ICASSP 1989) in 13-bit fixed point, with two
// more fraction bits between the columns and the rows. Steps and roundings are those of libjpeg's accurate
// integer method, so results are equal to the last bit.
const (
	fixBits  = 13 // fraction bits of the constants
	passBits = 2  // fraction bits between the two passes

	fix0298 = 2446  // sqrt(2)(-c1+c3+c5-c7)
	fix0390 = 3196  // sqrt(2)(c5-c3), negated
	fix0541 = 4433  // sqrt(2) c6
	fix0765 = 6270  // sqrt(2)(c2-c6)
	fix0899 = 7373  // sqrt(2)(c7-c3), negated
	fix1175 = 9633  // sqrt(2) c3
	fix1501 = 12299 // sqrt(2)(c1+c3-c5-c7)
	fix1847 = 15137 // sqrt(2)(-c2-c6), negated
	fix1961 = 16069 // sqrt(2)(-c3-c5), negated
	fix2053 = 16819 // sqrt(2)(c1+c3-c5+c7)
	fix2562 = 20995 // sqrt(2)(-c1-c3), negated
	fix3072 = 25172 // sqrt(2)(c1+c3+c5-c7)
)

// put transforms the dequantised coefficients of a block and stores its samples.
func (c *component) put(b *[64]int32, bx, by int) {
	for i := range 8 {
		transform(b, i, 8, fixBits-passBits)
	}
	stride := c.blocks * 8
	out := c.plane[by*8*stride+bx*8:]
	for y := range 8 {
		transform(b, y*8, 1, fixBits+passBits+3)
		row := out[y*stride : y*stride+8]
		for x := range row {
			row[x] = clamp(b[y*8+x] + 128)
		}
	}
}

// transform does one line of eight values that stand step apart, and divides by 2^shift.
func transform(b *[64]int32, at, step int, shift uint) {
	v := func(i int) int32 { return b[(at+i*step)&63] }
	half := int32(1) << (shift - 1)
	if v(1)|v(2)|v(3)|v(4)|v(5)|v(6)|v(7) == 0 {
		dc := (v(0)<<fixBits + half) >> shift
		for i := range 8 {
			b[(at+i*step)&63] = dc
		}
		return
	}
	z := (v(2) + v(6)) * fix0541
	e2, e3 := z-v(6)*fix1847, z+v(2)*fix0765
	e0, e1 := (v(0)+v(4))<<fixBits, (v(0)-v(4))<<fixBits
	even := [4]int32{e0 + e3, e1 + e2, e1 - e2, e0 - e3}

	z1, z2, z3, z4 := v(7)+v(1), v(5)+v(3), v(7)+v(3), v(5)+v(1)
	z5 := (z3 + z4) * fix1175
	z1, z2 = -z1*fix0899, -z2*fix2562
	z3, z4 = z5-z3*fix1961, z5-z4*fix0390
	odd := [4]int32{v(1)*fix1501 + z1 + z4, v(3)*fix3072 + z2 + z3, v(5)*fix2053 + z2 + z4, v(7)*fix0298 + z1 + z3}
	for i := range 4 {
		b[(at+i*step)&63] = (even[i] + odd[i] + half) >> shift
		b[(at+(7-i)*step)&63] = (even[i] - odd[i] + half) >> shift
	}
}

func clamp(v int32) byte { return byte(max(0, min(255, v))) }
