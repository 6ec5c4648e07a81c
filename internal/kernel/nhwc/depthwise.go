package nhwc

import (
	"fmt"
	"math"

	"github.com/onnxrun/onnxrun/internal/kernel/conv"
	"github.com/onnxrun/onnxrun/internal/kernel/depthwise"
	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/panel"
	"github.com/onnxrun/onnxrun/internal/mem"
)

// maxMultiplier is the most outputs per channel that depthwise kernels are used for.
const maxMultiplier = 8

// depthwiseConv computes convolutions whose groups read one channel each: for one row of outputs after the other, all
// channels, in place: taps outside the input are left out. Rows of 3, 5 or 7 taps slide over neighbouring outputs (row is
// set), with a dilation over every step-th output; all others are computed tap by tap. Several outputs per channel are
// computed one after the other and interleaved.
type depthwiseConv struct {
	g          conv.Geom
	k          *depthwise.Kernels
	row        func(a *depthwise.Args)
	step       int // outputs from one of a segment to the next
	multiplier int
	width      int // taps along the last axis,
	span       int // and how many of them one row kernel takes
	taps       int
	outerRows  int // rows of outputs in one image
	parts      []part
	panel      int // channels that one call handles
	blocks     int // blocks of outputs that one call handles at most
	zeros      []float32
	order      panel.Order
	turned     bool // the taps of the filter are in reverse order
	paired     bool // rows of outputs are computed two by two
}

// part is what one goroutine computes of a row of outputs: all of it, unless there are few rows.
type part struct {
	first, outputs int
	segments       []segment
}

// Less than fewRows rows of outputs are cut into about rowParts parts.
const fewRows, rowParts = 4, 16

// segment is a part of a row of outputs that one call computes.
type segment struct {
	first, outputs int
	lo, hi         int // taps along the last axis, without row
	columns        int // of inputs, with row: 0 if all outputs' windows lie inside
}

// callFMAs is about how many vector operations one call may take: some 50 microseconds.
const callFMAs = 200 << 10

func newDepthwise(g conv.Geom) algorithm {
	if !eachChannel(&g) {
		return nil
	}
	return depthwiseOf(g, g.Axes[g.Rank-1].Kernel)
}

// eachChannel tells whether the groups of g read one channel each, and there are outputs.
func eachChannel(g *conv.Geom) bool {
	return g.Groups == g.InC && g.InC > 1 && g.OutC <= maxMultiplier*g.InC && g.Axes[g.Rank-1].Out > 0
}

// depthwiseOf lays out a convolution for kernels of span taps, into which a row of taps is divided.
func depthwiseOf(g conv.Geom, span int) *depthwiseConv {
	last := g.Axes[g.Rank-1]
	d := &depthwiseConv{g: g, k: depthwise.Best(), step: 1, multiplier: g.OutC / g.InC, width: last.Kernel, span: span, taps: g.Taps(), zeros: make([]float32, g.InC)}
	d.outerRows = g.OutSize() / last.Out
	if last.Dilation == 1 || last.Stride == 1 && last.Out >= depthwise.Block*last.Dilation {
		d.row = d.k.Rows(span, last.Stride)
	}
	d.order = panel.Interleaved(1, d.taps, d.k.Lanes)
	if d.row != nil {
		d.step = last.Dilation
	}
	d.cut()
	perGroup := depthwise.Block * d.taps
	d.panel = min(g.InC, max(1, callFMAs/perGroup)*d.k.Lanes)
	d.blocks = max(1, callFMAs/(perGroup*d.groupsOf(d.panel)))
	d.paired = d.pairs()
	return d
}

func (d *depthwiseConv) groupsOf(channels int) int { return (channels + d.k.Lanes - 1) / d.k.Lanes }

// cut cuts a row of outputs into parts and segments.
func (d *depthwiseConv) cut() {
	n := d.g.Axes[d.g.Rank-1].Out
	size := n
	if d.g.Batch*d.outerRows < fewRows {
		size = ((n+rowParts-1)/rowParts + depthwise.Block - 1) / depthwise.Block * depthwise.Block
	}
	for first := 0; first < n; first += size {
		p := part{first: first, outputs: min(size, n-first)}
		for i := range min(d.step, p.outputs) {
			p.segments = d.segments(p.segments, p.first+i, p.first+p.outputs)
		}
		d.parts = append(d.parts, p)
	}
}

