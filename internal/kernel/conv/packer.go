package conv

import (
	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
)

// packer packs panels of one tile, from the input planes or from a set of frames: one frame for each depth slice that
// the columns touch.
type packer struct {
	c        *columns
	k        *window.Kernels
	s        *window.Scratch
	tile     gemm.Tile
	x        []float32 // planes of the group
	d0, h0   int       // first output row of the first frame
	frameLen int
	runs     [window.MaxLanes]run
}

// run is a part of a vector: adjacent outputs of one row.
type run struct {
	at          [3]int // input position that the window of the first output begins at
	lane, count int
}

// fill builds the frames for output columns [n0, n1).
func (k *packer) fill(n0, n1 int) {
	f := &k.c.frame
	taps := len(k.c.taps)
	c0, c1 := k.tile.K0/taps, (k.tile.K1-1)/taps+1
	x := k.x[c0*k.c.inPlane : c1*k.c.inPlane]
	rows := f.H.Out
	r0, r1 := n0/f.W.Out, (n1-1)/f.W.Out
	k.d0, k.h0 = r0/rows, r0%rows
	count := r1/rows - k.d0 + 1
	k.frameLen = f.Len(c1 - c0)
	k.s.Grow(count * k.frameLen)
	for i := range count {
		h0 := 0
		if i == 0 {
			h0 = k.h0
		}
		frame := k.s.Buf[i*k.frameLen:][:k.frameLen]
		f.Reset(frame, c1-c0, 0)
		f.Fill(k.k, k.s, frame, x, c1-c0, k.d0+i, h0)
	}
}

// panel packs columns [n0, n1), vector by vector.
func (k *packer) panel(dst []float32, n0, n1 int) {
	a := &k.s.Pack
	for lane := 0; lane < k.tile.NR; lane += k.k.Lanes {
		v0, v1 := n0+lane, min(n0+lane+k.k.Lanes, n1)
		a.Segs, a.Step, a.Dst = a.Segs[:0], k.tile.NR, dst[lane:]
		a.Off = k.c.off[k.tile.K0:k.tile.K1]
		if k.c.framed {
			a.Src = k.s.Buf
			k.frameSegments(v0, v1)
			k.k.PackTaps(a)
			continue
		}
		a.Src = k.x
		runs, inside := k.cut(v0, v1)
		if inside {
			k.segments(runs, [3]int{})
			k.k.PackTaps(a)
		} else {
			k.edge(runs, dst[lane:])
		}
	}
}

// edge packs a vector some of whose taps reach over the border, tap by tap: for each of them the lanes inside are others.
func (k *packer) edge(runs []run, dst []float32) {
	a := &k.s.Pack
	c, taps := k.c, len(k.c.taps)
	a.Step = taps * k.tile.NR
	for t, tap := range c.taps {
		c0, c1 := max(0, k.tile.K0-t+taps-1)/taps, max(0, k.tile.K1-t+taps-1)/taps
		if c0 >= c1 {
			continue
		}
		a.Segs, a.Off = a.Segs[:0], c.chanOff[c0:c1]
		k.segments(runs, tap)
		a.Dst = dst[(c0*taps+t-k.tile.K0)*k.tile.NR:]
		k.k.PackTaps(a)
	}
}

// cut splits the vector of columns [n0, n1) into runs and tells whether all their taps lie inside the input.
func (k *packer) cut(n0, n1 int) (runs []run, inside bool) {
	c := k.c
	width := c.w.Out
	row, col := n0/width, n0%width
	d, h := row/c.h.Out, row%c.h.Out
	inside = true
	count := 0
	for n := n0; n < n1; count++ {
		r := &k.runs[count]
		r.at = [3]int{d*c.d.Stride - c.d.Lo, h*c.h.Stride - c.h.Lo, col - c.w.Lo}
		r.lane, r.count = n-n0, min(width-col, n1-n)
		inside = inside && r.at[0]+c.lo[0] >= 0 && r.at[0]+c.hi[0] < c.d.In &&
			r.at[1]+c.lo[1] >= 0 && r.at[1]+c.hi[1] < c.h.In &&
			r.at[2]+c.lo[2] >= 0 && r.at[2]+r.count-1+c.hi[2] < c.w.In
		n += r.count
		col = 0
		if h++; h == c.h.Out {
			d, h = d+1, 0
		}
	}
	return k.runs[:count], inside
}

// segments appends the parts of the runs that tap finds inside the input.
func (k *packer) segments(runs []run, tap [3]int) {
	a, c := &k.s.Pack, k.c
	for i := range runs {
		r := &runs[i]
		d, h, w := r.at[0]+tap[0], r.at[1]+tap[1], r.at[2]+tap[2]
		if uint(d) >= uint(c.d.In) || uint(h) >= uint(c.h.In) {
			continue
		}
		lo, hi := max(0, -w), min(r.count, c.w.In-w)
		if lo < hi {
			a.Segs = append(a.Segs, window.Seg{Delta: (d*c.h.In+h)*c.w.In + w - r.lane, Lanes: (1<<(hi-lo) - 1) << (r.lane + lo)})
		}
	}
}

// frameSegments appends the runs of columns [n0, n1) as they lie in the frames.
func (k *packer) frameSegments(n0, n1 int) {
	a, f := &k.s.Pack, &k.c.frame
	width := f.W.Out
	row, col := n0/width, n0%width
	shift := k.tile.K0 / len(k.c.taps) * f.Plane
	for n := n0; n < n1; {
		count := min(width-col, n1-n)
		lane := n - n0
		d, h := row/f.H.Out, row%f.H.Out
		if d == k.d0 {
			h -= k.h0
		}
		at := (d-k.d0)*k.frameLen + f.At(0, h)
		a.Segs = append(a.Segs, window.Seg{Delta: at + col - lane - shift, Lanes: (1<<count - 1) << lane})
		n += count
		row, col = row+1, 0
	}
}
