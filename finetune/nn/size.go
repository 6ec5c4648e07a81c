package nn

import "slices"

// Size is one number for each spatial axis. A single number counts for all of them, and none stands for the default.
type Size []int

// spatial returns the number of spatial axes of an input [batch, channels, axes...], and the number of channels.
func (b *Builder) spatial(x *Value) (axes, channels int, ok bool) {
	if !b.ranked(x, 3, 5) {
		return 0, 0, false
	}
	channels, ok = b.sized(x, 1)
	return x.Rank() - 2, channels, ok
}

// axes returns s with one number for each of n axes, each at least low.
func (b *Builder) axes(what string, s Size, n, def, low int) []int {
	switch len(s) {
	case 0:
		s = slices.Repeat(Size{def}, n)
	case 1:
		s = slices.Repeat(s, n)
	case n:
	default:
		b.fail("%s is %v, want one number or %d", what, []int(s), n)
		return nil
	}
	for _, v := range s {
		if v < low {
			b.fail("%s is %v, want numbers of at least %d", what, []int(s), low)
			return nil
		}
	}
	return s
}

// pads returns the padding at the begin of all axes, and then at their ends. A Size of twice the number of axes is just that.
func (b *Builder) pads(s Size, n int) []int {
	if len(s) == 2*n && n > 0 {
		return b.axes("Padding", s, 2*n, 0, 0)
	}
	one := b.axes("Padding", s, n, 0, 0)
	return append(slices.Clone(one), one...)
}

// product multiplies the numbers of a kernel.
func product(s []int) int {
	p := 1
	for _, v := range s {
		p *= v
	}
	return p
}