// segments cuts every step-th of the outputs from to to of a row, and adds them to list.
func (d *depthwiseConv) segments(list []segment, from, to int) []segment {
	a := d.g.Axes[d.g.Rank-1]
	for o := from; o < to; {
		var s segment
		if d.row != nil {
			s = segment{first: o, outputs: min(depthwise.Block, ceilDiv(to-o, d.step))}
			s.columns = d.columns(s)
		} else {
			s = segment{first: o, outputs: 1}
			s.lo, s.hi = a.Taps(o)
		}
		o += s.outputs * d.step
		if n := len(list); n > 0 && s.first > from && s.joins(&list[n-1], a.Kernel, d.row != nil) {
			list[n-1].outputs += s.outputs
			continue
		}
		list = append(list, s)
	}
	return list
}

// joins tells whether s, which follows t, can be computed in the same call.
func (s *segment) joins(t *segment, taps int, rows bool) bool {
	if rows {
		return s.columns == 0 && t.columns == 0
	}
	return s.hi-s.lo == taps && t.hi-t.lo == taps
}

// columns returns which columns of inputs a block has, 0 if it is whole.
func (d *depthwiseConv) columns(s segment) int {
	a := d.g.Axes[d.g.Rank-1]
	n := (s.outputs-1)*a.Stride + d.span
	mask := 0
	for c := range n {
		if in := s.first*a.Stride - a.Lo + c*a.Dilation; in >= 0 && in < a.In {
			mask |= 1 << c
		}
	}
	if s.outputs == depthwise.Block && mask == 1<<n-1 {
		return 0
	}
	if mask == 0 {
		return math.MinInt // the bit of a column that no kernel looks at
	}
	return mask
}

func (d *depthwiseConv) format() string {
	if d.turned {
		return fmt.Sprintf("%d lanes turned", d.k.Lanes)
	}
	return fmt.Sprintf("%d lanes", d.k.Lanes)
}

// pack lays out the filter as the kernels want it, for the first output of every channel, then for the second ones, and
// so on.
func (d *depthwiseConv) pack(f *packed, w []float32, room *mem.Room) {
	if f.data = room.Floats(d.filterLen()); !room.Filled() {
		packLanes(f.data, w, d.g.InC, d.taps, d.taps, d.multiplier, d.k.Lanes, d.order)
	}
}

func (d *depthwiseConv) filterLen() int { return lanesLen(d.g.InC, d.taps, d.multiplier, d.k.Lanes) }

// lanesLen is the number of elements that packLanes writes.
func lanesLen(channels, taps, multiplier, lanes int) int {
	return multiplier * ceilDiv(channels, lanes) * taps * lanes
}

// packLanes orders the filter w [channels, multiplier, taps] by vectors of channels: [multiplier, vectors, places, lanes], taps at
// places in the given order, and zeros at those that are left.
func packLanes(p, w []float32, channels, taps, places, multiplier, lanes int, order panel.Order) {
	whole, rest := channels/lanes, channels%lanes
	size := ceilDiv(channels, lanes) * places * lanes
	if places > taps {
		clear(p)
	}
	a := panel.Args{Order: order, RowStep: multiplier * taps, DstStep: places * lanes, SrcStep: lanes * multiplier * taps}
	for i := range multiplier {
		a.Dst, a.Src = p[i*size:], w[i*taps:]
		a.Rows, a.Count = lanes, whole
		panel.Write(&a)
		if rest > 0 {
			a.Dst, a.Src = a.Dst[whole*a.DstStep:], a.Src[whole*a.SrcStep:]
			clear(a.Dst[:places*lanes])
			a.Rows, a.Count = rest, 1
			panel.Write(&a)
		}
	}
}

// vectorsLen is the number of elements of the filter for one output per channel.
func (d *depthwiseConv) vectorsLen() int { return d.groupsOf(d.g.InC) * d.taps * d.k.Lanes }

// scratch holds the bias of the first output of every channel, of the second, and so on.
func (d *depthwiseConv) scratch() int {
	if d.multiplier == 1 {
		return 0
	}
	return d.g.OutC
}

// clipBounds returns the bounds of an activation that is nothing but bounds.
func clipBounds(a gemm.Activation) (lo, hi float32, ok bool) {
	inf := float32(math.Inf(1))
	switch a.Kind {
	case gemm.None:
		return -inf, inf, true
	case gemm.Relu:
		return 0, inf, true
	case gemm.Clip:
		return a.Alpha, a.Beta, true
	}
	return -inf, inf, false
}
