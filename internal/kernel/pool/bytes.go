package pool

import "github.com/onnxrun/onnxrun/internal/kernel/window"

// MaxInner is Max for tensors [Planes, spatial axes, inner]: windows slide over the axes in the middle.
func MaxInner[T int8 | uint8](g *Geom, inner int, x, y []T, low T) {
	c := newCursor(g)
	in, out := g.InSize()*inner, g.OutSize()
	for p := range g.Planes {
		plane := x[p*in:][:in]
		for range out {
			best := y[:inner]
			for i := range best {
				best[i] = low
			}
			for ok := c.start(); ok; ok = c.next() {
				pos, n, step := c.row()
				for range n {
					for i, v := range plane[pos*inner:][:inner] {
						best[i] = max(best[i], v)
					}
					pos += step
				}
			}
			y = y[inner:]
			c.step()
		}
	}
}

// SumInner writes the sums of each window of a tensor [Planes, spatial axes, inner], each element less zero, to sums and
// passes them to done, with the number of elements that they are the sums of, padding among them if includePad is set.
func SumInner[T int8 | uint8](g *Geom, inner int, x []T, zero int32, includePad bool, sums []int32, done func(count int)) {
	c := newCursor(g)
	in, out := g.InSize()*inner, g.OutSize()
	for p := range g.Planes {
		plane := x[p*in:][:in]
		for range out {
			clear(sums)
			for ok := c.start(); ok; ok = c.next() {
				pos, n, step := c.row()
				for range n {
					for i, v := range plane[pos*inner:][:inner] {
						sums[i] += int32(v) - zero
					}
					pos += step
				}
			}
			done(count(g.Axes[:g.Rank], &c.out, includePad))
			c.step()
		}
	}
}

// count returns how many elements output o is averaged over, at least 1.
func count(axes []window.Axis, o *[window.MaxRank]int, includePad bool) int {
	n := 1
	for i, a := range axes {
		n *= divisor(a, o[i], includePad)
	}
	return max(n, 1)
}
