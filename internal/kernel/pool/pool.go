// Package pool holds the pooling kernels: maximum, average and Lp over sliding windows, and over whole planes.
//
// Slices in, slices out. Planes (batch times channels) are independent; the functions with Last in their names take tensors
// whose channels are the last axis instead. Windows have one to window.MaxRank spatial axes.
// It imports internal/par, internal/kernel/window and internal/kernel/vec.
package pool

import "github.com/onnxrun/onnxrun/internal/kernel/window"

// Geom is the shape of a pooling problem.
type Geom struct {
	Planes int // batch times channels
	Rank   int
	Axes   [window.MaxRank]window.Axis
}

// InSize is the number of elements of one input plane.
func (g *Geom) InSize() int {
	n := 1
	for _, a := range g.Axes[:g.Rank] {
		n *= a.In
	}
	return n
}

// OutSize is the number of elements of one output plane.
func (g *Geom) OutSize() int {
	n := 1
	for _, a := range g.Axes[:g.Rank] {
		n *= a.Out
	}
	return n
}

// axes returns the last three axes; the ones the problem lacks have length 1. The rank must be at most 3.
func (g *Geom) axes() (d, h, w window.Axis) {
	list := [3]window.Axis{window.One, window.One, window.One}
	copy(list[3-g.Rank:], g.Axes[:g.Rank])
	return list[0], list[1], list[2]
}

// divisor is how many elements output o of axis a is averaged over.
func divisor(a window.Axis, o int, includePad bool) int {
	if !includePad {
		lo, hi := a.Taps(o)
		return hi - lo
	}
	b := a
	b.In = a.In + a.Hi
	_, hi := b.Taps(o)
	return hi
}
