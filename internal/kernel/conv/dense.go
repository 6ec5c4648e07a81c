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
	// frameElems is the size that the frames of one set should stay below.
	frameElems = 32 << 10
)

// columns describes the column matrix of one image and group: row (channel, tap), column (output position).
type columns struct {
	frame    window.Frame
	taps     int   // rows per channel
	off      []int // of each row: its offset in the frames, or in the planes with direct
	direct   bool  // columns are read from the planes themselves
	step     int   // columns packed from one set of frames
	channels int   // per group
	inPlane  int   // elements of an input plane
}

// newColumns lays out frames and offsets for a group of channels. offsets lists the taps of a frame; direct, when not
// nil, those of an unpadded plane.
func newColumns(channels, plane int, d, h, w window.Axis, offsets func(f *window.Frame) []int, direct []int) columns {
	c := columns{channels: channels, inPlane: plane, direct: direct != nil}
	for c.step = maxCols; ; c.step /= 2 {
		c.frame = window.NewFrame(d, h, w, 1, min(h.Out, (c.step-2)/w.Out+2))
		taps := offsets(&c.frame)
		c.taps = len(taps)
		if c.step == minCols || c.frame.Len(min(channels, blockK/max(1, c.taps)+2)) <= frameElems {
			pitch := c.frame.Plane
			if c.direct {
				taps, pitch = direct, plane
			}
			c.off = spread(channels, pitch, taps)
			return c
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
	var direct []int
	if d.Lo|d.Hi|h.Lo|h.Hi|w.Lo|w.Hi == 0 && w.Stride == 1 && fits(d) && fits(h) && fits(w) {
		direct = directOffsets(d, h, w)
	}
	c := newColumns(g.InC/g.Groups, g.InSize(), d, h, w, func(f *window.Frame) []int { return f.Offsets(nil) }, direct)
	return &c
}

// fits tells whether no window of an unpadded axis reaches over the end, as they may with ceil_mode.
func fits(a window.Axis) bool { return (a.Out-1)*a.Stride+a.Extent() <= a.In }

// directOffsets returns the offsets of the taps in an input plane.
func directOffsets(d, h, w window.Axis) []int {
	var off []int
	for kd := range d.Kernel {
		for kh := range h.Kernel {
			for kw := range w.Kernel {
				off = append(off, (kd*d.Dilation*h.In+kh*h.Dilation)*w.In+kw*w.Dilation)
			}
		}
	}
	return off
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
	c0, c1 := tile.K0/c.taps, (tile.K1-1)/c.taps+1
	x := t.x[(tile.Item*c.channels+c0)*c.inPlane:][:(c1-c0)*c.inPlane]
	s := window.GetScratch(0)
	pk := packer{c: c, k: window.ForWidth(tile.NR), s: s, channels: c1 - c0, tile: tile, shift: c0 * c.frame.Plane}
	if c.direct {
		pk.shift = c0 * c.inPlane
		pk.src = x
	}
	kb := tile.K1 - tile.K0
	end := t.base + tile.N1
	for n0 := t.base + tile.N0; n0 < end; n0 += c.step {
		n1 := min(n0+c.step, end)
		if !c.direct {
			pk.fill(x, n0, n1)
		}
		for n := n0; n < n1; n += tile.NR {
			pk.panel(dst[:kb*tile.NR], n, min(n+tile.NR, n1))
			dst = dst[kb*tile.NR:]
		}
	}
	s.Release()
}
