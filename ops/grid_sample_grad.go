package ops

import (
	"fmt"
	"math"

	"github.com/onnxrun/onnxrun/internal/par"
	"github.com/onnxrun/onnxrun/tensor"
)

// Gradients of GridSample. GridSampleGradX of the onnxrun domain adds dy to the elements that a sample was made of;
// its inputs are dy, the grid and the shape of the input. GridSampleGradGrid takes dy, input and grid, and multiplies
// by the derivatives of the weights. Where border or reflection hold a coordinate at the edge, and for the nearest
// element, the grid has no influence, as in PyTorch's grid_sample.

func gridSampleGrad(c GradCtx) error {
	g := grads{c}
	dy, x := g.Dy(0), g.In(0)
	if dy == 0 {
		return nil
	}
	grid := g.In(1)
	if g.Of(grid).DType != g.Of(x).DType {
		grid = g.op("CastLike", grid, x)
	}
	attrs := g.Attrs().values()
	g.set(0, func() Ref { return g.own("GridSampleGradX", attrs, dy, grid, g.shape(x)) })
	g.set(1, func() Ref {
		d := g.own("GridSampleGradGrid", attrs, dy, x, grid)
		if grid != g.In(1) {
			d = g.op("CastLike", d, g.In(1))
		}
		return d
	})
	return nil
}

func gridGradXInfer(c *InferCtx) error { return shapedInfer(c, 2) }

// gridGradGridInfer infers an output like the grid.
func gridGradGridInfer(c *InferCtx) error {
	c.SetType(0, c.Type(2))
	return nil
}

var gridGradXKernel = widened(func(k *KernelCtx) (Kernel, error) {
	s, err := readSampler(k.Attrs)
	if k.DType(0) == tensor.Float64 {
		return Kernel{Run: func(c *Call) error { return gridGradX[float64](s, c) }}, err
	}
	return Kernel{Run: func(c *Call) error { return gridGradX[float32](s, c) }}, err
})

func gridGradX[T float32 | float64](s *sampler, c *Call) error {
	dx, err := shapedOut(c, 2)
	if err != nil {
		return err
	}
	t, err := newGridGrad[T](s, c.In[0], c.In[1], dx.Shape())
	if err != nil {
		return err
	}
	t.dx = tensor.Of[T](dx)
	par.Run(c.Threads, t.images*t.channels, t)
	return nil
}

var gridGradGridKernel = widened(func(k *KernelCtx) (Kernel, error) {
	s, err := readSampler(k.Attrs)
	if k.DType(0) == tensor.Float64 {
		return Kernel{Run: func(c *Call) error { return gridGradGrid[float64](s, c) }}, err
	}
	return Kernel{Run: func(c *Call) error { return gridGradGrid[float32](s, c) }}, err
})

func gridGradGrid[T float32 | float64](s *sampler, c *Call) error {
	t, err := newGridGrad[T](s, c.In[0], c.In[2], c.In[1].Shape())
	if err != nil {
		return err
	}
	dgrid := tensor.Of[T](c.Out[0])
	if s.order == 0 || t.plane == 0 {
		clear(dgrid)
		return nil
	}
	slopes := &gridSlopes[T]{gridGrad: t, x: tensor.Of[T](c.In[1]), dgrid: dgrid}
	var chunks int
	chunks, slopes.size = par.Split(t.images*t.points, gridGrain/max(1, t.channels<<len(t.dims))+1)
	par.Run(c.Threads, chunks, slopes)
	return nil
}

// gridGrad is a running gradient of the input; a chunk is a channel of an image.
type gridGrad[T float32 | float64] struct {
	*sampler
	dims                            tensor.Shape
	images, channels, plane, points int
	dy, grid, dx                    []T
}

func newGridGrad[T float32 | float64](s *sampler, dy, grid *tensor.Tensor, x tensor.Shape) (*gridGrad[T], error) {
	if err := checkGrid(x, grid.Shape()); err != nil {
		return nil, err
	}
	gs := grid.Shape()
	t := &gridGrad[T]{sampler: s, dims: x[2:], images: x[0], channels: x[1], plane: x[2:].Len(), points: gs[1 : len(gs)-1].Len(),
		dy: tensor.Of[T](dy), grid: tensor.Of[T](grid)}
	if len(t.dy) != t.images*t.channels*t.points {
		return nil, fmt.Errorf("ops: gradient has shape %v for an input of shape %v and a grid of shape %v", dy.Shape(), x, gs)
	}
	return t, nil
}

