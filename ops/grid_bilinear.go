package ops

import (
	"fmt"
	"math"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/resize"
	"github.com/onnxrun/onnxrun/internal/par"
	"github.com/onnxrun/onnxrun/tensor"
)

// bilinearTask is a running GridSample of planes in float32, order 1; chunks are ranges of the points of all images. Where the
// elements around a point are is worked out once for all channels.
type bilinearTask struct {
	*sampler
	x, y, grid             []float32
	height, width          int
	scaleX, shiftX         float64 // map coordinates to columns,
	scaleY, shiftY         float64 // and to rows
	channels               int
	points, count, perTask int // points of an image, of all images, of a chunk
}

var (
	bilinearTasks = sync.Pool{New: func() any { return new(bilinearTask) }}
	quadBuffers   = sync.Pool{New: func() any { return new(resize.Quads) }}
)

// gridBilinear computes GridSample of float32 planes of at most 2^31 elements.
func gridBilinear(s *sampler, c *Call) error {
	xs, gs := c.In[0].Shape(), c.In[1].Shape()
	if c.Out[0].Len() != xs[0]*xs[1]*gs[1]*gs[2] {
		return fmt.Errorf("ops: output has shape %v, want %d points per plane", c.Out[0].Shape(), gs[1]*gs[2])
	}
	if c.In[0].Len() == 0 {
		clear(tensor.Of[float32](c.Out[0]))
		return nil
	}
	t := bilinearTasks.Get().(*bilinearTask)
	*t = bilinearTask{sampler: s, x: tensor.Of[float32](c.In[0]), y: tensor.Of[float32](c.Out[0]), grid: tensor.Of[float32](c.In[1]),
		height: xs[2], width: xs[3], channels: xs[1], points: gs[1] * gs[2], count: xs[0] * gs[1] * gs[2]}
	t.scaleX, t.shiftX = s.mapping(t.width)
	t.scaleY, t.shiftY = s.mapping(t.height)
	var chunks int
	chunks, t.perTask = par.Split(t.count, gridGrain/(4*max(1, t.channels)+8)+1)
	par.Run(c.Threads, chunks, t)
	*t = bilinearTask{}
	bilinearTasks.Put(t)
	return nil
}

// Chunk samples a range of points in all channels.
func (t *bilinearTask) Chunk(i int) {
	lo, hi := par.Range(i, t.perTask, t.count)
	q := quadBuffers.Get().(*resize.Quads)
	plane := t.height * t.width
	for o := lo; o < hi; o += q.N {
		image, at := o/t.points, o%t.points
		q.N = min(resize.QuadCount, hi-o, t.points-at)
		for j := range q.N {
			t.around(q, j, t.grid[2*(o+j):])
		}
		for ch := image * t.channels; ch < (image+1)*t.channels; ch++ {
			q.Sample(t.y[ch*t.points+at:], t.x[ch*plane:][:plane])
		}
	}
	quadBuffers.Put(q)
}

// around sets sample j of q to the elements around the grid point (x, y).
func (t *bilinearTask) around(q *resize.Quads, j int, at []float32) {
	x, y := float64(at[0])*t.scaleX+t.shiftX, float64(at[1])*t.scaleY+t.shiftY
	if !(x >= 0 && x < float64(t.width-1) && y >= 0 && y < float64(t.height-1)) {
		t.aside(q, j, at)
		return
	}
	left, top := int(x), int(y)
	dx, dy := float32(x-float64(left)), float32(y-float64(top))
	first := int32(top*t.width + left)
	below := first + int32(t.width)
	q.At[j] = [4]int32{first, first + 1, below, below + 1}
	q.Weight[j] = [4]float32{(1 - dx) * (1 - dy), dx * (1 - dy), (1 - dx) * dy, dx * dy}
	q.Seen[j] = 15
}

// aside is around for a point near the border or outside.
func (t *bilinearTask) aside(q *resize.Quads, j int, at []float32) {
	x, y := t.position(float64(at[0]), t.width), t.position(float64(at[1]), t.height)
	left, top := math.Floor(x), math.Floor(y)
	dx, dy := float32(x-left), float32(y-top)
	q.Weight[j] = [4]float32{(1 - dx) * (1 - dy), dx * (1 - dy), (1 - dx) * dy, dx * dy}
	x0, x1 := t.index(int(left), t.width), t.index(int(left)+1, t.width)
	y0, y1 := t.index(int(top), t.height), t.index(int(top)+1, t.height)
	q.Seen[j] = 0
	for k, e := range [4][2]int{{x0, y0}, {x1, y0}, {x0, y1}, {x1, y1}} {
		if q.At[j][k] = 0; e[0] >= 0 && e[1] >= 0 {
			q.At[j][k] = int32(e[1]*t.width + e[0])
			q.Seen[j] |= 1 << k
		}
	}
}

// mapping returns the factor and the summand that map coordinates in [-1, 1] to an axis of n elements.
func (s *sampler) mapping(n int) (scale, shift float64) {
	if s.align {
		return float64(n-1) / 2, float64(n-1) / 2
	}
	return float64(n) / 2, float64(n-1) / 2
}
