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
	padded        int          // channels of a unit with those that fill its last vector
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

// placement says where outputs lie, in pixels: those of one image from first on.
type placement struct{ first, image, row, col int }

// panelKernels are kernels of some lanes.
type panelKernels struct {
	list  []func(*direct.Args)
	lanes int
}

const (
	// directK bounds the filter of one output: beyond, the weights of two vectors and the frame would fill the second-level cache. More
	// vectors have no more weights than two with half of it.
	directK = 5120
	// loneK bounds the filter of an only output channel, for which most lanes of a vector work in vain.
	loneK = 128
	// frameChannels is about how many channels of several groups a frame has, two cache lines; frameElems bounds the frame to
	// part of a second-level cache.
	frameChannels, frameElems = 32, 64 << 10
	// directMACs is the work that a chunk should not exceed by much.
	directMACs = 4 << 20
	// Where the rows of outputs are cut into fewer than evenChunks chunks these are an even number, at least fewestChunks of leastMACs or more.
	evenChunks, fewestChunks, leastMACs = 16, 8, 256 << 10
	// productC is how many output channels pay for copying patches; way is the size of a way of the first-level cache, in bytes.
	productC, way = 256, 4 << 10
	// directOutputs is how many outputs should share a reading of the filter.
	directOutputs = 400
)

func newDirect(g conv.Geom) algorithm {
	icg, ocg := g.InC/g.Groups, g.OutC/g.Groups
	if g.Rank > 2 || g.Depthwise() || icg*g.Taps() == 0 || ocg == 1 && icg*g.Taps() > loneK {
		return nil
	}
	list := axes(&g)
	d := &directConv{g: g, h: list[1], w: list[2], icg: icg, taps: g.Taps(), in: icg, out: ocg}
	if !d.h.Framed() || !d.w.Framed() {
		return nil
	}
	if d.choose(); icg*d.taps*d.panel.lanes > directK*2*widest() {
		return nil
	}
	if g.Groups == 1 && d.forProducts() {
		return nil
	}
	d.to = placement{0, g.OutSize(), d.w.Out, 1}
	if d.h.Stride >= d.h.Extent() && d.w.Stride >= d.w.Extent() && (icg*d.taps >= 256 || d.taps == 1 && g.Groups == 1) { // nothing to share between outputs
		return nil
	}
	d.padded = ceilDiv(d.out, d.single.lanes) * d.single.lanes
	d.zeros = make([]float32, d.padded)
	d.cut()
	d.layout()
	return d
}

// forProducts tells whether a product of patches is faster: where frames have few outputs, along one axis or because windows are far
// apart, reading the filter for each of them costs more than copying patches for many channels; and where the inputs of
// neighbouring outputs are a multiple of way bytes apart, they displace each other from the first-level cache.
func (d *directConv) forProducts() bool {
	apart := 4 * d.w.Stride * d.icg
	return d.g.OutC >= productC && (d.w.Stride > 1 || d.h.Out == 1) || apart%way == 0
}

// widest is the number of lanes of the widest vector.
func widest() int {
	all := direct.All()
	return all[len(all)-1].Lanes
}

// choose takes the kernels for the groups that leave the fewest lanes without a channel. Those in Go serve only where there are
// no others: products are faster.
func (d *directConv) choose() {
	all := direct.All()
	if len(all) > 1 {
		all = all[1:]
	}
	ocg := d.g.OutC / d.g.Groups
	for i := len(all) - 1; i >= 0; i-- {
		k := all[i]
		if ocg%k.Lanes == 0 {
			d.broadcast(k)
			return
		}
		if d.g.OutC%k.Lanes != 0 || d.icg != ocg || ocg != 2 && ocg != 4 {
			continue
		}
		d.single = panelKernels{k.Shuffle2, k.Lanes}
		if ocg == 4 {
			d.single.list = k.Shuffle4
		}
		d.panel = d.single
		d.in, d.out = k.Lanes, k.Lanes
		return
	}
	d.broadcast(all[len(all)-1])
	for _, k := range all {
		if ceilDiv(ocg, k.Lanes)*k.Lanes < ceilDiv(ocg, d.single.lanes)*d.single.lanes {
			d.broadcast(k)
		}
	}
}

