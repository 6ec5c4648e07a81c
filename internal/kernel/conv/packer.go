package conv

import (
	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
)

// packer packs panels from a set of frames: one frame for each depth slice that the columns touch.
type packer struct {
	c        *columns
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
	f := &k.c.frame
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
	a.Src, a.Off, a.Step = k.src, k.c.off[k.tile.K0:k.tile.K1], k.tile.NR
	for lane := 0; lane < k.tile.NR; lane += k.k.Lanes {
		a.Segs = k.segments(a.Segs[:0], n0+lane, min(n0+lane+k.k.Lanes, n1))
		a.Dst = dst[lane:]
		k.k.PackTaps(a)
	}
}

// segments cuts the vector of columns [n0, n1) into runs of one output row each.
func (k *packer) segments(segs []window.Seg, n0, n1 int) []window.Seg {
	f := &k.c.frame
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
	f := &k.c.frame
	d, h := row/f.H.Out, row%f.H.Out
	if k.c.direct {
		return (d*f.D.Stride*f.H.In + h*f.H.Stride) * f.W.In
	}
	if d == k.d0 {
		h -= k.h0
	}
	return (d-k.d0)*k.frameLen + f.At(0, h)
}
