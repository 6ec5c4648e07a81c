package nhwc

import (
	"fmt"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/conv"
	"github.com/onnxrun/onnxrun/internal/kernel/depthwise"
	"github.com/onnxrun/onnxrun/internal/kernel/panel"
	"github.com/onnxrun/onnxrun/internal/mem"
	"github.com/onnxrun/onnxrun/internal/par"
)

// spanned computes depthwise convolutions whose rows have more taps than any kernel slides over: as rows of several spans of 3, 5 or
// 7 taps, the last of which may end with zeros. Each image is copied with the padding of its rows, so that all spans of all outputs
// lie inside.
type spanned struct {
	g      conv.Geom
	inner  *depthwiseConv // of one padded image
	step   int            // elements from one of its pixels to the next
	turned bool           // as in depthwiseConv
}

// spannedShare is the least part of the windows' columns that is no padding: taps one by one leave out what is.
const spannedShare = 0.5

// crowded is a distance of pixels, in bytes, at multiples of which those of a window displace each other from the first-level cache.
const crowded = 512

// slideTaps are the rows of taps that kernels slide over, the widest first.
var slideTaps = [3]int{7, 5, 3}

func newSpanned(g conv.Geom) algorithm {
	last := g.Axes[g.Rank-1]
	if !eachChannel(&g) || last.Kernel <= slideTaps[0] || last.Dilation > 1 || depthwise.Best().Rows(slideTaps[0], last.Stride) == nil {
		return nil
	}
	columns := g
	columns.Rank, columns.Axes[0] = 1, last
	if seen(&columns) < spannedShare {
		return nil
	}
	s := &spanned{g: g}
	span, count := spansOf(last.Kernel)
	g.Batch = 1
	a := &g.Axes[g.Rank-1]
	a.Kernel, a.Lo, a.Hi = span*count, 0, 0
	a.In = (a.Out-1)*a.Stride + a.Kernel
	s.inner, s.step = depthwiseOf(g, span), g.InC
	if 4*g.InC%crowded == 0 {
		s.step += lineFloats
	}
	s.setOrder()
	return s
}

// spansOf divides a row of taps into spans with the fewest zeros, of these the longest.
func spansOf(taps int) (span, count int) {
	for _, n := range slideTaps {
		if m := ceilDiv(taps, n); span == 0 || m*n < span*count {
			span, count = n, m
		}
	}
	return span, count
}

// setOrder says where the taps of a channel go among those of the padded rows.
func (s *spanned) setOrder() {
	taps, width := s.g.Taps(), s.g.Axes[s.g.Rank-1].Kernel
	places := make([]int32, taps)
	for i := range places {
		k := i
		if s.turned {
			k = taps - 1 - i
		}
		places[i] = int32((k/width*s.inner.width + k%width) * s.inner.k.Lanes)
	}
	s.inner.order = panel.NewOrder(places)
}

func (s *spanned) turn() bool {
	s.turned = true
	s.setOrder()
	return s.inner.multiplier == 1
}

func (s *spanned) format() string {
	name := fmt.Sprintf("%d lanes of %d taps", s.inner.k.Lanes, s.inner.width)
	if s.turned {
		name += " turned"
	}
	return name
}

func (s *spanned) filterLen() int { return s.inner.filterLen() }

func (s *spanned) pack(f *packed, w []float32, room *mem.Room) {
	d := s.inner
	if f.data = room.Floats(d.filterLen()); !room.Filled() {
		packLanes(f.data, w, d.g.InC, s.g.Taps(), d.taps, d.multiplier, d.k.Lanes, d.order)
	}
}

// scratch holds a padded image, and what its convolution wants.
func (s *spanned) scratch() int { return s.inner.g.InSize()*s.step + s.inner.scratch() }

func (s *spanned) run(a *Args) {
	g, d := &s.g, s.inner
	size := d.g.InSize() * s.step
	t := spannedCopies.Get().(*spannedCopy)
	t.spanned, t.pixel = s, a.XStep
	image := *a
	image.X, image.Scratch, image.XStep = a.Scratch[:size], a.Scratch[size:], s.step
	for n := range g.Batch {
		t.from, t.to = a.X[n*g.InSize()*a.XStep:], image.X
		var chunks int
		chunks, t.size = par.Split(t.rows(), spannedGrain/(d.g.Axes[g.Rank-1].In*g.InC)+1)
		par.Run(a.Threads, chunks, t)
		image.Y = a.Y[n*g.OutSize()*a.YStep:]
		if a.Residual != nil {
			image.Residual = a.Residual[n*g.OutSize()*a.ResidualStep:]
		}
		d.run(&image)
	}
	*t = spannedCopy{}
	spannedCopies.Put(t)
}

// spannedGrain is the least number of elements that one chunk copies.
const spannedGrain = 64 << 10

// spannedCopy copies an image with the padding of its rows; chunks are ranges of rows.
type spannedCopy struct {
	*spanned
	from, to []float32
	pixel    int // elements from one pixel to the next in from
	size     int
}

var spannedCopies = sync.Pool{New: func() any { return new(spannedCopy) }}

// rows is how many rows an image has.
func (s *spanned) rows() int { return s.g.InSize() / s.g.Axes[s.g.Rank-1].In }

// Chunk copies a range of rows.
func (t *spannedCopy) Chunk(i int) {
	lo, hi := par.Range(i, t.size, t.rows())
	a, c := t.g.Axes[t.g.Rank-1], t.g.InC
	width := t.inner.g.Axes[t.g.Rank-1].In
	n := max(0, min(a.In, width-a.Lo))
	for r := lo; r < hi; r++ {
		row := t.to[r*width*t.step:][:width*t.step]
		clear(row[:a.Lo*t.step])
		for i := range n {
			copy(row[(a.Lo+i)*t.step:][:c], t.from[(r*a.In+i)*t.pixel:])
		}
		clear(row[(a.Lo+n)*t.step:])
	}
}
