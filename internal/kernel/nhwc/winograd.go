package nhwc

import (
	"github.com/onnxrun/onnxrun/internal/kernel/conv"
	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
	"github.com/onnxrun/onnxrun/internal/kernel/winograd"
)

// tiled is Winograd's convolution of 3×3 windows at stride 1. Tiles of the input are transformed, multiplied with the
// filter's matrices, one for each element of the transform, and transformed back, some at a time, while they are in the
// cache, and some groups. With dilation d, the pixels whose coordinates are equal modulo d form images of their own, d along each axis.
type tiled struct {
	g        conv.Geom
	icg, ocg int  // channels of a group
	span     int  // groups that are transformed together
	m, n     int  // a tile has m×m outputs and n×n elements
	fresh    bool // the filter is transformed while running
	turned   bool // channels of the filter change places, and windows are turned around
	order    windowOrder
	h, w     []strip
	tiles    int
	kernels  *winograd.Kernels
	zeroBias []float32
}

// strip is a tile's part of an axis.
type strip struct {
	in, out int    // the first pixel of the input, which may lie outside, and of the output
	inside  uint64 // bit i is set if pixel in+i*dilation exists
	count   int    // outputs that exist
	run     int    // strips from here on that follow each other and are alike
}

// spanChannels is about how many channels of input and output of several groups are transformed together.
const spanChannels = 128

// newTiled lays out the convolution with tiles of m×m outputs.
func newTiled(g conv.Geom, m int, fresh bool) *tiled {
	kernels := winograd.Best()
	if gemm.Width()%8 != 0 { // products in panels that are narrower than the other kernels take
		kernels = winograd.All()[0]
	}
	t := &tiled{g: g, icg: g.InC / g.Groups, ocg: g.OutC / g.Groups, m: m, n: m + 2, fresh: fresh, kernels: kernels, zeroBias: make([]float32, g.OutC)}
	t.h, t.w = t.strips(g.Axes[0]), t.strips(g.Axes[1])
	t.tiles = g.Batch * len(t.h) * len(t.w)
	t.span = min(g.Groups, max(1, spanChannels/(t.icg+t.ocg)))
	return t
}

// stripCount is how many tiles of m outputs an axis has.
func stripCount(a window.Axis, m int) int {
	n := 0
	for phase := range min(a.Dilation, a.Out) {
		n += (a.Out - phase + a.Dilation*m - 1) / (a.Dilation * m)
	}
	return n
}

// strips cuts an axis into tiles, phase by phase.
func (t *tiled) strips(a window.Axis) []strip {
	d := a.Dilation
	list := make([]strip, 0, stripCount(a, t.m))
	for phase := range min(d, a.Out) {
		for out := phase; out < a.Out; out += d * t.m {
			s := strip{in: out - a.Lo, out: out, count: min(t.m, (a.Out-out+d-1)/d), run: 1}
			for i := range t.n {
				if p := s.in + i*d; p >= 0 && p < a.In {
					s.inside |= 1 << i
				}
			}
			list = append(list, s)
		}
	}
	for i := len(list) - 2; i >= 0; i-- {
		s, next := &list[i], &list[i+1]
		if s.count == t.m && next.count == t.m && s.inside == next.inside && next.in == s.in+d*t.m {
			s.run = next.run + 1
		}
	}
	return list
}

// scratch is V of the tiles that all threads share, if that happens with any number of threads.
func (t *tiled) scratch() int {
	if !t.fresh && t.tiles > fewTiles || t.g.Groups > 1 {
		return 0
	}
	return t.n*t.n*matrixStep(sharedTiles(t.tiles, t.n*t.n*t.g.InC)*t.g.InC) + lineFloats
}
