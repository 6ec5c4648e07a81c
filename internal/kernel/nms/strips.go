package nms

import (
	"math"
	"slices"

	"github.com/onnxrun/onnxrun/internal/kernel/find"
)

// A strips holds boxes in strips by their centre along one axis, so that few are compared with a new one.
//
// Two boxes a and b whose intersection exceeds a share t of their union intersect along each axis by more than
// t*max(a, b), a and b being their sizes along it. So their centres are nearer than (a+b)/2 - t*max(a, b), which is at most
// max(1-t, 1/(2*t)-1/2) times a, since b lies between a*t and a/t: how far to look for a's partners depends on a
// alone.
type strips struct {
	axis          int
	origin, scale float64 // of the axis, in strips
	reach         float64 // how far partners' centres are, in sizes
	last          int     // the last strip

	first, count []int32 // where each strip's boxes begin, and how many they are
	columns      []float32
	stride       int
}

// Below these numbers of candidates and of boxes wanted, one strip is as good as many.
const (
	fewCandidates = 192
	fewWanted     = 384
)

// reset makes room for the candidates, given by their keys, of which at most most will be put.
func (s *strips) reset(a *Args, image int, keys []uint64, most int) {
	s.last, s.scale, s.reach = 0, 0, 0
	s.stride = min(most, len(keys))
	if a.Overlap >= leastOverlap && len(keys) >= fewCandidates && most >= fewWanted {
		s.stride = len(keys)
		s.survey(a, image, keys)
	}
	n := s.last + 1
	s.first, s.count = slices.Grow(s.first[:0], n)[:n], slices.Grow(s.count[:0], n)[:n]
	clear(s.first)
	if s.last > 0 {
		s.divide(a, image, keys)
	}
	clear(s.count)
	n = 5*s.stride + slack
	s.columns = slices.Grow(s.columns[:0], n)[:n]
}

// survey chooses axis and width of the strips: half the boxes' mean size, along the axis that has more of these.
func (s *strips) survey(a *Args, image int, keys []uint64) {
	inf := math.Inf(1)
	low, high, sum, n := [2]float64{inf, inf}, [2]float64{-inf, -inf}, [2]float64{}, 0
	for _, k := range keys {
		b := a.box(image, find.Index(k))
		if !b.solid() {
			continue
		}
		n++
		for axis := range 2 {
			c, size := b.middle(axis)
			low[axis], high[axis], sum[axis] = min(low[axis], c), max(high[axis], c), sum[axis]+size
		}
	}
	best := 0.
	for axis := range 2 {
		if strips := (high[axis] - low[axis]) * float64(n) / sum[axis]; strips > best {
			s.axis, best = axis, strips
		}
	}
	if best = min(best, float64(len(keys)/4)); best < 2 {
		return
	}
	s.last = int(best) - 1
	s.origin, s.scale = low[s.axis], best/(high[s.axis]-low[s.axis])
	t := float64(a.Overlap) * (1 - 1e-5) // rounding is far below
	s.reach = max(1-t, 0.5/t-0.5)
}

// divide gives each strip room for all candidates whose centre it holds.
func (s *strips) divide(a *Args, image int, keys []uint64) {
	for _, k := range keys {
		if b := a.box(image, find.Index(k)); b.solid() {
			c, _ := b.middle(s.axis)
			s.first[s.strip(c)]++
		}
	}
	before := int32(0)
	for i, n := range s.first {
		s.first[i], before = before, before+n
	}
}

// strip returns the strip of a centre.
func (s *strips) strip(centre float64) int {
	v := (centre - s.origin) * s.scale
	switch {
	case !(v > 0):
		return 0
	case v >= float64(s.last):
		return s.last
	}
	return int(v)
}

// put adds a box.
func (s *strips) put(b *box) {
	i := 0
	if s.last > 0 {
		c, _ := b.middle(s.axis)
		i = s.strip(c)
	}
	at := int(s.first[i] + s.count[i])
	s.count[i]++
	for c, v := range [5]float32{b.y0, b.x0, b.y1, b.x1, b.area} {
		s.columns[c*s.stride+at] = v
	}
}

// overlaps reports whether the intersection of b with a box that was put has more than a share of their union.
func (s *strips) overlaps(b *box, share float32) bool {
	lo, hi := 0, s.last
	if s.last > 0 && b.area >= leastArea {
		c, size := b.middle(s.axis)
		lo, hi = s.strip(c-size*s.reach), s.strip(c+size*s.reach)
	}
	for i := lo; i <= hi; i++ {
		if s.count[i] > 0 && s.overlapsIn(int(s.first[i]), int(s.count[i]), b, share) {
			return true
		}
	}
	return false
}

// overlapsIn does the same for the n boxes from position at on.
func (s *strips) overlapsIn(at, n int, b *box, share float32) bool {
	for {
		j := active.overlap(&s.columns[at], s.stride, n, &b.y0)
		if j == n {
			return false
		}
		at, n = at+j, n-j
		if s.exceeds(at, b, share) {
			return true
		}
		if n--; n == 0 {
			return false
		}
		at++
	}
}

// exceeds compares b with the box at a position by a division, as the standard does.
func (s *strips) exceeds(at int, b *box, share float32) bool {
	c, d := s.columns[at:], s.stride
	h := min(b.y1, c[2*d]) - max(b.y0, c[0])
	w := min(b.x1, c[3*d]) - max(b.x0, c[d])
	both := float32(h * w)
	union := b.area + c[4*d] - both
	return union > 0 && both/union > share
}
