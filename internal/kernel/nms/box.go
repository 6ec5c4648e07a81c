package nms

import "math"

// A box has two corners, the lower first, and an area. bound is a little less than the greatest share of the
// union with another that their intersection may have: what a kernel finds by it is divided and compared.
type box struct{ y0, x0, y1, x1, area, bound float32 }

// box returns a box of an image.
func (a *Args) box(image, i int) (b box) {
	v := (*[4]float32)(a.Boxes[4*(image*a.Count+i):])
	if a.Centered {
		b.x0, b.x1 = v[0]-v[2]/2, v[0]+v[2]/2
		b.y0, b.y1 = v[1]-v[3]/2, v[1]+v[3]/2
	} else {
		b.y0, b.x0, b.y1, b.x1 = v[0], v[1], v[2], v[3]
		if b.y0 > b.y1 {
			b.y0, b.y1 = b.y1, b.y0
		}
		if b.x0 > b.x1 {
			b.x0, b.x1 = b.x1, b.x0
		}
	}
	b.area = float32((b.x1 - b.x0) * (b.y1 - b.y0))
	return b
}

// solid reports whether a box can overlap another at all: one without area cannot, nor, since the share is
// then 0 or NaN, one whose area is infinite or NaN, nor one whose sides are negative.
func (b *box) solid() bool { return b.area > 0 && b.area <= math.MaxFloat32 && b.x1 > b.x0 }

// leastArea and leastOverlap bound what prunes: below, subnormal numbers and their rounding get in the way.
const (
	leastArea    = 0x1p-100
	leastOverlap = 1. / 16
)

// limit sets the bound for an overlap.
func (b *box) limit(overlap float32) {
	b.bound = 0
	if b.area >= leastArea && overlap >= leastOverlap {
		b.bound = overlap * (1 - 0x1p-20)
	}
}

// middle returns the centre and the size along an axis, 0 being y.
func (b *box) middle(axis int) (centre, size float64) {
	lo, hi := float64(b.y0), float64(b.y1)
	if axis == 1 {
		lo, hi = float64(b.x0), float64(b.x1)
	}
	return (lo + hi) / 2, hi - lo
}
