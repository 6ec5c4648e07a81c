package nhwc

import (
	"math"

	"github.com/onnxrun/onnxrun/internal/kernel/depthwise"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
)

// pairOutputs bounds the outputs of a row that one call computes for all channels: what they read stays in a near cache.
const pairOutputs = 16

// pairs tells whether rows of outputs are computed two by two: windows of 3 by 3 that move by one position and lack one row or column
// at most on each side.
func (d *depthwiseConv) pairs() bool {
	if d.k.Pairs == nil || d.g.Rank != 2 || d.multiplier != 1 || len(d.parts) > 1 || d.outerRows < 2 {
		return false
	}
	for _, a := range d.g.Axes[:2] {
		if a.Kernel != 3 || a.Stride != 1 || a.Dilation != 1 || a.Lo > 1 || a.Out+2-a.Lo > a.In+1 {
			return false
		}
	}
	return true
}

// pair computes pair u of rows of the outputs, of which the last of an image may be a single row.
func (t *depthwiseTask) pair(s *rowScratch, u int) {
	d, n := t.d, ceilDiv(t.d.outerRows, 2)
	image, r := u/n, u%n*2
	if r+1 == d.outerRows {
		t.part(s, image*d.outerRows+r, &d.parts[0])
		return
	}
	h, w, row := &d.g.Axes[0], &d.g.Axes[1], image*d.outerRows+r
	lo, hi, clipped := clipBounds(t.a.Act)
	if clipped = clipped && !t.a.finishes(); !clipped {
		lo, hi = float32(math.Inf(-1)), float32(math.Inf(1))
	}
	s.pair = depthwise.PairArgs{
		X: t.a.X[image*d.g.InSize()*t.a.XStep:], XPixel: t.a.XStep, XRow: w.In * t.a.XStep, YPixel: t.a.YStep, YRow: w.Out * t.a.YStep,
		Group: d.taps * d.k.Lanes, Above: present(h, r, 0), Below: present(h, r+1, 2), XAhead: 4 * w.In * t.a.XStep, Lo: lo, Hi: hi, Stream: t.stream,
	}
	most := callFMAs / (2 * pairOutputs * d.taps) * d.k.Lanes // channels of a call
	for o, size := 0, even(w.Out, pairOutputs); o < w.Out; o += size {
		if s.pair.YAhead = size * t.a.YStep; o+size >= w.Out { // the next rows
			s.pair.YAhead = (2*w.Out - o) * t.a.YStep
		}
		for c := 0; c < d.g.InC; c += most {
			t.block(&s.pair, h, w, r, o, min(size, w.Out-o), c, min(most, d.g.InC-c), t.a.Y[(row*w.Out+o)*t.a.YStep+c:])
		}
	}
	if !clipped {
		t.a.finish(row*w.Out, 1, 2*w.Out, 0, d.g.OutC)
	}
}

// present is 1 if tap k of the window of an output lies inside, else 0.
func present(a *window.Axis, output, k int) int {
	if i := output + k - a.Lo; i < 0 || i >= a.In {
		return 0
	}
	return 1
}

// block computes some outputs from o on, for some channels from c on, in row r and the next.
func (t *depthwiseTask) block(a *depthwise.PairArgs, h, w *window.Axis, r, o, outputs, c, channels int, y []float32) {
	bias := t.d.zeros
	if t.bias != nil {
		bias = t.bias
	}
	a.Y, a.W, a.Bias = y, t.filter[c/t.d.k.Lanes*a.Group:], bias[c:]
	a.At = (r-h.Lo)*a.XRow + (o-w.Lo)*a.XPixel + c
	a.Channels, a.Outputs = channels, outputs
	a.Left, a.Right = present(w, o, 0), present(w, o+outputs-1, 2)
	t.d.k.Pairs(a)
}