// Chunk adds up one channel of an image, in float64.
func (t *gridGrad[T]) Chunk(i int) {
	sum := make([]float64, t.plane)
	dx := t.dx[i*t.plane:][:t.plane]
	rank, p := len(t.dims), samplePoint{}
	for o := 0; o < t.points && t.plane > 0; o++ {
		dy := float64(t.dy[i*t.points+o])
		point(t.sampler, &p, t.dims, t.grid[(i/t.channels*t.points+o)*rank:][:rank])
		for k, at := range p.at {
			if at >= 0 {
				sum[at] += p.w[k] * dy
			}
		}
	}
	for k, v := range sum {
		dx[k] = T(v)
	}
}

// gridSlopes is a running gradient of the grid; chunks are ranges of the points of all images.
type gridSlopes[T float32 | float64] struct {
	*gridGrad[T]
	x, dgrid []T
	size     int
}

// axisTaps are the elements of one axis that make a sample, their weights, and the derivatives of those.
type axisTaps struct {
	at    [4]int // -1 for zero
	w, dw [4]float64
}

// Chunk differentiates a range of points.
func (t *gridSlopes[T]) Chunk(i int) {
	lo, hi := par.Range(i, t.size, t.images*t.points)
	rank := len(t.dims)
	var taps [3]axisTaps
	var sums [3]float64
	for o := lo; o < hi; o++ {
		for axis, n := range t.dims {
			taps[axis] = t.taps(float64(t.grid[o*rank+rank-1-axis]), n)
		}
		clear(sums[:])
		image := o / t.points
		for ch := range t.channels {
			plane := image*t.channels + ch
			dy := float64(t.dy[plane*t.points+o%t.points])
			t.addSlopes(&sums, &taps, t.x[plane*t.plane:][:t.plane], dy)
		}
		for axis := range rank {
			t.dgrid[o*rank+rank-1-axis] = T(sums[axis])
		}
	}
}

// addSlopes adds dy times the derivative of a sample by the coordinate of each axis.
func (t *gridSlopes[T]) addSlopes(sums *[3]float64, taps *[3]axisTaps, x []T, dy float64) {
	rank, per := len(t.dims), t.order+1
	all := 1
	for range rank {
		all *= per
	}
	for k := range all {
		at, w := 0, [3]float64{1, 1, 1} // w[a] is the product of the weights, of axis a the derivative
		for axis, rest := rank-1, k; axis >= 0; axis-- {
			tap := rest % per
			rest /= per
			if taps[axis].at[tap] < 0 {
				at = -1
				break
			}
			for a := range rank {
				if a == axis {
					w[a] *= taps[axis].dw[tap]
				} else {
					w[a] *= taps[axis].w[tap]
				}
			}
			at += taps[axis].at[tap] * t.dims[axis+1:].Len()
		}
		if at < 0 {
			continue
		}
		v := dy * float64(x[at])
		for a := range rank {
			sums[a] += w[a] * v
		}
	}
}

// taps returns what makes a sample at a coordinate in [-1, 1] along an axis of n elements.
func (s *sampler) taps(coordinate float64, n int) (a axisTaps) {
	v := s.position(coordinate, n)
	base, w := s.weights(v)
	a.w, a.dw = w, s.weightSlopes(v)
	slope := s.slope(coordinate, v, n)
	for i := range s.order + 1 {
		a.at[i] = s.index(base+i, n)
		a.dw[i] *= slope
	}
	return a
}

// slope is the derivative by the coordinate of the position v on an axis of n elements.
func (s *sampler) slope(coordinate, v float64, n int) float64 {
	lo, hi, slope := -0.5, float64(n)-0.5, float64(n)/2
	raw := ((coordinate+1)*float64(n) - 1) / 2
	if s.align {
		lo, hi, slope = 0, float64(n-1), float64(n-1)/2
		raw = (coordinate + 1) / 2 * float64(n-1)
	}
	if !(raw >= -1<<52 && raw <= 1<<52) {
		return 0
	}
	if s.order == 1 && s.padding != "zeros" && s.padding != "" && (v <= 0 || v >= float64(n-1)) {
		return 0 // held at the edge
	}
	if s.padding == "reflection" && (raw < lo || raw > hi) {
		if hi <= lo {
			return 0
		}
		if int64(math.Floor((raw-lo)/(hi-lo)))%2 != 0 {
			return -slope
		}
	}
	return slope
}

// weightSlopes returns the derivatives of weights by the position v.
func (s *sampler) weightSlopes(v float64) [4]float64 {
	r := v - math.Floor(v)
	switch s.order {
	case 0:
		return [4]float64{}
	case 1:
		return [4]float64{-1, 1}
	}
	const a = -0.75
	near := func(d float64) float64 { return (3*(a+2)*d - 2*(a+3)) * d }
	far := func(d float64) float64 { return (3*a*d-10*a)*d + 8*a }
	return [4]float64{far(1 + r), near(r), -near(1 - r), -far(2 - r)}
}
