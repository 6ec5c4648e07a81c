package pool

import (
	"sync"
	"unsafe"

	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
	"github.com/onnxrun/onnxrun/internal/par"
)

// frameBytes bounds a frame of maxBytes, so that two of them stay in the first-level cache.
const frameBytes = 12 << 10

// MaxBytes is Max for bytes, without positions. The rank is at most 3.
func MaxBytes[T int8 | uint8](threads int, g *Geom, x, y []T, low T) {
	d, h, w := g.axes()
	out := g.OutSize()
	if out == 0 || g.Planes == 0 {
		return
	}
	if !d.Framed() || !h.Framed() || !w.Framed() {
		Max(g, x, y, nil, false, low)
		return
	}
	t, _ := byteTasks.Get().(*maxBytes[T])
	if t == nil {
		t = new(maxBytes[T])
	}
	t.x, t.y, t.low, t.planes, t.in, t.out = x, y, low, g.Planes, g.InSize(), out
	t.layOut(d, h, w)
	var chunks int
	chunks, t.size = par.Split(g.Planes, grainOps/max(1, t.in)+1)
	par.Run(threads, chunks, t)
	t.x, t.y = nil, nil
	byteTasks.Put(t)
}

var byteTasks sync.Pool // of *maxBytes

// maxBytes is a par.Task over planes. A padded copy of a band of a plane is a row of bytes in which each axis has a fixed step. Along
// one axis after the other each byte becomes the maximum of the window that begins there, for every position, in a few passes
// over all bytes; then the positions of outputs are picked.
type maxBytes[T int8 | uint8] struct {
	x, y          []T
	low           T
	planes        int
	in, out, size int // elements of a plane; planes of a chunk

	d, h, w            window.Axis
	band               int // rows of outputs
	depth, rows, pitch int // of the copy
	copied             int // columns of the input that it has
}

// layOut sets the extents of the copies.
func (t *maxBytes[T]) layOut(d, h, w window.Axis) {
	t.d, t.h, t.w = d, h, w
	t.depth = (d.Out-1)*d.Stride + d.Extent()
	t.pitch = (w.Out-1)*w.Stride + w.Extent()
	t.copied = min(w.In, t.pitch-w.Lo)
	t.band = min(h.Out, max(1, (frameBytes/(t.depth*t.pitch)-h.Extent())/h.Stride+1))
	t.rows = (t.band-1)*h.Stride + h.Extent()
}

// Chunk implements par.Task.
func (t *maxBytes[T]) Chunk(i int) {
	lo, hi := par.Range(i, t.size, t.planes)
	n := t.depth * t.rows * t.pitch
	s := window.GetScratch(n/2 + 1)
	buf := unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(s.Buf))), 2*n)
	for p := lo; p < hi; p++ {
		for h0 := 0; h0 < t.h.Out; h0 += t.band {
			t.fill(buf[:n], t.x[p*t.in:][:t.in], h0)
			t.pick(t.y[p*t.out:][:t.out], t.maxima(buf[:n], buf[n:]), h0)
		}
	}
	s.Release()
}

// fill copies what the outputs from row h0 on read of plane x to the frame f.
func (t *maxBytes[T]) fill(f, x []T, h0 int) {
	window.Fill(f, t.low)
	for d := range t.depth {
		from := d - t.d.Lo
		if from < 0 || from >= t.d.In {
			continue
		}
		for r := range t.rows {
			if at := h0*t.h.Stride + r - t.h.Lo; at >= 0 && at < t.h.In && t.copied > 0 {
				copy(f[(d*t.rows+r)*t.pitch+t.w.Lo:], x[(from*t.h.In+at)*t.w.In:][:t.copied])
			}
		}
	}
}

// maxima returns the maxima of all windows of the frame a, in a or b. Windows grow to twice their length in each pass, the last time
// by what is missing.
func (t *maxBytes[T]) maxima(a, b []T) []T {
	n, step := len(a), 1
	for i, axis := range []window.Axis{t.w, t.h, t.d} {
		for taps := 1; taps < axis.Kernel; {
			more := min(taps, axis.Kernel-taps)
			shift := more * axis.Dilation * step
			n -= shift
			vec.MaxOf(b[:n], a[:n], a[shift:][:n])
			a, b = b, a
			taps += more
		}
		step *= [...]int{t.pitch, t.rows, 1}[i]
	}
	return a
}

// pick takes the outputs from row h0 on out of the maxima m.
func (t *maxBytes[T]) pick(y, m []T, h0 int) {
	for d := range t.d.Out {
		for r := range min(t.band, t.h.Out-h0) {
			row := m[(d*t.d.Stride*t.rows+r*t.h.Stride)*t.pitch:]
			to := y[(d*t.h.Out+h0+r)*t.w.Out:][:t.w.Out]
			switch s := t.w.Stride; s {
			case 1:
				copy(to, row)
			case 2:
				row = row[:2*len(to)-1]
				for o := range to {
					to[o] = row[2*o]
				}
			default:
				for o := range to {
					to[o] = row[o*s]
				}
			}
		}
	}
}
