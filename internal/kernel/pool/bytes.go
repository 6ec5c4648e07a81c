package pool

import (
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/window"
	"github.com/onnxrun/onnxrun/internal/par"
)

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

// MaxBytes is Max for bytes, without positions. The rank is at most 3.
func MaxBytes[T int8 | uint8](threads int, g *Geom, x, y []T, low T) {
	t, _ := byteTasks.Get().(*maxBytes[T])
	if t == nil {
		t = new(maxBytes[T])
	}
	t.g, t.x, t.y, t.low = g, x, y, low
	t.d, t.h, t.w = g.axes()
	var chunks int
	chunks, t.size = par.Split(g.Planes, grainOps/max(1, g.InSize())+1)
	par.Run(threads, chunks, t)
	t.g, t.x, t.y = nil, nil, nil
	byteTasks.Put(t)
}

var byteTasks sync.Pool // of *maxBytes

// maxBytes is a par.Task over planes: the rows of a window are joined first, then the columns of the result.
type maxBytes[T int8 | uint8] struct {
	g       *Geom
	x, y    []T
	low     T
	size    int
	d, h, w window.Axis
	rows    sync.Pool // of *[]T
}

// Chunk implements par.Task.
func (t *maxBytes[T]) Chunk(i int) {
	lo, hi := par.Range(i, t.size, t.g.Planes)
	in, out := t.g.InSize(), t.g.OutSize()
	buf, _ := t.rows.Get().(*[]T)
	if buf == nil || len(*buf) < t.w.In {
		buf = new([]T)
		*buf = make([]T, t.w.In)
	}
	row := (*buf)[:t.w.In]
	for p := lo; p < hi; p++ {
		x, y := t.x[p*in:(p+1)*in], t.y[p*out:(p+1)*out]
		for od := range t.d.Out {
			for oh := range t.h.Out {
				t.join(row, x, od, oh)
				t.across(y[:t.w.Out], row)
				y = y[t.w.Out:]
			}
		}
	}
	t.rows.Put(buf)
}

// join sets row to the largest elements of each column over the rows that outputs (od, oh) read.
func (t *maxBytes[T]) join(row, x []T, od, oh int) {
	for i := range row {
		row[i] = t.low
	}
	d0, d1 := t.d.Taps(od)
	h0, h1 := t.h.Taps(oh)
	for d := d0; d < d1; d++ {
		for h := h0; h < h1; h++ {
			at := (od*t.d.Stride+d*t.d.Dilation-t.d.Lo)*t.h.In + oh*t.h.Stride + h*t.h.Dilation - t.h.Lo
			for i, v := range x[at*t.w.In:][:len(row)] {
				row[i] = max(row[i], v)
			}
		}
	}
}

// across sets y to the largest elements of the windows along row.
func (t *maxBytes[T]) across(y, row []T) {
	for o := range y {
		lo, hi := t.w.Taps(o)
		at := o*t.w.Stride + lo*t.w.Dilation - t.w.Lo
		best := t.low
		for range hi - lo {
			best = max(best, row[at])
			at += t.w.Dilation
		}
		y[o] = best
	}
}
