// Package roi pools regions of feature maps, float32.
//
// Slices in, slices out. It imports internal/par, internal/mem and internal/kernel/vec and move.
package roi

import (
	"math"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/move"
	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/internal/mem"
	"github.com/onnxrun/onnxrun/internal/par"
)

// Align is RoiAlign of maps [images, Channels, Height, Width] with Rows by Cols bins for each region. The value of a bin is
// the mean of bilinear samples, or with Max the greatest of their four weighted elements.
type Align struct {
	Channels, Height, Width int
	Rows, Cols              int
	Max                     bool

	Done <-chan struct{} // the rest of the result is left as it is when this closes; nil: it does not
}

// Box is a region of an image in elements of its map: bins of BinH by BinW from (Y, X) on, each with GridH by GridW samples.
type Box struct {
	Image        int
	Y, X         float64
	BinH, BinW   float64
	GridH, GridW int
}

// tap is a position along an axis and its weight.
type tap struct {
	at     int
	weight float32
}

// scratch is what a call, or a chunk of it, works with.
type scratch struct {
	buf        []float32
	rows, cols [][]tap // of each bin along the axes
	shape      [3]int
}

// swap exchanges the last two axes.
var swap = []int{0, 2, 1}

var scratches mem.Pool[scratch]

type alignTask struct {
	Align
	y, x  []float32
	last  []float32 // maps with channels last, nil if they are read as they lie
	boxes []Box
}

var alignTasks = sync.Pool{New: func() any { return new(alignTask) }}

// Run sets y [len(boxes), Channels, Rows, Cols] to the pooled regions of x. Images of boxes are within x.
func (a Align) Run(y, x []float32, boxes []Box, threads int) {
	plane := a.Height * a.Width
	if plane == 0 || a.Channels == 0 {
		clear(y)
		return
	}
	t := alignTasks.Get().(*alignTask)
	s := scratches.Get()
	*t = alignTask{Align: a, y: y, x: x, boxes: boxes}
	if images := len(x) / (plane * a.Channels); a.channelsLast(len(boxes), images*plane) {
		s.buf = mem.Grow(s.buf, len(x))
		s.shape = [3]int{images, a.Channels, plane}
		move.Transpose(move.Bytes(s.buf), move.Bytes(x), s.shape[:], swap, 4, threads)
		t.last = s.buf
	}
	par.Run(threads, len(boxes), t)
	*t = alignTask{}
	alignTasks.Put(t)
	scratches.Put(s)
}

// channelsLast tells whether regions read so many elements that vectors across channels are worth a transposition of all.
func (a *Align) channelsLast(regions, positions int) bool {
	const perBin = 8 // elements of a bin, of those that a transposition moves in the same time
	return regions*a.Rows*a.Cols*perBin >= positions
}

// Chunk pools region i.
func (t *alignTask) Chunk(i int) {
	s := scratches.Get()
	b, bins, plane := &t.boxes[i], t.Rows*t.Cols, t.Height*t.Width
	s.rows = t.taps(s.rows, t.Rows, b.Y, b.BinH, b.GridH, t.Height)
	s.cols = t.taps(s.cols, t.Cols, b.X, b.BinW, b.GridW, t.Width)
	y, first := t.y[i*bins*t.Channels:][:bins*t.Channels], b.Image*plane*t.Channels
	if samples := max(b.GridH*b.GridW, 1); !t.Max {
		for _, row := range s.rows[:t.Rows] {
			for j := range row {
				row[j].weight /= float32(samples)
			}
		}
	}
	out := y
	if t.last != nil {
		s.buf = mem.Grow(s.buf, len(y))
		out = s.buf
	}
	for bin := range bins {
		select {
		case <-t.Done:
			scratches.Put(s)
			return
		default:
		}
		rows, cols := s.rows[bin/t.Cols], s.cols[bin%t.Cols]
		if t.last != nil {
			t.across(out[bin*t.Channels:][:t.Channels], t.last[first:], rows, cols)
		} else {
			t.planes(out[bin:], t.x[first:], rows, cols)
		}
	}
	if t.last != nil {
		s.shape = [3]int{1, bins, t.Channels}
		move.Transpose(move.Bytes(y), move.Bytes(out), s.shape[:], swap, 4, 1)
	}
	scratches.Put(s)
}

// taps lists the elements of an axis of n that the samples of each bin read, those of a sample behind the map with weight
// 0. For means a bin has each element once.
func (t *alignTask) taps(list [][]tap, bins int, start, size float64, grid, n int) [][]tap {
	for len(list) < bins {
		list = append(list, nil)
	}
	for bin := range bins {
		l := list[bin][:0]
		for i := range grid {
			at := start + float64(bin)*size + (float64(i)+0.5)*size/float64(grid)
			for _, p := range linear(at, n) {
				if k := find(l, p.at); k >= 0 && !t.Max {
					l[k].weight += p.weight
				} else {
					l = append(l, p)
				}
			}
		}
		list[bin] = l
	}
	return list
}

// linear returns the two elements of n around at.
func linear(at float64, n int) [2]tap {
	if !(at >= -1 && at <= float64(n)) {
		return [2]tap{}
	}
	at = max(at, 0)
	low := int(at)
	if low >= n-1 {
		return [2]tap{{n - 1, 1}, {n - 1, 0}}
	}
	w := float32(at - float64(low))
	return [2]tap{{low, 1 - w}, {low + 1, w}}
}

// find returns the index of position at among the last taps, between which samples lie, -1 if it is not there.
func find(l []tap, at int) int {
	for k := len(l) - 1; k >= max(0, len(l)-2); k-- {
		if l[k].at == at {
			return k
		}
	}
	return -1
}

// start is what the value of a bin begins with.
func (t *alignTask) start(rows, cols []tap) float32 {
	if t.Max && len(rows)*len(cols) > 0 {
		return float32(math.Inf(-1))
	}
	return 0
}

// across computes a bin of all channels, which lie together.
func (t *alignTask) across(out, x []float32, rows, cols []tap) {
	n := t.Channels
	vec.Fill(out, t.start(rows, cols))
	for _, r := range rows {
		for _, c := range cols {
			src, w := x[(r.at*t.Width+c.at)*n:][:n], r.weight*c.weight
			if !t.Max {
				vec.Axpy(out, w, src)
				continue
			}
			for i, v := range src {
				out[i] = max(out[i], w*v)
			}
		}
	}
}

// planes computes a bin of all channels, out[i*bins] of channel i, from their planes.
func (t *alignTask) planes(out, x []float32, rows, cols []tap) {
	plane, bins := t.Height*t.Width, t.Rows*t.Cols
	for ch := range t.Channels {
		src, v := x[ch*plane:][:plane], t.start(rows, cols)
		for _, r := range rows {
			row := src[r.at*t.Width:][:t.Width]
			for _, c := range cols {
				if e := r.weight * c.weight * row[c.at]; t.Max {
					v = max(v, e)
				} else {
					v += e
				}
			}
		}
		out[ch*bins] = v
	}
}
