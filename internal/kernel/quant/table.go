package quant

// Table maps bytes to bytes, by their bits: entry 255 belongs to the uint8 255 or the int8 -1.
type Table [256]uint8

// Build makes t the table of a function of the numbers that bytes of type T stand for.
func Build[T Byte](t *Table, in, out Params, f func(x float32) float32) {
	r := newRounder[T](out.Zero)
	for i := range t {
		x := float32(int32(T(i))-in.Zero) * in.Scale
		t[i] = uint8(r.round(f(x) / out.Scale))
	}
}

// Requantize makes t the table that turns bytes of one meaning into bytes of another.
func Requantize[T Byte](t *Table, in, out Params) {
	if in == out {
		for i := range t {
			t[i] = uint8(i)
		}
		return
	}
	Build[T](t, in, out, func(x float32) float32 { return x })
}

// Lookup sets dst[i] to the entry of src[i].
func (t *Table) Lookup(dst, src []uint8) {
	for i, v := range src[:len(dst)] {
		dst[i] = t[v]
	}
}
