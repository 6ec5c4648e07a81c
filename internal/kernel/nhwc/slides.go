package nhwc

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/cpu"
	"github.com/onnxrun/onnxrun/internal/kernel/conv"
	"github.com/onnxrun/onnxrun/internal/kernel/direct"
	"github.com/onnxrun/onnxrun/internal/kernel/panel"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
	"github.com/onnxrun/onnxrun/internal/mem"
)

// slides computes convolutions over one or two axes in groups of a vector of channels, or of a part of one, whose windows have three taps
// along the last axis: a vector of output channels, one group or some, is a unit. Kernels slide over the pixels of a row, which they bring to the
// lanes once for all outputs that see them. They read frames of a vector of channels that stay in the first-level cache.
type slides struct {
	g       conv.Geom
	h, w    window.Axis
	width   int // channels of a group
	lanes   int // of a unit
	frameW  int // pixels of a row of a frame
	frame   int // elements of a frame
	kernels []func(*direct.SlideArgs)
	deal    func(*direct.DealArgs)
	args    direct.SlideArgs // what all calls have in common
	zeros   []float32
	order   panel.Order

	// A chunk computes some units for some rows and columns of outputs.
	units, rows, cols int
	grid              [3]int // chunks: of units, rows and columns
}

const (
	// slideFrames bounds the frames of a chunk to part of a second-level cache.
	slideFrames = 64 << 10
	// slideMACs is the work that a chunk should not exceed by much with more units than it has at least.
	slideMACs = 512 << 10
	// slideTiles is how many tiles of outputs a row of a frame has at most, so that a frame has several rows.
	slideTiles = 4
)

// slideBounds are those of kernels: frame elements, half of a first-level cache, and how many units a chunk has at least, for the sake of
// reading memory as it lies.
type slideBounds struct{ frame, units int }

// slidingWide is the number of lanes from which on vectors may be computed in halves.
const slidingWide = 16

// sliding returns the kernels, nil where there are none or others are faster: not measured where vectors of 512 bits are computed in halves.
func sliding() *direct.Kernels {
	all := direct.All()
	if k := all[len(all)-1]; k.Slides != nil && (k.Lanes < slidingWide || !cpu.SplitsZMM()) {
		return k
	}
	return nil
}

// bounds are those of this processor's kernels.
func (s *slides) bounds() slideBounds {
	if s.lanes < slidingWide {
		return slideBounds{frame: 4 << 10, units: 16}
	}
	return slideBounds{frame: 6 << 10, units: 4}
}

func newSlides(g conv.Geom) algorithm {
	k := sliding()
	if k == nil || g.Rank > 2 {
		return nil
	}
	width := g.InC / g.Groups
	list := axes(&g)
	h, w := list[1], list[2]
	if g.OutC != g.InC || width < 2 || k.Lanes%width != 0 || !h.Framed() || !w.Framed() ||
		h.Kernel == 0 || w.Kernel != direct.SlideTaps || w.Dilation > 1 || w.Stride > len(k.Slides) {
		return nil
	}
	kernels := k.Slides
	if width < k.Lanes {
		kernels = k.Permutes
	}
	if kernels == nil || k.Lanes < slidingWide && waits(w, len(kernels[0])) {
		return nil
	}
	s := &slides{g: g, h: h, w: w, width: width, lanes: k.Lanes, kernels: kernels[w.Stride-1], deal: k.Deal, zeros: make([]float32, k.Lanes)}
	s.cut()
	s.layout()
	return s
}

// waits reports whether rows at stride 1 would be cut into tiles of so few outputs that their sums wait for each other: kernels of direct
// convolution take such a row at once, or in larger tiles.
func waits(w window.Axis, most int) bool {
	const enough = 8
	return w.Stride == 1 && w.Out > most && w.Out/ceilDiv(w.Out, most) < enough
}

// cut cuts the work into chunks.
func (s *slides) cut() {
	h, w, b := s.h, s.w, s.bounds()
	s.cols = even(w.Out, slideTiles*len(s.kernels))
	s.frameW = slideSpan(w, s.cols)
	s.rows = even(h.Out, fit(h, b.frame/(s.frameW*s.lanes)))
	s.frame = slideSpan(h, s.rows) * s.frameW * s.lanes
	units := ceilDiv(s.g.OutC, s.lanes)
	near := max(b.units, slideMACs/(s.rows*s.cols*s.lanes*s.width*s.g.Taps()))
	s.units = even(units, max(1, min(near, slideFrames/s.frame)))
	s.grid = [3]int{ceilDiv(units, s.units), ceilDiv(h.Out, s.rows), ceilDiv(w.Out, s.cols)}
}

// slideSpan is the number of inputs that the windows of n outputs cover.
func slideSpan(a window.Axis, n int) int { return (n-1)*a.Stride + a.Extent() }

// layout places the taps in frames and in the filter.
func (s *slides) layout() {
	a, row := &s.args, s.frameW*s.lanes
	for i := range s.h.Kernel {
		a.Off = append(a.Off, i*s.h.Dilation*row)
	}
	for lane := range s.lanes {
		a.From[lane] = int32(lane / s.width * s.width)
	}
	a.Channels, a.XRow = s.width, s.h.Stride*row
	taps := s.g.Taps()
	places := make([]int32, s.width*taps)
	for i := range places {
		c, t := i/taps, i%taps
		places[i] = int32(((t/direct.SlideTaps*s.width+c)*direct.SlideTaps + t%direct.SlideTaps) * s.lanes)
	}
	s.order = panel.NewOrder(places)
}

func (s *slides) format() string {
	return fmt.Sprintf("slides of %d lanes, groups of %d", s.lanes, s.width)
}

// unitLen is the number of elements of the filter of a unit.
func (s *slides) unitLen() int { return s.width * s.g.Taps() * s.lanes }

func (s *slides) filterLen() int { return ceilDiv(s.g.OutC, s.lanes) * s.unitLen() }

// pack orders the filter [OutC, InC/Groups, Kernel...] by units: [units, rows of the kernel, InC/Groups, taps of a row, lanes], zeros in
// those without a channel.
func (s *slides) pack(f *packed, w []float32, room *mem.Room) {
	f.data = room.Floats(s.filterLen())
	if room.Filled() {
		return
	}
	k := s.width * s.g.Taps()
	for first := 0; first < s.g.OutC; first += s.lanes {
		dst, rows := f.data[first*k:][:s.unitLen()], min(s.lanes, s.g.OutC-first)
		if rows < s.lanes {
			clear(dst)
		}
		panel.Write(&panel.Args{Dst: dst, Src: w[first*k:], Order: s.order, Rows: rows, RowStep: k, Count: 1})
	}
}

func (s *slides) scratch() int { return 0 }