// broadcast takes the kernels of channels that all lanes read.
func (d *directConv) broadcast(k *direct.Kernels) {
	d.single = panelKernels{k.Broadcast[0], k.Lanes}
	d.panel = d.single
	for v := min(k.Vectors, len(k.Broadcast)); v > 1; v-- {
		lanes := v * k.Lanes
		rest := d.out % lanes
		whole := d.out >= lanes && (rest == 0 || v == 4 && rest <= k.Lanes) && d.icg*d.taps*lanes <= directK*widest()
		if whole || v == 2 && d.out > k.Lanes {
			d.panel = panelKernels{k.Broadcast[v-1], lanes}
			return
		}
	}
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
	if d.ragged() {
		enough = min(enough, max(1, frameElems/(d.cols*d.panel.lanes)))
	}
	d.rows = even(d.h.Out, min(d.rows, enough))
	d.grid = [4]int{ceilDiv(units, d.units), ceilDiv(panels, d.panels), ceilDiv(d.h.Out, d.rows), ceilDiv(d.w.Out, d.cols)}
	if parts := d.evenParts(); parts > d.grid[2] {
		d.rows = even(d.h.Out, ceilDiv(d.h.Out, parts))
		d.grid[2] = ceilDiv(d.h.Out, d.rows)
	}
	d.frameH = d.span(d.h, d.rows)
}

// evenParts returns into how many parts to cut the rows of outputs, more where there are so few chunks that two threads would not have as
// much to do.
func (d *directConv) evenParts() int {
	others := d.g.Batch * d.grid[0] * d.grid[1] * d.grid[3]
	chunks := others * d.grid[2]
	if chunks >= evenChunks || others%2 == 0 {
		return d.grid[2]
	}
	work := d.g.Batch * d.g.OutSize() * d.g.OutC * d.icg * d.taps
	parts := min(max(d.grid[2], ceilDiv(fewestChunks, others)), ceilDiv(work, others*leastMACs))
	return max(d.grid[2], parts+parts%2)
}

// ragged tells whether the last vector of a unit has lanes without a channel. Its outputs go to scratch memory first.
func (d *directConv) ragged() bool { return d.padded > d.out }

// kernels are those of a panel with so many channels, at most those of a whole one.
func (d *directConv) kernels(channels int) panelKernels {
	if channels <= d.single.lanes {
		return d.single
	}
	return d.panel
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
// InC/Groups, lanes of the panel], zeros in those without a channel.
func (d *directConv) pack(f *packed, w []float32, room *mem.Room) {
	d.packRows(f, filterRows{elems: w, each: d.rowLen()}, room)
}

func (d *directConv) rowLen() int { return d.icg * d.taps }

func (d *directConv) packRows(f *packed, w filterRows, room *mem.Room) {
	f.data = room.Floats(d.filterLen())
	if room.Filled() {
		return
	}
	s := window.GetScratch(0)
	defer s.Release()
	k := d.icg * d.taps
	for unit := range d.g.OutC / d.out {
		for at := 0; at < d.out; at += d.panel.lanes {
			rows, order := min(d.panel.lanes, d.out-at), &d.wide
			lanes := d.kernels(rows).lanes
			if lanes < d.panel.lanes {
				order = &d.narrow
			}
			dst, src := f.data[(unit*d.padded+at)*k:][:lanes*k], w.of(s, unit*d.out+at, rows)
			if rows < lanes {
				clear(dst)
			}
			panel.Write(&panel.Args{Dst: dst, Src: src, Order: order.of(d.icg, d.taps, lanes), Rows: rows, RowStep: k, Count: 1})
		}
	}
}

func (d *directConv) filterLen() int { return d.g.OutC / d.out * d.padded * d.icg * d.taps }

func (d *directConv) scratch() int { return 0 }
