package nhwc

import (
	"github.com/onnxrun/onnxrun/internal/kernel/conv"
	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
	"github.com/onnxrun/onnxrun/internal/kernel/winograd"
)

// tiled is Winograd's convolution of windows of 3×3 or 2×2. Tiles of the input are transformed, multiplied with the filter's
// matrices, one for each element of the transform, and transformed back, some at a time, while they are in the cache, and some
// groups. With dilation d, the pixels whose coordinates are equal modulo d form images of their own, d along each axis. With
// stride s, every s-th kernel element along each axis sees such an image at stride 1: the views, whose channels count as
// channels of one input.
type tiled struct {
	g        conv.Geom
	size     winograd.Size
	channels int   // of a group in the input
	icg, ocg int   // channels of a group, those of all views
	inC      int   // those of all groups
	span     int   // groups that are transformed together
	m, n     int   // a tile has m×m outputs and n×n elements
	window   int   // elements of a window
	fresh    bool  // the filter is transformed while running
	turned   bool  // it is [InC, OutC, Kernel...]; with windows in reverse, unless there are places
	places   []int // of the kernel elements: view*window + element of its window; nil: as they are
	gaps     bool  // some elements of windows are none of the kernel
	order    windowOrder
	views    []view
	inStep   [2]int // pixels from one element to the next, by axis
	outStep  [2]int // and from one output to the next
	tiles    int
	kernels  *winograd.Kernels
	zeroBias []float32
}

// view is one of the images that windows of 3×3 or 2×2 at stride 1 see, cut into tiles.
type view struct{ h, w []strip }

// strip is a tile's part of an axis.
type strip struct {
	in, out int    // the first pixel of the input, which may lie outside, and of the output
	inside  uint64 // bit i is set if pixel in+i*inStep exists
	count   int    // outputs that exist
	run     int    // strips from here on that follow each other and are alike
}

// line is the outputs of an axis, as many as outs, that lie outStep apart from out on. Output o sees inputs inStep apart from
// in+o*inStep on, of which those in [0, size) exist.
type line struct{ in, inStep, size, out, outStep, outs int }

// spanChannels is about how many channels of input and output of several groups are transformed together.
const spanChannels = 128

// newTiled lays out a convolution.
func newTiled(g conv.Geom, size winograd.Size, fresh bool) *tiled {
	y, x := g.Axes[0], g.Axes[1]
	t := emptyTiled(g, size, y.Stride*x.Stride, fresh)
	t.inStep, t.outStep = [2]int{y.Stride * y.Dilation, x.Stride * x.Dilation}, [2]int{y.Dilation, x.Dilation}
	for i := range y.Stride {
		for j := range x.Stride {
			t.views = append(t.views, view{t.strips(lines(y, i)), t.strips(lines(x, j))})
		}
	}
	if len(t.views) > 1 {
		t.places = make([]int, y.Kernel*x.Kernel)
		for k := range t.places {
			i, j := k/x.Kernel, k%x.Kernel
			t.places[k] = (i%y.Stride*x.Stride+j%x.Stride)*t.window + i/y.Stride*size.Taps + j/x.Stride
		}
		t.gaps = len(t.places) < len(t.views)*t.window
	}
	t.tiles = g.Batch * len(t.views[0].h) * len(t.views[0].w)
	return t
}

// emptyTiled is a tiled of so many views, which are to be added.
func emptyTiled(g conv.Geom, size winograd.Size, views int, fresh bool) *tiled {
	kernels := winograd.Best()
	if gemm.Width()%8 != 0 { // products in panels that are narrower than the other kernels take
		kernels = winograd.All()[0]
	}
	t := &tiled{g: g, size: size, channels: g.InC / g.Groups, ocg: g.OutC / g.Groups, m: size.Pixels, n: size.Elements(),
		window: size.Taps * size.Taps, fresh: fresh, kernels: kernels, zeroBias: make([]float32, g.OutC)}
	t.icg, t.inC = views*t.channels, views*g.InC
	t.span = min(g.Groups, max(1, spanChannels/(t.icg+t.ocg)))
	return t
}

// lines are the outputs of an axis in the order of its tiles, as they see a view of the input: images of pixels that are equal
// modulo the dilation.
func lines(a window.Axis, view int) []line {
	list := make([]line, min(a.Dilation, a.Out))
	for i := range list {
		list[i] = line{i + view - a.Lo, a.Stride * a.Dilation, a.In, i, a.Dilation, ceilDiv(a.Out-i, a.Dilation)}
	}
	return list
}

// stripCount is how many tiles of m outputs an axis has.
func stripCount(a window.Axis, m int) int {
	n := 0
	for phase := range min(a.Dilation, a.Out) {
		n += (a.Out - phase + a.Dilation*m - 1) / (a.Dilation * m)
	}
	return n
}

// strips cuts lines into tiles.
func (t *tiled) strips(lines []line) []strip {
	var list []strip
	for _, l := range lines {
		for o := 0; o < l.outs; o += t.m {
			s := strip{in: l.in + o*l.inStep, out: l.out + o*l.outStep, count: min(t.m, l.outs-o), run: 1}
			for i := range t.n {
				if p := s.in + i*l.inStep; p >= 0 && p < l.size {
					s.inside |= 1 << i
				}
			}
			list = append(list, s)
		}
	}
	for i := len(list) - 2; i >= 0; i-- {
		s, next := &list[i], &list[i+1]
		if step := lines[0].inStep; s.count == t.m && next.count == t.m && s.inside == next.inside && next.in == s.in+step*t.m {
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
	return t.n*t.n*blockLen(sharedTiles(t.tiles, t.n*t.n*t.inC), t.inC) + lineFloats
}
