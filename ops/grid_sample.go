package ops

import (
	"fmt"
	"math"
	"sync"

	"github.com/onnxrun/onnxrun/internal/par"
	"github.com/onnxrun/onnxrun/tensor"
)

// gridSampleInfer gives Y the batch and channels of X and the points of the grid.
func gridSampleInfer(c *InferCtx) error {
	x, grid := c.Type(0), c.Type(1)
	if !x.Ranked {
		c.SetType(0, Unranked(x.DType))
		return nil
	}
	rank, err := spatialRank(x, "input")
	if err != nil {
		return err
	}
	if !grid.Ranked {
		c.Set(0, x.DType, append([]Dim{x.Dims[0], x.Dims[1]}, c.FreshDims(rank)...)...)
		return nil
	}
	if len(grid.Dims) != len(x.Dims) {
		return fmt.Errorf("ops: grid %v does not fit input %v", grid, x)
	}
	c.Set(0, x.DType, append([]Dim{x.Dims[0], x.Dims[1]}, grid.Dims[1:len(grid.Dims)-1]...)...)
	return nil
}

// sampler computes values of a plane between its elements.
type sampler struct {
	order   int // 0 nearest, 1 linear, 3 cubic
	padding string
	align   bool
}

// readSampler reads the attributes of GridSample.
func readSampler(a Attrs) (*sampler, error) {
	s := &sampler{padding: a.Str("padding_mode"), align: a.Bool("align_corners")}
	switch mode := a.Str("mode"); mode {
	case "nearest":
	case "bilinear", "linear", "":
		s.order = 1
	case "bicubic", "cubic":
		s.order = 3
	default:
		return nil, Unsupported("GridSample with mode %q", mode)
	}
	switch s.padding {
	case "", "zeros", "border", "reflection":
		return s, nil
	}
	return nil, Unsupported("GridSample with padding_mode %q", s.padding)
}

var gridSampleKernel = widened(func(k *KernelCtx) (Kernel, error) {
	s, err := readSampler(k.Attrs)
	if err != nil {
		return Kernel{}, err
	}
	switch d := k.DType(0); {
	case s.order == 0 && (d != k.DType(1) || !(f32 | f64).Has(d)):
		return bindGridNearest(s, k)
	case d == tensor.String:
		return Kernel{}, fmt.Errorf("ops: weighted sums of strings, want mode nearest")
	case d != k.DType(1) || !(f32 | f64).Has(d):
		return throughFloat64(k, func(k *KernelCtx) (Kernel, error) {
			tasks := newGridTasks[float64]()
			return Kernel{Run: func(c *Call) error { return gridSample[float64](s, tasks, c) }}, nil
		}, 0, 1)
	case d == tensor.Float64:
		tasks := newGridTasks[float64]()
		return Kernel{Run: func(c *Call) error { return gridSample[float64](s, tasks, c) }}, nil
	}
	tasks := newGridTasks[float32]()
	return Kernel{Run: func(c *Call) error { return gridSample[float32](s, tasks, c) }}, nil
})

// samplePoint is the weighted elements that make one sample; position -1 stands for zero.
type samplePoint struct {
	at []int
	w  []float64
}

// gridTask is a running GridSample; chunks are ranges of the points of all images.
type gridTask[T float32 | float64] struct {
	*sampler
	x, y, grid             []T
	dims                   tensor.Shape
	channels, plane        int
	points, count, perTask int // points of an image, of all images, of a chunk
	scratch                sync.Pool
}

// newGridTasks returns a pool of tasks.
func newGridTasks[T float32 | float64]() *sync.Pool {
	return &sync.Pool{New: func() any {
		return &gridTask[T]{scratch: sync.Pool{New: func() any { return new(samplePoint) }}}
	}}
}

// gridGrain is the least number of elements read by one chunk.
const gridGrain = 16 << 10

func gridSample[T float32 | float64](s *sampler, tasks *sync.Pool, c *Call) error {
	xs, gs := c.In[0].Shape(), c.In[1].Shape()
	rank := len(xs) - 2
	if err := checkGrid(xs, gs); err != nil {
		return err
	}
	if s.order == 1 && rank == 2 && c.In[0].DType() == tensor.Float32 && xs[2:].Len() <= math.MaxInt32 {
		return gridBilinear(s, c)
	}
	t := tasks.Get().(*gridTask[T])
	t.sampler, t.x, t.y, t.grid = s, tensor.Of[T](c.In[0]), tensor.Of[T](c.Out[0]), tensor.Of[T](c.In[1])
	t.dims, t.channels = xs[2:], xs[1]
	t.plane, t.points = t.dims.Len(), gs[1:len(gs)-1].Len()
	t.count = xs[0] * t.points
	if len(t.y) != t.count*t.channels {
		return fmt.Errorf("ops: output has shape %v, want %d points per plane", c.Out[0].Shape(), t.points)
	}
	if t.plane == 0 {
		clear(t.y)
		return nil
	}
	var chunks int
	chunks, t.perTask = par.Split(t.count, gridGrain/max(1, t.channels<<rank)+1)
	par.Run(c.Threads, chunks, t)
	t.x, t.y, t.grid = nil, nil, nil
	tasks.Put(t)
	return nil
}

