package pool

import (
	"math"

	"github.com/onnxrun/onnxrun/internal/kernel/window"
)

// Number is the element type of the generic loops.
type Number interface {
	~int8 | ~uint8 | ~int16 | ~uint16 | ~int32 | ~int64 | ~float32 | ~float64
}

// cursor walks over the outputs of a plane and, for each of them, over the input elements of its window.
type cursor struct {
	g       *Geom
	out     [window.MaxRank]int
	lo, hi  [window.MaxRank]int
	tap     [window.MaxRank]int
	strides [window.MaxRank]int
	outer   int // axes before the last one
	last    window.Axis
}

func newCursor(g *Geom) *cursor {
	c := &cursor{g: g, outer: g.Rank - 1, last: g.Axes[g.Rank-1]}
	n := 1
	for i := g.Rank - 1; i >= 0; i-- {
		c.strides[i] = n
		n *= g.Axes[i].In
	}
	return c
}

// start positions the cursor on the window of the current output; it reports whether the window reads any element.
func (c *cursor) start() bool {
	for i, a := range c.g.Axes[:c.g.Rank] {
		c.lo[i], c.hi[i] = a.Taps(c.out[i])
		if c.lo[i] >= c.hi[i] {
			return false
		}
		c.tap[i] = c.lo[i]
	}
	return true
}

// row returns where the current run of elements along the last axis begins; it has n elements, step apart.
func (c *cursor) row() (pos, n, step int) {
	for i, a := range c.g.Axes[:c.g.Rank] {
		pos += (c.out[i]*a.Stride + c.tap[i]*a.Dilation - a.Lo) * c.strides[i]
	}
	return pos, c.hi[c.outer] - c.lo[c.outer], c.last.Dilation
}

// next moves to the next run of the window.
func (c *cursor) next() bool { return advance(c.tap[:c.outer], c.lo[:c.outer], c.hi[:c.outer]) }

// advance counts i up in row-major order within [lo, hi); it reports false when it wraps around.
func advance(i, lo, hi []int) bool {
	for j := len(i) - 1; j >= 0; j-- {
		if i[j]++; i[j] < hi[j] {
			return true
		}
		i[j] = lo[j]
	}
	return false
}

// step moves to the next output.
func (c *cursor) step() {
	for j := c.g.Rank - 1; j >= 0; j-- {
		if c.out[j]++; c.out[j] < c.g.Axes[j].Out {
			return
		}
		c.out[j] = 0
	}
}

// Max writes the maximum of each window to y and, when index is not nil, its position in x to index. With columnMajor,
// positions count the spatial axes with the first one fastest. NaN is passed over, but for one at the head of a window
// when its index is wanted: so do other runtimes. Windows without elements give low and -1.
func Max[T Number](g *Geom, x, y []T, index []int64, columnMajor bool, low T) {
	c := newCursor(g)
	in, out := g.InSize(), g.OutSize()
	for p := range g.Planes {
		plane := x[p*in:][:in]
		for o := range out {
			best, at := low, -1
			for ok := c.start(); ok; ok = c.next() {
				pos, n, step := c.row()
				for range n {
					if v := plane[pos]; v > best || at < 0 && (index != nil || v == v) {
						best, at = v, pos
					}
					pos += step
				}
			}
			y[p*out+o] = best
			if index != nil {
				index[p*out+o] = position(c, p*in, at, columnMajor)
			}
			c.step()
		}
	}
}

// position turns the row-major position at of a plane into the index that ONNX wants.
func position(c *cursor, base, at int, columnMajor bool) int64 {
	if at < 0 {
		return -1
	}
	if !columnMajor {
		return int64(base + at)
	}
	pos, stride := 0, 1
	for i, a := range c.g.Axes[:c.g.Rank] {
		pos += at / c.strides[i] % a.In * stride
		stride *= a.In
	}
	return int64(base + pos)
}

// Average writes the mean of each window to y, sums being made in float64.
func Average[T ~float32 | ~float64](g *Geom, x, y []T, includePad bool) {
	c := newCursor(g)
	in, out := g.InSize(), g.OutSize()
	for p := range g.Planes {
		plane := x[p*in:][:in]
		for o := range out {
			sum, count := 0.0, 1
			for ok := c.start(); ok; ok = c.next() {
				pos, n, step := c.row()
				for range n {
					sum += float64(plane[pos])
					pos += step
				}
			}
			for i, a := range g.Axes[:g.Rank] {
				count *= divisor(a, c.out[i], includePad)
			}
			y[p*out+o] = T(sum / float64(max(count, 1)))
			c.step()
		}
	}
}

// Lp writes the norm of order order of each window to y.
func Lp[T ~float32 | ~float64](g *Geom, x, y []T, order float64) {
	c := newCursor(g)
	in, out := g.InSize(), g.OutSize()
	for p := range g.Planes {
		plane := x[p*in:][:in]
		for o := range out {
			sum := 0.0
			for ok := c.start(); ok; ok = c.next() {
				pos, n, step := c.row()
				for range n {
					sum += power(float64(plane[pos]), order)
					pos += step
				}
			}
			y[p*out+o] = T(root(sum, order))
			c.step()
		}
	}
}

func power(x, order float64) float64 {
	switch order {
	case 1:
		return math.Abs(x)
	case 2:
		return x * x
	}
	return math.Pow(math.Abs(x), order)
}

func root(x, order float64) float64 {
	switch order {
	case 1:
		return x
	case 2:
		return math.Sqrt(x)
	}
	return math.Pow(x, 1/order)
}
