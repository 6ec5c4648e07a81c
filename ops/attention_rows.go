package ops

import (
	"fmt"
	"math"

	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/tensor"
)

// headRows says what becomes of the vectors of heads while they are copied: a bias, or a normalisation and a rotation.
// The zero value changes nothing.
type headRows struct {
	bias   []float32 // [heads, size]
	norm   []float32 // [size], the weights of a root mean square normalisation
	eps    float32
	rotary *rotaryTable
}

// plain reports whether nothing is changed.
func (r *headRows) plain() bool { return r.bias == nil && r.norm == nil && r.rotary == nil }

// put writes vector i of head h of batch b, which is src, to dst.
func (r *headRows) put(dst, src []float32, b, h, i int) {
	src = src[:len(dst)]
	if r.norm != nil {
		inv := 1 / math.Sqrt(float64(vec.SumSquare(src))/float64(len(src))+float64(r.eps))
		vec.NormRow(dst, src, r.norm, nil, 0, float32(inv))
		src = dst
	}
	switch {
	case r.bias != nil:
		vec.Add(dst, src, r.bias[h*len(dst):(h+1)*len(dst)])
	case r.rotary != nil:
		r.rotary.turn(dst, src, b, i)
	case r.norm == nil:
		copy(dst, src)
	}
}

// rotaryTable is a table of angles, one row of half cosines and sines for each position.
type rotaryTable struct {
	cos, sin    []float32
	half        int
	interleaved bool
	spans       []attentionSpan // where vector 0 of each batch is
	positions   []int64         // [batch, n], in place of spans
	n           int
}

// set reads the tables and checks them against heads and positions, which may be nil.
func (r *rotaryTable) set(cos, sin, positions *tensor.Tensor, x heads[float32]) error {
	s := cos.Shape()
	if len(s) != 2 || !s.Equal(sin.Shape()) || 2*s[1] > x.size {
		return fmt.Errorf("ops: caches have shapes %v and %v, want [any, at most %d]", s, sin.Shape(), x.size/2)
	}
	r.cos, r.sin, r.half, r.n = tensor.Of[float32](cos), tensor.Of[float32](sin), s[1], x.n
	if positions != nil {
		r.positions = tensor.Of[int64](positions)
		if len(r.positions) != x.b*x.n {
			return fmt.Errorf("ops: position_ids has shape %v, want [%d %d]", positions.Shape(), x.b, x.n)
		}
		for _, p := range r.positions {
			if p < 0 || p >= int64(s[0]) {
				return fmt.Errorf("ops: position is %d, want one of %d", p, s[0])
			}
		}
		return nil
	}
	for _, p := range r.spans {
		if last := min(p.start+x.n, p.length); p.start < 0 || last > s[0] {
			return fmt.Errorf("ops: positions up to %d, want at most %d", last, s[0])
		}
	}
	return nil
}

// turn rotates vector i of batch b. Vectors behind the end of their batch stay as they are.
func (r *rotaryTable) turn(dst, src []float32, b, i int) {
	row := 0
	if r.positions != nil {
		row = int(r.positions[b*r.n+i])
	} else if row = r.spans[b].start + i; row >= r.spans[b].length {
		copy(dst, src)
		return
	}
	copy(dst[2*r.half:], src[2*r.half:])
	rotate(dst, src, r.cos[row*r.half:][:r.half], r.sin[row*r.half:][:r.half], r.interleaved)
}

// attentionRoom hands out parts of the scratch memory.
type attentionRoom struct{ rest []byte }

func (r *attentionRoom) floats(n int) []float32 {
	x := scratchOf[float32](r.rest, n)
	r.rest = r.rest[4*n:]
	return x
}

// changed returns heads whose vectors are changed as r says: the same ones if nothing is.
func (r *headRows) changed(x heads[float32], room *attentionRoom) heads[float32] {
	if r.plain() {
		return x
	}
	y := heads[float32]{b: x.b, h: x.h, n: x.n, size: x.size, batch: x.h * x.n * x.size, head: x.n * x.size, step: x.size}
	y.x = room.floats(x.b * y.batch)
	for b := range x.b {
		for h := range x.h {
			for i := range x.n {
				r.put(y.x[b*y.batch+h*y.head+i*y.step:][:y.size], x.x[b*x.batch+h*x.head+i*x.step:], b, h, i)
			}
		}
	}
	return y
}

// cacheSpec says where keys or values come together: past ones [batch, heads, pastRows, size], of which each batch has
// as many as its span starts with, and present ones [batch, heads, rows, size]. The slices are nil where there are none.
type cacheSpec struct {
	past     []float32
	pastRows int
	present  []float32
	rows     int
	keep     bool // what is in the past behind the end of a batch stays; else it is zero in the present
	spans    []attentionSpan
}

// join returns the heads of s with the vectors of now, changed by r, behind the past of each batch. They lie in the present
// storage, in room, or where they were if there is nothing to do.
func (s *cacheSpec) join(now heads[float32], r *headRows, room *attentionRoom) (heads[float32], error) {
	if s.past == nil && s.present == nil {
		return r.changed(now, room), nil
	}
	all := heads[float32]{x: s.present, b: now.b, h: now.h, n: s.rows, size: now.size}
	all.step, all.head, all.batch = now.size, s.rows*now.size, now.h*s.rows*now.size
	if all.x == nil {
		all.x = room.floats(all.b * all.batch)
	}
	if len(all.x) != all.b*all.batch || s.past != nil && len(s.past) != now.b*now.h*s.pastRows*now.size {
		return all, fmt.Errorf("ops: past of %d and present of %d elements, want [%d %d %d %d] and [%[3]d %[4]d %d %[6]d]",
			len(s.past), len(all.x), now.b, now.h, s.pastRows, now.size, s.rows)
	}
	shared := len(s.past) > 0 && len(all.x) > 0 && &s.past[0] == &all.x[0]
	for b := range now.b {
		start, end := s.spans[b].start, s.spans[b].length
		if start < 0 || start > end || end > s.rows || start > 0 && start > s.pastRows {
			return all, fmt.Errorf("ops: keys %d to %d of batch %d behind a past of %d in room for %d", start, end, b, s.pastRows, s.rows)
		}
		for h := range now.h {
			dst := all.x[b*all.batch+h*all.head:][:all.head]
			if !shared {
				old := start * now.size
				if s.keep {
					old = min(s.pastRows*now.size, len(dst))
				}
				if old > 0 {
					copy(dst[:old], s.past[(b*now.h+h)*s.pastRows*now.size:])
				}
				clear(dst[max(old, end*now.size):])
			}
			for i := range min(now.n, end-start) {
				r.put(dst[(start+i)*now.size:][:now.size], now.x[b*now.batch+h*now.head+i*now.step:], b, h, i)
			}
		}
	}
	return all, nil
}
