package nhwc

import (
	"github.com/onnxrun/onnxrun/internal/kernel/conv"
	"github.com/onnxrun/onnxrun/internal/kernel/depthwise"
	"github.com/onnxrun/onnxrun/internal/kernel/panel"
	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
)

// filterParts says how the work on the gradient of a depthwise filter is cut: each part of the images makes sums of its own, which are
// added at the end; a chunk is some vectors of channels of a part.
type filterParts struct {
	g          conv.Geom
	axes       [3]window.Axis
	k          *depthwise.Kernels
	multiplier int // outputs per channel
	planes     int // of outputs in a part: images, or their slices along the first axis
	parts      int
	together   int // vectors of channels that a chunk handles
}

const (
	// gradParts is how many parts the images make at most.
	gradParts = 8
	// gradTogether is about how many channels a chunk handles, which share pages of memory.
	gradTogether = 64
)

// cut makes parts, as many as wanted and no more than gradParts.
func (f *filterParts) cut(wanted int) {
	all := f.g.Batch * f.axes[0].Out
	f.planes = ceilDiv(all, min(all, gradParts, wanted))
	f.parts = ceilDiv(all, f.planes)
}

// blocks is the number of vectors of channels.
func (f *filterParts) blocks() int { return ceilDiv(f.g.InC, f.k.Lanes) }

// blockLen is the number of sums of a vector of channels: [outputs per channel, Kernel..., lanes].
func (f *filterParts) blockLen() int { return f.multiplier * f.g.Taps() * f.k.Lanes }

// sumsLen is that of a part.
func (f *filterParts) sumsLen() int { return f.blocks() * f.blockLen() }

func (f *filterParts) scratch() int { return f.parts * f.sumsLen() }

func (f *filterParts) chunks() int { return f.parts * ceilDiv(f.blocks(), f.together) }

// chunk returns the vectors of channels [first, last) and the planes [from, to) of chunk i, and its sums, which are zero.
func (f *filterParts) chunk(i int, scratch []float32) (first, last, from, to int, sums []float32) {
	n := ceilDiv(f.blocks(), f.together)
	part := i / n
	first = i % n * f.together
	last = min(first+f.together, f.blocks())
	from = part * f.planes
	to = min(from+f.planes, f.g.Batch*f.axes[0].Out)
	sums = scratch[part*f.sumsLen():][first*f.blockLen() : last*f.blockLen()]
	clear(sums)
	return first, last, from, to, sums
}

// addUp adds the sums of all parts to those of the first.
func (f *filterParts) addUp(scratch []float32) {
	n := f.sumsLen()
	for i := 1; i < f.parts; i++ {
		vec.Add(scratch[:n], scratch[:n], scratch[i*n:][:n])
	}
}

// lanesOrder is the order that makes the sums of a vector of channels rows of the filter.
func (f *filterParts) lanesOrder() panel.Order {
	places := make([]int32, f.k.Lanes)
	for i := range places {
		places[i] = int32(i * f.multiplier * f.g.Taps())
	}
	return panel.NewOrder(places)
}
