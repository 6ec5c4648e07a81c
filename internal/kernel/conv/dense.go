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

// layoutDense lays out the frames and the offsets of the rows of the column matrix: channel by channel, tap by tap.
func (p *Plan) layoutDense() {
	g := &p.g
	d, h, w := g.axes()
	pads := d.Lo | d.Hi | h.Lo | h.Hi | w.Lo | w.Hi
	p.direct = pads == 0 && w.Stride == 1 && fits(d) && fits(h) && fits(w)
	icg := g.InC / g.Groups
	channels := min(icg, blockK/p.taps+2)
	for p.cols = maxCols; ; p.cols /= 2 {
		p.frame = window.NewFrame(d, h, w, 1, min(h.Out, (p.cols-2)/w.Out+2))
		if p.cols == minCols || p.frame.Len(channels) <= frameElems {
			break
		}
	}
	taps := p.frame.Offsets(nil)
	plane := p.frame.Plane
	if p.direct {
		taps, plane = directOffsets(d, h, w), g.InSize()
	}
	p.off = make([]int, 0, icg*p.taps)
	for c := range icg {
		for _, t := range taps {
			p.off = append(p.off, c*plane+t)
		}
	}
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
	p    *Plan
	x    []float32
	args gemm.Args
}

var products = sync.Pool{New: func() any { return new(product) }}

func (p *Plan) runProduct(a *Args) {
	g := &p.g
	t := products.Get().(*product)
	k, out := g.InC/g.Groups*p.taps, g.OutSize()
	t.args = gemm.Args{M: g.OutC / g.Groups, N: out, K: k, A: a.W, ARS: k, ACS: 1, C: a.Y, LDC: out, Batch: p.items, Threads: a.Threads}
	t.args.Epilogue = gemm.Epilogue{RowBias: a.Bias, Residual: a.Residual, LDR: out, AddLast: a.AddLast, Act: a.Act}
	if p.alg == pointwise {
		t.args.B, t.args.BRS, t.args.BCS = a.X, out, 1
	} else {
		t.p, t.x = p, a.X
		t.args.Source = t
	}
	gemm.Run(&t.args)
	*t = product{}
	products.Put(t)
}

// PackTile packs a part of the column matrix of one image and group.
func (t *product) PackTile(dst []float32, tile gemm.Tile) {
	p := t.p
	g := &p.g
	icg := g.InC / g.Groups
	c0, c1 := tile.K0/p.taps, (tile.K1-1)/p.taps+1
	in := g.InSize()
	x := t.x[(tile.Item/g.Groups*g.InC+tile.Item%g.Groups*icg+c0)*in:][:(c1-c0)*in]
	s := window.GetScratch(0)
	pk := packer{p: p, k: window.ForWidth(tile.NR), s: s, channels: c1 - c0, tile: tile, shift: c0 * p.frame.Plane}
	if p.direct {
		pk.shift = c0 * in
		pk.src = x
	}
	kb := tile.K1 - tile.K0
	for n0 := tile.N0; n0 < tile.N1; n0 += p.cols {
		n1 := min(n0+p.cols, tile.N1)
		if !p.direct {
			pk.fill(x, n0, n1)
		}
		for n := n0; n < n1; n += tile.NR {
			pk.panel(dst[:kb*tile.NR], n, min(n+tile.NR, n1))
			dst = dst[kb*tile.NR:]
		}
	}
	s.Release()
}

// packer packs panels from a set of frames: one frame for each depth slice that the columns touch.
type packer struct {
	p        *Plan
	k        *window.Kernels
	s        *window.Scratch
	tile     gemm.Tile
	channels int
	shift    int // offset of the first channel
	src      []float32
	d0, h0   int // first output row of the first frame
	frameLen int
}

// fill builds the frames for output columns [n0, n1).
func (k *packer) fill(x []float32, n0, n1 int) {
	f := &k.p.frame
	rows := f.H.Out
	r0, r1 := n0/f.W.Out, (n1-1)/f.W.Out
	k.d0, k.h0 = r0/rows, r0%rows
	count := r1/rows - k.d0 + 1
	size := f.Plane*k.channels + window.MaxLanes
	k.s.Grow(count * size)
	k.src = k.s.Buf
	k.frameLen = size
	for i := range count {
		h0 := 0
		if i == 0 {
			h0 = k.h0
		}
		frame := k.src[i*size:][:size]
		f.Reset(frame, k.channels, 0)
		f.Fill(k.k, k.s, frame, x, k.channels, k.d0+i, h0)
	}
}

// panel packs columns [n0, n1), vector by vector.
func (k *packer) panel(dst []float32, n0, n1 int) {
	a := &k.s.Pack
	a.Src, a.Off, a.Step = k.src, k.p.off[k.tile.K0:k.tile.K1], k.tile.NR
	for lane := 0; lane < k.tile.NR; lane += k.k.Lanes {
		a.Segs = k.segments(a.Segs[:0], n0+lane, min(n0+lane+k.k.Lanes, n1))
		a.Dst = dst[lane:]
		k.k.PackTaps(a)
	}
}

// segments cuts the vector of columns [n0, n1) into runs of one output row each.
func (k *packer) segments(segs []window.Seg, n0, n1 int) []window.Seg {
	f := &k.p.frame
	width := f.W.Out
	row, col := n0/width, n0%width
	for n := n0; n < n1; {
		count := min(width-col, n1-n)
		lane := n - n0
		segs = append(segs, window.Seg{Delta: k.at(row) + col - lane - k.shift, Lanes: (1<<count - 1) << lane})
		n += count
		row, col = row+1, 0
	}
	return segs
}

// at is where an output row begins in src.
func (k *packer) at(row int) int {
	f := &k.p.frame
	d, h := row/f.H.Out, row%f.H.Out
	if k.p.direct {
		return (d*f.D.Stride*f.H.In + h*f.H.Stride) * f.W.In
	}
	if d == k.d0 {
		h -= k.h0
	}
	return (d-k.d0)*k.frameLen + f.At(0, h)
}