// Chunk samples a range of points in all channels.
func (t *gridTask[T]) Chunk(i int) {
	lo, hi := par.Range(i, t.perTask, t.count)
	p := t.scratch.Get().(*samplePoint)
	rank := len(t.dims)
	for o := lo; o < hi; o++ {
		point(t.sampler, p, t.dims, t.grid[o*rank:][:rank])
		n := o / t.points
		for ch := range t.channels {
			src := t.x[(n*t.channels+ch)*t.plane:][:t.plane]
			sum := 0.0
			for i, at := range p.at {
				if at >= 0 {
					sum += p.w[i] * float64(src[at])
				}
			}
			t.y[(n*t.channels+ch)*t.points+o%t.points] = T(sum)
		}
	}
	t.scratch.Put(p)
}

// point finds the elements around the grid point with the given coordinates, last axis first.
func point[T float32 | float64](s *sampler, p *samplePoint, dims tensor.Shape, at []T) {
	p.at, p.w = append(p.at[:0], 0), append(p.w[:0], 1)
	for axis, n := range dims {
		v := s.position(float64(at[len(dims)-1-axis]), n)
		taps := s.order + 1
		base, w := s.weights(v)
		count := len(p.at)
		for t := taps - 1; t >= 0; t-- { // the first tap last: it overwrites the entries that the others read
			i := s.index(base+t, n)
			for j := range count {
				pos := -1
				if i >= 0 && p.at[j] >= 0 {
					pos = p.at[j]*n + i
				}
				if t > 0 {
					p.at, p.w = append(p.at, pos), append(p.w, p.w[j]*w[t])
				} else {
					p.at[j], p.w[j] = pos, p.w[j]*w[0]
				}
			}
		}
	}
}

// position maps a coordinate in [-1, 1] to an axis of n elements, brought inside by border and reflection.
func (s *sampler) position(v float64, n int) float64 {
	lo, hi := -0.5, float64(n)-0.5
	if s.align {
		lo, hi = 0, float64(n-1)
		v = (v + 1) / 2 * float64(n-1)
	} else {
		v = ((v+1)*float64(n) - 1) / 2
	}
	if s.order == 0 {
		v = math.RoundToEven(v)
	}
	if v != v || v > 1<<52 || v < -1<<52 {
		v = -1 << 30
	}
	if v < lo || v > hi {
		switch s.padding {
		case "border":
			if s.order < 3 { // cubic weights see the border repeated
				v = max(0, min(v, float64(n-1)))
			}
		case "reflection":
			v = reflect(v, lo, hi)
		}
	}
	return v
}

// weights returns the first element that makes a sample at v and the weights of it and the following ones.
func (s *sampler) weights(v float64) (base int, w [4]float64) {
	f := math.Floor(v)
	r := v - f
	switch s.order {
	case 0:
		return int(v), [4]float64{1}
	case 1:
		return int(f), [4]float64{1 - r, r}
	}
	const a = -0.75
	near := func(d float64) float64 { return ((a+2)*d-(a+3))*d*d + 1 }
	far := func(d float64) float64 { return ((a*d-5*a)*d+8*a)*d - 4*a }
	return int(f) - 1, [4]float64{far(1 + r), near(r), near(1 - r), far(2 - r)}
}

// index brings an element position inside [0, n), or returns -1 for padding by zeros.
func (s *sampler) index(i, n int) int {
	if i >= 0 && i < n {
		return i
	}
	switch s.padding {
	case "border":
		return max(0, min(i, n-1))
	case "reflection":
		lo, hi := -0.5, float64(n)-0.5
		if s.align {
			lo, hi = 0, float64(n-1)
		}
		return max(0, min(int(reflect(float64(i), lo, hi)), n-1))
	}
	return -1
}

// reflect folds v into [lo, hi].
func reflect(v, lo, hi float64) float64 {
	span := hi - lo
	if span <= 0 {
		return lo
	}
	d := lo - v
	if v > hi {
		d = v - hi
	}
	if d <= 0 {
		return v
	}
	n := math.Floor(d / span)
	r := d - n*span
	if (math.Mod(n, 2) == 0) == (v < lo) {
		return lo + r
	}
	return hi - r
}

func checkGrid(x, grid tensor.Shape) error {
	rank := len(x) - 2
	if rank < 1 || rank > 3 || len(grid) != len(x) || grid[0] != x[0] || grid[len(grid)-1] != rank {
		return fmt.Errorf("ops: grid of shape %v does not fit input of shape %v", grid, x)
	}
	return nil
}
