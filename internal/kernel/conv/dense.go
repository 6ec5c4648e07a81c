package conv

import (
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
)

const (
	// maxCols and minCols bound the columns that are packed from one set of frames. Both are multiples of every panel width.
	maxCols, minCols = 256, 32
	// blockK is how many rows of the column matrix one tile is expected to have; only buffer sizes depend on it.
	blockK = 256
	// minRows is how many channels a padded window should have for its borders to be handled tap by tap.
	minRows = 16
	// frameElems is the size that the frames of one set should stay below.
	frameElems = 32 << 10
)

// columns describes the column matrix of one image and group: row (channel, tap), column (output position).
type columns struct {
	d, h, w  window.Axis
	taps     [][3]int // what each tap adds to the input position of an output, along each axis
	lo, hi   [3]int   // the least and the most of it
	channels int      // per group
	inPlane  int      // elements of an input plane
	off      []int    // of each row, in the input planes or in the frames
	chanOff  []int    // of each channel in the input planes

	// Strided columns are split by phase in frames, and padding that would be handled for a few rows at a time is copied
	// there; others are read from the planes themselves.
	framed bool
	frame  window.Frame
	step   int // columns packed from one set of frames
}

// newColumns lays out the column matrix of a group of channels. The axes say where the window of an output begins; taps
// list what it reads; windows tells that these are the windows of the axes, so that frames may be used.
func newColumns(channels int, d, h, w window.Axis, taps [][3]int, windows bool) *columns {
	c := &columns{d: d, h: h, w: w, taps: taps, channels: channels, inPlane: d.In * h.In * w.In, step: maxCols}
	for _, t := range taps {
		for i, v := range t {
			c.lo[i], c.hi[i] = min(c.lo[i], v), max(c.hi[i], v)
		}
	}
	c.framed = w.Stride > 1 || windows && min(channels, blockK/len(taps)) < minRows && d.Lo+d.Hi+h.Lo+h.Hi+w.Lo+w.Hi > 0
	c.chanOff = spread(channels, c.inPlane, []int{0})
	if c.framed {
		c.layoutFrames()
		return c
	}
	off := make([]int, len(taps))
	for i, t := range taps {
		off[i] = (t[0]*h.In+t[1])*w.In + t[2]
	}
	c.off = spread(channels, c.inPlane, off)
	return c
}

// layoutFrames chooses how many columns are packed from one set of frames.
func (c *columns) layoutFrames() {
	for ; ; c.step /= 2 {
		c.frame = window.NewFrame(c.d, c.h, c.w, 1, min(c.h.Out, (c.step-2)/c.w.Out+2))
		if c.step == minCols || c.frame.Len(min(c.channels, blockK/len(c.taps)+2)) <= frameElems {
			c.off = spread(c.channels, c.frame.Plane, c.frame.Offsets(nil))
			return
		}
	}
}

// spread repeats the offsets of the taps for every channel.
func spread(channels, pitch int, taps []int) []int {
	off := make([]int, 0, channels*len(taps))
	for c := range channels {
		for _, t := range taps {
			off = append(off, c*pitch+t)
		}
	}
	return off
}

// denseColumns is the column matrix of a forward convolution: channel by channel, tap by tap.
func denseColumns(g *Geom) *columns {
	d, h, w := g.axes()
	var taps [][3]int
	for kd := range d.Kernel {
		for kh := range h.Kernel {
			for kw := range w.Kernel {
				taps = append(taps, [3]int{kd * d.Dilation, kh * h.Dilation, kw * w.Dilation})
			}
		}
	}
	return newColumns(g.InC/g.Groups, d, h, w, taps, true)
}

// product is one running matrix product and the source of its columns.
type product struct {
	c    *columns
	x    []float32
	base int // first column
	args gemm.Args
}

var products = sync.Pool{New: func() any { return new(product) }}

func (t *product) release() {
	*t = product{}
	products.Put(t)
}

func (p *Plan) runProduct(a *Args) {
	g := &p.g
	t := products.Get().(*product)
	k, out := g.InC/g.Groups*p.taps, g.OutSize()
	t.args = gemm.Args{M: g.OutC / g.Groups, N: out, K: k, A: a.W, ARS: k, ACS: 1, C: a.Y, LDC: out, Batch: p.items, Threads: a.Threads}
	t.args.Epilogue = gemm.Epilogue{RowBias: a.Bias, Residual: a.Residual, LDR: out, AddLast: a.AddLast, Act: a.Act}
	if p.alg == pointwise {
		t.args.B, t.args.BRS, t.args.BCS = a.X, out, 1
	} else {
		t.c, t.x = p.cols, a.X
		t.args.Source = t
	}
	gemm.Run(&t.args)
	t.release()
}

// PackTile packs a part of the column matrix of one image and group.
func (t *product) PackTile(dst []float32, tile gemm.Tile) {
	c := t.c
	s := window.GetScratch(0)
	pk := packer{c: c, k: window.ForWidth(tile.NR), s: s, tile: tile, x: t.x[tile.Item*c.channels*c.inPlane:]}
	kb := tile.K1 - tile.K0
	end := t.base + tile.N1
	for n0 := t.base + tile.N0; n0 < end; n0 += c.step {
		n1 := min(n0+c.step, end)
		if c.framed {
			pk.fill(n0, n1)
		}
		for n := n0; n < n1; n += tile.NR {
			pk.panel(dst[:kb*tile.NR], n, min(n+tile.NR, n1))
			dst = dst[kb*tile.NR:]
		}
	}
	s.Release()
}
