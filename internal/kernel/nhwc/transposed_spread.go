package nhwc

import (
	"math"

	"github.com/onnxrun/onnxrun/internal/kernel/depthwise"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
)

// spreadInputs bounds the inputs of a row whose outputs one call computes for all channels: they stay in a near cache.
const spreadInputs = 8

// squares tells whether the outputs are squares of two by two, one for each input, behind a first row and column that belong to none where
// there is no padding in front.
func (t *transposedDepthwise) squares() bool {
	if t.g.Rank != 2 {
		return false
	}
	for _, a := range t.axes[1:] {
		squares := a.Out - t.shift(&a) // outputs in squares, of which the last may be half there
		if a.Kernel != 3 || a.Stride != 2 || a.Dilation != 1 || a.Lo > 1 || squares != 2*a.In && squares != 2*a.In-1 {
			return false
		}
	}
	return t.shift(&t.axes[2]) == 0 || t.segments[0].first == 0 && t.segments[0].outputs == 1
}

// shift is the number of outputs in front of the first square.
func (t *transposedDepthwise) shift(a *window.Axis) int { return 1 - a.Lo }

// pairsOf is the number of pairs of outputs along an axis, the first of which may be a single one, and the last.
func (t *transposedDepthwise) pairsOf(a *window.Axis) int { return t.shift(a) + a.In }

// pair computes pair u of rows of the outputs.
func (t *transposedDepthwiseTask) pair(s *rowScratch, u int) {
	h, w, c := &t.axes[1], &t.axes[2], t.g.InC
	n := t.pairsOf(h)
	image, i := u/n, u%n-t.shift(h) // i is the row of inputs
	if i < 0 {
		t.row(s, image*h.Out)
		return
	}
	r := 2*i + t.shift(h)
	rows := min(2, h.Out-r)
	first := t.shift(w)
	inf := float32(math.Inf(1))
	for k := range rows * first {
		y := t.begin(s, image*h.Out+r+k, -inf, inf)
		t.segment(s, &t.segments[0], y)
	}
	a := &s.spread
	*a = depthwise.SpreadArgs{Pixel: c, XRow: w.In * c, YRow: w.Out * c, Group: t.taps * t.k.Lanes, Rows: rows, XAhead: 2 * w.In * c, Stream: t.stream}
	if i+1 < h.In {
		a.Below = 1
	}
	x, y := t.a.X[(image*h.In+i)*w.In*c:], t.a.Y[((image*h.Out+r)*w.Out+first)*c:]
	for at, size := 0, even(w.In, spreadInputs); at < w.In; at += size {
		a.Inputs = min(size, w.In-at)
		a.Right, a.Half, a.YAhead = 1, 0, 2*size*c
		if at+size >= w.In {
			a.YAhead = 2 * (w.Out - at) * c // the next rows
			a.Right, a.Half = 0, 2*w.In-(w.Out-first)
		}
		t.square(a, x[at*c:], y[2*at*c:])
	}
}

// square computes the outputs of some inputs in as many calls as the channels ask for.
func (t *transposedDepthwiseTask) square(a *depthwise.SpreadArgs, x, y []float32) {
	most := callFMAs / (spreadInputs * t.taps) * t.k.Lanes
	for c := 0; c < t.g.InC; c += most {
		a.Channels = min(most, t.g.InC-c)
		a.X, a.Y, a.W, a.Bias = x[c:], y[c:], t.a.Filter.packed.data[c/t.k.Lanes*a.Group:], t.bias()[c:]
		t.k.Spread(a)
	}
}
