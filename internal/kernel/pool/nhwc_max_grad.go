package pool

import (
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/window"
	"github.com/onnxrun/onnxrun/internal/par"
)

// MaxLastGrad is MaxGrad for x, dx [Planes, In..., channels] and dy [Planes, Out..., channels]: the planes are those of a
// batch.
func MaxLastGrad(g *Geom, channels int, x, dy, dx []float32, threads int) {
	if g.OutSize() == 0 || channels == 0 {
		clear(dx)
		return
	}
	t := maxLastGrads.Get().(*maxLastGrad)
	t.Pixels = Pixels{X: x, Y: dy, Channels: channels, XStep: channels, YStep: channels}
	t.dx, t.k = dx, window.Best()
	t.measure(g)
	t.width = gradChannels
	if g.Planes < fewPlanes {
		t.width = window.MaxLanes
	}
	t.groups = (channels + t.width - 1) / t.width
	par.Run(threads, g.Planes*t.groups, t)
	t.Pixels, t.dx = Pixels{}, nil
	maxLastGrads.Put(t)
}

// fewPlanes need narrow chunks to keep several processors busy.
const fewPlanes = 4

var maxLastGrads = sync.Pool{New: func() any { return new(maxLastGrad) }}

// maxLastGrad is a MaxLastGrad at work; Y is the gradient of the outputs. Windows may overlap, so a chunk does some channels of
// a whole plane.
type maxLastGrad struct {
	lastTask
	dx            []float32
	width, groups int // channels of a chunk, chunks of a plane
}

// Chunk does a group of channels of one plane. What is added to was cleared shortly before, so that it is in a cache.
func (t *maxLastGrad) Chunk(i int) {
	plane, from := i/t.groups, i%t.groups*t.width
	n := min(t.width, t.Channels-from)
	size := t.g.InSize() * t.Channels
	x, dx := t.X[plane*size+from:(plane+1)*size], t.dx[plane*size+from:(plane+1)*size]
	dy := t.Y[plane*t.g.OutSize()*t.Channels+from:]
	first, last := t.g.Axes[0], t.g.Axes[t.g.Rank-1]
	s := window.GetScratch(0)
	s.Grad = window.MaxGradArgs{Src: x, Dst: dx, Cols: n, SrcStep: last.Stride * t.Channels, UpStep: t.Channels}
	cleared := 0
	for r := range t.rows {
		need := first.In
		if t.g.Rank > 1 {
			need = min(need, r/(t.rows/first.Out)*first.Stride-first.Lo+first.Extent())
		}
		cleared = t.clear(dx, cleared, need, n)
		t.row(s, dy[r*last.Out*t.Channels:], last, r)
	}
	t.clear(dx, cleared, first.In, n)
	s.Release()
}

// clear zeroes n channels of the inputs whose first index is from lo to below hi, and returns where to go on.
func (t *maxLastGrad) clear(dx []float32, lo, hi, n int) int {
	for at := lo * t.step[0]; at < hi*t.step[0]; at += t.Channels {
		clear(dx[at:][:n])
	}
	return max(lo, hi)
}

// row adds row r of the gradient of the outputs, dy.
func (t *maxLastGrad) row(s *window.Scratch, dy []float32, last window.Axis, r int) {
	t.starts(s, r)
	starts, a := len(s.Off), &s.Grad
	for o := 0; o < last.Out; o += a.Rows {
		a.Rows = t.taps(s, last, o, starts)
		a.Off, a.Up = s.Off[starts:], dy[o*t.Channels:]
		t.k.MaxTapsGrad(a)
	}
	s.Off, s.Numbers = s.Off[:0], s.Numbers[:0]
}
