package nhwc

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/kernel/conv"
	"github.com/onnxrun/onnxrun/internal/kernel/direct"
	"github.com/onnxrun/onnxrun/internal/kernel/panel"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
	"github.com/onnxrun/onnxrun/internal/mem"
)

// directConv computes convolutions over one or two axes without matrices: one or two vectors of output channels are
// summed up for some neighbouring outputs at once. Inputs are copied to frames: some channels of a block of outputs'
// windows, with the padding around them.
type directConv struct {
	g             conv.Geom
	h, w          window.Axis
	single, panel panelKernels // of one vector, and of as many as a group has for it
	icg, taps     int
	channels      int   // that lie together in a frame
	off           []int // of the taps in a frame
	zeros         []float32
	wide, narrow  interleaving // of the weights of panels, and of the last one
	to            placement

	// A unit is a group, or the groups that share a vector; a chunk computes some units, or a part of the only one's panels,
	// for some rows and columns of outputs.
	in, out        int // channels of a unit
	units, panels  int // units of a chunk, panels of a part of a unit
	rows, cols     int
	grid           [4]int // chunks: of units, parts, rows and columns
	frameH, frameW int
}

// placement says where outputs lie, in elements: those of one image from first on.
type placement struct{ first, image, row, col int }

// panelKernels are kernels of some lanes.
type panelKernels struct {
	list  []func(*direct.Args)
	lanes int
}

const (
	// directK bounds the filter of one output: beyond, the weights of a vector and the frame would fill the second-level cache.
	directK = 5120
	// frameChannels is about how many channels of several groups a frame has, two cache lines; frameElems bounds the frame to
	// part of a second-level cache.
	frameChannels, frameElems = 32, 64 << 10
	// directMACs is the work that a chunk should not exceed by much.
	directMACs = 4 << 20
	// directOutputs is how many outputs should share a reading of the filter.
	directOutputs = 400
)

func newDirect(g conv.Geom) algorithm {
	icg, ocg := g.InC/g.Groups, g.OutC/g.Groups
	if g.Rank > 2 || g.Depthwise() || icg*g.Taps() > directK || icg*g.Taps() == 0 {
		return nil
	}
	list := axes(&g)
	d := &directConv{g: g, h: list[1], w: list[2], icg: icg, taps: g.Taps(), in: icg, out: ocg, zeros: make([]float32, g.OutC)}
	if !d.h.Framed() || !d.w.Framed() || !d.choose() {
		return nil
	}
	d.to = placement{0, g.OutSize() * g.OutC, d.w.Out * g.OutC, g.OutC}
	if d.h.Stride >= d.h.Extent() && d.w.Stride >= d.w.Extent() && icg*d.taps >= 256 { // nothing to share between outputs
		return nil
	}
	if d.out < d.single.lanes {
		d.in, d.out = d.single.lanes, d.single.lanes
	}
	d.cut()
	d.layout()
	return d
}

// choose finds kernels for the groups; it reports false if there are none. The kernels in Go serve only where there are no
// others: products are faster.
func (d *directConv) choose() bool {
	all := direct.All()
	if len(all) > 1 {
		all = all[1:]
	}
	ocg := d.g.OutC / d.g.Groups
	for i := len(all) - 1; i >= 0; i-- {
		k := all[i]
		if ocg%k.Lanes == 0 {
			d.single = panelKernels{k.Broadcast[0], k.Lanes}
			if d.panel = d.single; ocg > k.Lanes {
				d.panel = panelKernels{k.Broadcast[1], 2 * k.Lanes}
			}
			return true
		}
		if d.g.OutC%k.Lanes != 0 || d.icg != ocg || ocg != 2 && ocg != 4 {
			continue
		}
		d.single = panelKernels{k.Shuffle2, k.Lanes}
		if ocg == 4 {
			d.single.list = k.Shuffle4
		}
		d.panel = d.single
		return true
	}
	return false
}

// cut cuts the work into chunks.
func (d *directConv) cut() {
	units := d.g.OutC / d.out
	d.units = min(units, max(1, frameChannels/d.in))
	pixels := frameElems / d.pitch() // of a frame
	d.cols = d.w.Out
	if d.span(d.w, d.cols)*d.h.Extent() > 2*pixels {
		most := len(d.panel.list)
		d.cols = max(4*most, fit(d.w, pixels/d.h.Extent())/most*most)
	}
	d.cols = even(d.w.Out, d.cols)
	d.frameW = d.span(d.w, d.cols)
	d.rows = even(d.h.Out, fit(d.h, pixels/d.frameW))
	perPanel := d.rows * d.cols * d.panel.lanes * d.icg * d.taps
	panels := ceilDiv(d.out, d.panel.lanes)
	d.panels = panels
	if units == 1 {
		d.panels = even(panels, max(1, directMACs/perPanel))
	} else {
		d.units = even(units, min(d.units, max(1, directMACs/(perPanel*panels))))
	}
	enough := max(ceilDiv(directOutputs, d.cols), d.rows*directMACs/(perPanel*d.panels*d.units))
	d.rows = even(d.h.Out, min(d.rows, enough))
	d.frameH = d.span(d.h, d.rows)
	d.grid = [4]int{ceilDiv(units, d.units), ceilDiv(panels, d.panels), ceilDiv(d.h.Out, d.rows), ceilDiv(d.w.Out, d.cols)}
}

// span is the number of inputs that the windows of n outputs cover.
func (d *directConv) span(a window.Axis, n int) int { return (n-1)*a.Stride + a.Extent() }

// fit is how many outputs have windows within n inputs, at least 1.
func fit(a window.Axis, n int) int { return min(a.Out, max(1, (n-a.Extent())/a.Stride+1)) }

// even is the size of the parts of n that are equal and at most size.
func even(n, size int) int { return ceilDiv(n, ceilDiv(n, min(n, size))) }

// layout places the taps in the frame.
func (d *directConv) layout() {
	span := 1
	if d.g.Groups == 1 && d.w.Dilation == 1 { // the taps of a row lie together
		span = d.w.Kernel
	}
	d.channels = span * d.icg
	for i := range d.h.Kernel {
		for j := 0; j < d.w.Kernel; j += span {
			d.off = append(d.off, (i*d.h.Dilation*d.frameW+j*d.w.Dilation)*d.pitch())
		}
	}
}

// pitch is the distance of the pixels of a frame.
func (d *directConv) pitch() int { return d.units * d.in }

func (d *directConv) format() string {
	return fmt.Sprintf("panels of %d and %d of %d", d.panel.lanes, d.single.lanes, d.out)
}

// pack orders the filter [OutC, InC/Groups, Kernel...] by panels of output channels of a unit: [panels, Kernel...,
// InC/Groups, channels of the panel].
func (d *directConv) pack(f *packed, w []float32, room *mem.Room) {
	f.data = room.Floats(d.filterLen())
	if room.Filled() {
		return
	}
	k := d.icg * d.taps
	for unit := 0; unit < d.g.OutC; unit += d.out {
		for at := 0; at < d.out; at += d.panel.lanes {
			n, order := d.panel.lanes, &d.wide
			if d.out-at < n {
				n, order = d.out-at, &d.narrow
			}
			oc := unit + at
			panel.Write(&panel.Args{Dst: f.data[oc*k:], Src: w[oc*k:], Order: order.of(d.icg, d.taps, n), Rows: n, RowStep: k, Count: 1})
		}
	}
}

func (d *directConv) filterLen() int { return d.g.OutC * d.icg * d.taps }

func (d *directConv) scratch() int { return 0 }
