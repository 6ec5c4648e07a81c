package jpeg

// An upsampler stretches the rows of a component to the size of the picture, as libjpeg does by default: a triangle
// filter where a direction is halved, repetition for other factors and for planes too narrow for the filter.
// Roundings alternate, so that halves lean to neither side.
type upsampler struct {
	c      *component
	fx, fy int
	filter bool
	sums   []int32 // one row, filtered in the vertical direction
	row    []byte
	at     int // number of the row in row
}

// newUpsampler prepares for rows of the given width; fx and fy are the factors.
func newUpsampler(c *component, fx, fy, width int) *upsampler {
	u := &upsampler{c: c, fx: fx, fy: fy, at: -1}
	switch {
	case fx == 1 && fy == 1:
		return u
	case fx == 1 && fy == 2:
		u.filter = true
	case fx == 2 && fy <= 2:
		u.filter = c.width > 2
	}
	u.row = make([]byte, max(width, c.width*fx))
	u.sums = make([]int32, c.width)
	return u
}

// line returns row y of the picture, which stays valid until the next call.
func (u *upsampler) line(y int) []byte {
	stride := u.c.blocks * 8
	in := func(r int) []byte { return u.c.plane[r*stride : r*stride+u.c.width] }
	if u.row == nil {
		return in(y)
	}
	if !u.filter {
		if r := y / u.fy; r != u.at {
			for x := range u.row[:u.c.width*u.fx] {
				u.row[x] = in(r)[x/u.fx]
			}
			u.at = r
		}
		return u.row
	}
	if u.fy == 1 {
		u.wide(in(y))
		return u.row
	}
	r, bias := y/2, int32(1)
	other := max(0, r-1)
	if y%2 == 1 {
		other, bias = min(u.c.height-1, r+1), 2
	}
	near, far := in(r), in(other)
	for x, v := range near {
		u.sums[x] = 3*int32(v) + int32(far[x])
	}
	if u.fx == 2 {
		u.wideSums()
		return u.row
	}
	for x, v := range u.sums {
		u.row[x] = byte((v + bias) >> 2)
	}
	return u.row
}

// wide doubles a row of samples.
func (u *upsampler) wide(in []byte) {
	last := len(in) - 1
	for x, v := range in {
		left, right := in[max(0, x-1)], in[min(last, x+1)]
		u.row[2*x] = byte((3*int32(v) + int32(left) + 1) >> 2)
		u.row[2*x+1] = byte((3*int32(v) + int32(right) + 2) >> 2)
	}
}

// wideSums doubles a row of vertical sums, which are four times the samples.
func (u *upsampler) wideSums() {
	last := len(u.sums) - 1
	for x, v := range u.sums {
		left, right := u.sums[max(0, x-1)], u.sums[min(last, x+1)]
		u.row[2*x] = byte((3*v + left + 8) >> 4)
		u.row[2*x+1] = byte((3*v + right + 7) >> 4)
	}
}
