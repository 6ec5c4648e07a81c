package pool

import (
	"slices"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/window"
	"github.com/onnxrun/onnxrun/internal/par"
)

var sightGrads = sync.Pool{New: func() any { return new(sightGrad) }}

// sightGrad is a gradient of a pool at work that makes each element of a sum over the outputs that see it: those where places has the
// number of the kernel element through which they do, or all, times a factor. Chunks are ranges of rows of inputs, those that differ in
// the last spatial axis only.
type sightGrad struct {
	g          Geom
	k          *window.Kernels
	channels   int
	dy, dx     []float32
	places     []uint8
	factors    []float32 // for each input of a row
	ones       []float32 // for each channel
	rows, size int       // of inputs in a plane, and in a chunk
	segments   []gradSegment
	seen       []sight // by the segments
}

// gradSegment is a run of inputs of a row, a stride apart, that are seen through the same kernel elements of the last axis: seen[lo:hi]
// of the first of them.
type gradSegment struct{ first, count, lo, hi int }

// sight is an output that sees an input, and the kernel element through which it does.
type sight struct{ out, tap int }

// run sets dx, and gives t back.
func (t *sightGrad) run(g *Geom, channels int, dy, dx []float32, threads int) {
	t.g, t.k, t.channels, t.dy, t.dx = *g, window.Within(channels), channels, dy, dx
	last := g.Axes[g.Rank-1]
	t.rows = g.InSize() / max(last.In, 1)
	t.cut(last)
	var chunks int
	chunks, t.size = par.Split(g.Planes*t.rows, 1+grainOps/max(1, last.In*channels))
	par.Run(threads, chunks, t)
	t.dy, t.places, t.dx = nil, nil, nil
	sightGrads.Put(t)
}

// watchers returns the range of outputs of an axis whose windows reach over input i; those see it for which the distance of the
// window's begin is a multiple of the dilation.
func watchers(a window.Axis, i int) (lo, hi int) {
	at := i + a.Lo
	return max(0, (at-(a.Kernel-1)*a.Dilation+a.Stride-1)/a.Stride), min(a.Out, at/a.Stride+1)
}

// sights appends those of input i of an axis, outputs rising.
func sights(list []sight, a window.Axis, i int) []sight {
	lo, hi := watchers(a, i)
	for o := lo; o < hi; o++ {
		if d := i + a.Lo - o*a.Stride; d%a.Dilation == 0 {
			list = append(list, sight{o, d / a.Dilation})
		}
	}
	return list
}

// cut cuts a row of inputs into segments.
func (t *sightGrad) cut(a window.Axis) {
	t.segments, t.seen = t.segments[:0], t.seen[:0]
	for at := range min(a.Stride, a.In) {
		for i := at; i < a.In; i += a.Stride {
			lo := len(t.seen)
			t.seen = sights(t.seen, a, i)
			if n := len(t.segments) - 1; i > at {
				s := &t.segments[n]
				if slices.EqualFunc(t.seen[s.lo:s.hi], t.seen[lo:], func(p, q sight) bool { return p.tap == q.tap && p.out+s.count == q.out }) {
					s.count++
					t.seen = t.seen[:lo]
					continue
				}
			}
			t.segments = append(t.segments, gradSegment{i, 1, lo, len(t.seen)})
		}
	}
}

// Chunk does some rows.
func (t *sightGrad) Chunk(i int) {
	lo, hi := par.Range(i, t.size, t.g.Planes*t.rows)
	s := window.GetScratch(0)
	for r := lo; r < hi; r++ {
		t.row(s, r)
	}
	s.Off, s.Numbers = s.Off[:0], s.Numbers[:0]
	s.Release()
}

// row does row r of the inputs: s.Off holds where the rows of outputs that see it begin, then all outputs that see some inputs.
func (t *sightGrad) row(s *window.Scratch, r int) {
	t.outer(s, r%t.rows)
	starts, last := len(s.Off), t.g.Axes[t.g.Rank-1]
	up := r / t.rows * t.g.OutSize() * t.channels
	for _, g := range t.segments {
		s.Off, s.Numbers = s.Off[:starts], s.Numbers[:starts]
		for i := range starts {
			for _, p := range t.seen[g.lo:g.hi] {
				s.Off = append(s.Off, (s.Off[i]+p.out)*t.channels)
				s.Numbers = append(s.Numbers, s.Numbers[i]*int32(last.Kernel)+int32(p.tap))
			}
		}
		dx, off, step := t.dx[(r*last.In+g.first)*t.channels:], s.Off[starts:], last.Stride*t.channels
		if t.places == nil {
			s.Tap = window.TapArgs{Src: t.dy[up:], Dst: dx, Off: off, Rows: g.count, SrcStep: t.channels, DstStep: step, RowScale: t.factors, ColScale: t.ones}
			wholeTaps(t.k, t.channels, &s.Tap, t.k.SumTaps)
			continue
		}
		s.Place = window.PlaceArgs{Src: t.dy[up:], Dst: dx, Places: t.places[up:], Off: off, Numbers: s.Numbers[starts:], Rows: g.count, SrcStep: t.channels, DstStep: step}
		wholePlaces(t.k, t.channels, &s.Place, t.k.PlacesGrad)
	}
}

// outer sets s.Off to the rows of outputs that see row r of the inputs of a plane, in outputs before them, and s.Numbers to the
// numbers of the rows of a window through which they do.
func (t *sightGrad) outer(s *window.Scratch, r int) {
	s.Off, s.Numbers = append(s.Off[:0], 0), append(s.Numbers[:0], 0)
	n := t.g.Rank - 1
	size, taps := t.g.Axes[n].Out, 1 // outputs, and rows of a window, from one of an axis to the next
	for i := n - 1; i >= 0; i-- {
		a := t.g.Axes[i]
		in, inner := r%a.In, len(s.Off)
		r /= a.In
		lo, hi := watchers(a, in)
		for o := lo; o < hi; o++ {
			d := in + a.Lo - o*a.Stride
			for j := 0; j < inner && d%a.Dilation == 0; j++ {
				s.Off, s.Numbers = append(s.Off, s.Off[j]+o*size), append(s.Numbers, s.Numbers[j]+int32(d/a.Dilation*taps))
			}
		}
		s.Off = s.Off[:copy(s.Off, s.Off[inner:])]
		s.Numbers = s.Numbers[:copy(s.Numbers, s.Numbers[inner:])]
		size *= a.Out
		taps *= a.Kernel
	}
}
