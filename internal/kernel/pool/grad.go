package pool

import (
	"math"

	"github.com/onnxrun/onnxrun/internal/par"
)

// MaxGrad sets dx to the gradient of Max: dy of each output is added where Max found it.
func MaxGrad[T ~float32 | ~float64](g *Geom, x, dy, dx []T, threads int) {
	par.Run(threads, g.Planes, &gradTask[T]{g: g, x: x, dy: dy, dx: dx, add: (*gradTask[T]).max})
}

// AverageGrad sets dx to the gradient of Average: dy of each output is shared among the inputs of its window.
func AverageGrad[T ~float32 | ~float64](g *Geom, dy, dx []T, includePad bool, threads int) {
	par.Run(threads, g.Planes, &gradTask[T]{g: g, dy: dy, dx: dx, pad: includePad, add: (*gradTask[T]).average})
}

// LpGrad sets dx to the gradient of Lp, whose output is y. The norm of zeros has the gradient 0.
func LpGrad[T ~float32 | ~float64](g *Geom, x, y, dy, dx []T, order float64, threads int) {
	par.Run(threads, g.Planes, &gradTask[T]{g: g, x: x, y: y, dy: dy, dx: dx, order: order, add: (*gradTask[T]).lp})
}

type gradTask[T ~float32 | ~float64] struct {
	g            *Geom
	x, y, dy, dx []T
	pad          bool
	order        float64
	add          func(t *gradTask[T], c *cursor, plane, o int) // adds the part of one output
}

// Chunk does one plane.
func (t *gradTask[T]) Chunk(p int) {
	in := t.g.InSize()
	clear(t.dx[p*in:][:in])
	c := newCursor(t.g)
	for o := range t.g.OutSize() {
		if c.start() {
			t.add(t, c, p*in, p*t.g.OutSize()+o)
		}
		c.step()
	}
}

func (t *gradTask[T]) max(c *cursor, plane, o int) {
	best, at := T(math.Inf(-1)), -1
	for ok := true; ok; ok = c.next() {
		pos, n, step := c.row()
		for range n {
			if v := t.x[plane+pos]; v > best || at < 0 && v == v {
				best, at = v, pos
			}
			pos += step
		}
	}
	if at >= 0 {
		t.dx[plane+at] += t.dy[o]
	}
}

func (t *gradTask[T]) average(c *cursor, plane, o int) {
	count := 1
	for i, a := range t.g.Axes[:t.g.Rank] {
		count *= divisor(a, c.out[i], t.pad)
	}
	part := t.dy[o] / T(max(count, 1))
	for ok := true; ok; ok = c.next() {
		pos, n, step := c.row()
		for range n {
			t.dx[plane+pos] += part
			pos += step
		}
	}
}

func (t *gradTask[T]) lp(c *cursor, plane, o int) {
	norm := float64(t.y[o])
	if norm == 0 {
		return
	}
	for ok := true; ok; ok = c.next() {
		pos, n, step := c.row()
		for range n {
			v := float64(t.x[plane+pos])
			t.dx[plane+pos] += T(float64(t.dy[o]) * math.Copysign(math.Pow(math.Abs(v)/norm, t.order-1), v))
			pos += step
		}
	}
}
