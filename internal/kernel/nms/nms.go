// Package nms picks boxes by score and drops those that overlap a better one: greedy non-maximum
// suppression, for each image and class on its own.
//
// Boxes that were picked lie in columns, several of which an instruction compares with a candidate, and in strips by
// their place: most candidates meet few of them. That also serves the many classes that some models put into one
// picture side by side.
//
// It may import internal/par and internal/kernel/find.
package nms

import (
	"slices"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/find"
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
	picked [][]int32 // for each image and class: the boxes, best first
}

// Run picks boxes. The results are valid until the next run.
func (p *Picker) Run(a Args) {
	p.Args = a
	n := a.Images * a.Classes
	p.picked = slices.Grow(p.picked[:0], n)[:n]
	par.Run(a.Threads, n, p)
	p.Boxes, p.Scores = nil, nil
}

// Picked returns the boxes picked for an image and a class, best first.
func (p *Picker) Picked(image, class int) []int32 { return p.picked[image*p.Classes+class] }

// worker is the memory of one chunk.
type worker struct {
	queue find.Queue
	kept  strips
	box   box
}

var workers = sync.Pool{New: func() any { return new(worker) }}

// Chunk implements par.Task: it picks the boxes of one image and class.
func (p *Picker) Chunk(k int) {
	w := workers.Get().(*worker)
	p.picked[k] = w.pick(p.picked[k][:0], &p.Args, k)
	workers.Put(w)
}

// pick appends the boxes of one image and class to out.
func (w *worker) pick(out []int32, a *Args, k int) []int32 {
	w.queue.Fill(a.Scores[k*a.Count:(k+1)*a.Count], a.Cut, a.Threshold)
	image := k / a.Classes
	w.kept.reset(a, image, w.queue.Keys(), a.Max)
	w.queue.Start(a.Max)
	b := &w.box
	for len(out) < a.Max {
		i, ok := w.queue.Next()
		if !ok {
			break
		}
		*b = a.box(image, i)
		if b.solid() {
			b.limit(a.Overlap)
			if w.kept.overlaps(b, a.Overlap) {
				continue
			}
			w.kept.put(b)
		}
		out = append(out, int32(i))
	}
	return out
}
