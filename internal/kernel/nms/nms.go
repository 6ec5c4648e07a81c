// Package nms picks boxes by score and drops those that overlap a better one: greedy non-maximum
// suppression, for each image and class on its own.
//
// It may import internal/par.
package nms

import (
	"math"
	"slices"
	"sync"

	"github.com/onnxrun/onnxrun/internal/par"
)

// Args describes the boxes of Images images with Count boxes each, and their scores for Classes classes.
type Args struct {
	Images, Classes, Count int

	Boxes    []float32 // [Images, Count, 4]: two opposite corners (y, x, y, x), or centre and size
	Centered bool      // centre and size (x, y, width, height)
	Scores   []float32 // [Images, Classes, Count]

	Max       int     // most boxes of one image and class
	Overlap   float32 // boxes whose intersection over union with a better one exceeds this are dropped
	Threshold float32 // scores must exceed this, if Cut is set
	Cut       bool
	Threads   int
}

// Picker holds the memory of a run, for the next one.
type Picker struct {
	Args
	corners []float32 // for each image: Count times y0, x0, y1, x1 and area, one after the other
	picked  [][]int32 // for each image and class: the boxes, best first
}

// Run picks boxes. The results are valid until the next run.
func (p *Picker) Run(a Args) {
	p.Args = a
	p.corners = slices.Grow(p.corners[:0], 5*a.Images*a.Count)[:5*a.Images*a.Count]
	for i := range a.Images {
		p.read(i)
	}
	n := a.Images * a.Classes
	p.picked = slices.Grow(p.picked[:0], n)[:n]
	par.Run(a.Threads, n, p)
	p.Boxes, p.Scores = nil, nil
}

// Picked returns the boxes picked for an image and a class, best first.
func (p *Picker) Picked(image, class int) []int32 { return p.picked[image*p.Classes+class] }

// columns returns the corners and areas of the boxes of an image.
func (p *Picker) columns(image int) (y0, x0, y1, x1, area []float32) {
	n := p.Count
	s := p.corners[5*n*image : 5*n*(image+1)]
	return s[:n], s[n : 2*n], s[2*n : 3*n], s[3*n : 4*n], s[4*n : 5*n]
}

// read brings the boxes of an image into the form of columns.
func (p *Picker) read(image int) {
	y0, x0, y1, x1, area := p.columns(image)
	boxes := p.Boxes[4*p.Count*image:][:4*p.Count]
	for i := range p.Count {
		b := boxes[4*i : 4*i+4]
		if p.Centered {
			x0[i], x1[i] = b[0]-b[2]/2, b[0]+b[2]/2
			y0[i], y1[i] = b[1]-b[3]/2, b[1]+b[3]/2
		} else {
			y0[i], y1[i] = min(b[0], b[2]), max(b[0], b[2])
			x0[i], x1[i] = min(b[1], b[3]), max(b[1], b[3])
		}
		area[i] = (x1[i] - x0[i]) * (y1[i] - y0[i])
	}
}

// worker is the memory of one chunk.
type worker struct {
	heap []uint64
	kept [5][]float32 // columns of the boxes picked so far
}

var workers = sync.Pool{New: func() any { return new(worker) }}

// Chunk implements par.Task: it picks the boxes of one image and class.
func (p *Picker) Chunk(k int) {
	w := workers.Get().(*worker)
	scores := p.Scores[k*p.Count : (k+1)*p.Count]
	w.fill(scores, p.Cut, p.Threshold)
	y0, x0, y1, x1, area := p.columns(k / p.Classes)
	for i := range w.kept {
		w.kept[i] = w.kept[i][:0]
	}
	out := p.picked[k][:0]
	for len(w.heap) > 0 && len(out) < p.Max {
		i := w.pop()
		if w.overlaps(y0[i], x0[i], y1[i], x1[i], area[i], p.Overlap) {
			continue
		}
		out = append(out, int32(i))
		for c, v := range [5]float32{y0[i], x0[i], y1[i], x1[i], area[i]} {
			w.kept[c] = append(w.kept[c], v)
		}
	}
	p.picked[k] = out
	workers.Put(w)
}

// overlaps reports whether a box overlaps one that was picked by more than the limit. Boxes without area
// overlap nothing.
func (w *worker) overlaps(y0, x0, y1, x1, area, limit float32) bool {
	if !(area > 0) {
		return false
	}
	n := len(w.kept[0])
	ky0, kx0, ky1, kx1, ka := w.kept[0], w.kept[1][:n], w.kept[2][:n], w.kept[3][:n], w.kept[4][:n]
	for j := range ky0 {
		h := min(y1, ky1[j]) - max(y0, ky0[j])
		v := min(x1, kx1[j]) - max(x0, kx0[j])
		if h <= 0 || v <= 0 || !(ka[j] > 0) {
			continue
		}
		inter := h * v
		if union := area + ka[j] - inter; union > 0 && inter/union > limit {
			return true
		}
	}
	return false
}

// fill makes the heap of the boxes whose score counts. A key holds the score, in a form whose order is that
// of the numbers, above the complement of the index: of equal scores the first box is the better one.
func (w *worker) fill(scores []float32, cut bool, threshold float32) {
	w.heap = w.heap[:0]
	for i, s := range scores {
		if cut && !(s > threshold) || s != s {
			continue
		}
		bits := math.Float32bits(s + 0) // no negative zero
		if bits>>31 == 0 {
			bits |= 1 << 31
		} else {
			bits = ^bits
		}
		w.heap = append(w.heap, uint64(bits)<<32|uint64(^uint32(i)))
	}
	for i := len(w.heap)/2 - 1; i >= 0; i-- {
		w.sink(i)
	}
}

// pop removes the best box and returns its index.
func (w *worker) pop() int {
	top, last := w.heap[0], len(w.heap)-1
	w.heap[0] = w.heap[last]
	w.heap = w.heap[:last]
	w.sink(0)
	return int(^uint32(top))
}

// sink moves an element down to its place.
func (w *worker) sink(i int) {
	h := w.heap
	if i >= len(h) {
		return
	}
	v := h[i]
	for {
		c := 2*i + 1
		if c >= len(h) {
			break
		}
		if c+1 < len(h) && h[c+1] > h[c] {
			c++
		}
		if h[c] <= v {
			break
		}
		h[i] = h[c]
		i = c
	}
	h[i] = v
}
