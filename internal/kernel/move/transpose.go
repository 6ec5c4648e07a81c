package move

// Transpose permutes the axes of src, a contiguous tensor of the given shape with elements of width
// bytes: axis i of dst is axis perm[i] of src. dst must not overlap src.
func Transpose(dst, src []byte, shape, perm []int, width, threads int) {
	var buf [3 * maxFixed]int
	ints := buf[:]
	if r := len(shape); 3*r > len(ints) {
		ints = make([]int, 3*r)
	}
	r := len(shape)
	dims, ds, ss := ints[:r], ints[r:2*r], ints[2*r:3*r]
	permuted(dims, ds, ss, shape, perm)
	Strided(dst, src, Copy{Dims: dims, DstStride: ds, SrcStride: ss, Width: width}, threads)
}

// permuted fills the extents and the strides of both sides of a transpose, in the order of dst.
func permuted(dims, ds, ss, shape, perm []int) {
	step := 1
	for i := len(perm) - 1; i >= 0; i-- {
		dims[i] = shape[perm[i]]
		ds[i] = step
		step *= dims[i]
	}
	for i, p := range perm {
		ss[i] = 1
		for _, n := range shape[p+1:] {
			ss[i] *= n
		}
	}
}

// TransposeOf is Transpose for elements that are Go values.
func TransposeOf[T any](dst, src []T, shape, perm []int) {
	ints := make([]int, 3*len(shape))
	r := len(shape)
	dims, ds, ss := ints[:r], ints[r:2*r], ints[2*r:]
	permuted(dims, ds, ss, shape, perm)
	StridedOf(dst, src, Copy{Dims: dims, DstStride: ds, SrcStride: ss})
}

// StridedOf is Strided for elements that are Go values; Width is not used.
func StridedOf[T any](dst, src []T, c Copy) {
	c.Width = 1
	var b box
	if !b.build(&c) {
		return
	}
	b.check(len(dst), len(src))
	walk(b.dims(), b.dstOff, b.srcOff, func(d, s int) { dst[d] = src[s] })
}

// walk calls f with the offsets of every index of dims.
func walk(dims []dim, d, s int, f func(d, s int)) {
	if len(dims) == 0 {
		f(d, s)
		return
	}
	for range dims[0].n {
		walk(dims[1:], d, s, f)
		d += dims[0].dst
		s += dims[0].src
	}
}
