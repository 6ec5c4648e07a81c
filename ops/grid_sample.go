package ops

import (
	"fmt"
	"math"

	"github.com/onnxrun/onnxrun/internal/sym"
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

var gridSampleKernel = widened(func(k *KernelCtx) (Kernel, error) {
	s := &sampler{padding: k.Str("padding_mode"), align: k.Bool("align_corners")}
	switch mode := k.Str("mode"); mode {
	case "nearest":
	case "bilinear", "linear", "":
		s.order = 1
	case "bicubic", "cubic":
		s.order = 3
	default:
		return Kernel{}, Unsupported("GridSample with mode %q", mode)
	}
	switch s.padding {
	case "", "zeros", "border", "reflection":
	default:
		return Kernel{}, Unsupported("GridSample with padding_mode %q", s.padding)
	}
	if k.DType(0) == tensor.Float64 {
		return Kernel{Run: func(c *Call) error { return gridSample[float64](s, c) }}, nil
	}
	return Kernel{Run: func(c *Call) error { return gridSample[float32](s, c) }}, nil
})

// samplePoint is the weighted elements that make one sample; position -1 stands for zero.
type samplePoint struct {
	at []int
	w  []float64
}

func gridSample[T float32 | float64](s *sampler, c *Call) error {
	xs, gs := c.In[0].Shape(), c.In[1].Shape()
	rank := len(xs) - 2
	if rank < 1 || rank > 3 || len(gs) != len(xs) || gs[0] != xs[0] || gs[len(gs)-1] != rank {
		return fmt.Errorf("ops: grid of shape %v does not fit input of shape %v", gs, xs)
	}
	x, y := tensor.Of[T](c.In[0]), tensor.Of[T](c.Out[0])
	grid, err := gridOf(c.In[1])
	if err != nil {
		return err
	}
	dims := xs[2:]
	plane, points := dims.Len(), gs[1:len(gs)-1].Len()
	if len(y) != xs[0]*xs[1]*points {
		return fmt.Errorf("ops: output has shape %v, want %d points per plane", c.Out[0].Shape(), points)
	}
	if plane == 0 {
		clear(y)
		return nil
	}
	var p samplePoint
	for n := range xs[0] {
		for o := range points {
			s.point(&p, dims, grid, (n*points+o)*rank)
			for ch := range xs[1] {
				src := x[(n*xs[1]+ch)*plane:][:plane]
				sum := 0.0
				for i, at := range p.at {
					if at >= 0 {
						sum += p.w[i] * float64(src[at])
					}
				}
				y[(n*xs[1]+ch)*points+o] = T(sum)
			}
		}
	}
	return nil
}

// gridOf returns access to the coordinates of a grid.
func gridOf(t *tensor.Tensor) (func(int) float64, error) {
	switch t.DType() {
	case tensor.Float32:
		g := tensor.Of[float32](t)
		return func(i int) float64 { return float64(g[i]) }, nil
	case tensor.Float64:
		g := tensor.Of[float64](t)
		return func(i int) float64 { return g[i] }, nil
	}
	return nil, Unsupported("grid of %v", t.DType())
}

// point finds the elements around the grid point whose coordinates, last axis first, begin at g.
func (s *sampler) point(p *samplePoint, dims tensor.Shape, grid func(int) float64, g int) {
	p.at, p.w = append(p.at[:0], 0), append(p.w[:0], 1)
	for axis, n := range dims {
		v := s.position(grid(g+len(dims)-1-axis), n)
		taps := s.order + 1
		base, w := s.weights(v)
		count := len(p.at)
		for t := taps - 1; t >= 0; t-- { // the first tap last: it overwrites the entries that the others read
			i := s.index(base+t, n)
			for j := range count {
				at := -1
				if i >= 0 && p.at[j] >= 0 {
					at = p.at[j]*n + i
				}
				if t > 0 {
					p.at, p.w = append(p.at, at), append(p.w, p.w[j]*w[t])
				} else {
					p.at[j], p.w[j] = at, p.w[j]*w[0]
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

// affineGridInfer gives the grid of a size [N, C, ...] the shape [N, ..., rank].
func affineGridInfer(c *InferCtx) error {
	size, ok := c.Exprs(1)
	if !ok {
		c.SetType(0, Unranked(c.Type(0).DType))
		return nil
	}
	if len(size) != 4 && len(size) != 5 {
		return fmt.Errorf("ops: size has %d values, want 4 or 5", len(size))
	}
	dims := append([]Dim{size[0]}, size[2:]...)
	c.Set(0, c.Type(0).DType, append(dims, sym.Const(int64(len(size)-2)))...)
	return nil
}

var affineGridKernel = widened(func(k *KernelCtx) (Kernel, error) {
	align := k.Bool("align_corners")
	if k.DType(0) == tensor.Float64 {
		return Kernel{Run: func(c *Call) error { return affineGrid[float64](c, align) }}, nil
	}
	return Kernel{Run: func(c *Call) error { return affineGrid[float32](c, align) }}, nil
})

// affineGrid maps every position of an image through the matrices theta.
func affineGrid[T float32 | float64](c *Call, align bool) error {
	theta, size := tensor.Of[T](c.In[0]), ints(tensor.Of[int64](c.In[1]))
	rank := len(size) - 2
	if rank != 2 && rank != 3 {
		return fmt.Errorf("ops: size has %d values, want 4 or 5", len(size))
	}
	if want := (tensor.Shape{size[0], rank, rank + 1}); !c.In[0].Shape().Equal(want) {
		return fmt.Errorf("ops: theta has shape %v, want %v", c.In[0].Shape(), want)
	}
	dims := append([]int{1}, size[2:]...)[rank-2:] // depth, height, width
	out, err := c.Alloc(0, c.In[0].DType(), append(append([]int{size[0]}, size[2:]...), rank)...)
	if err != nil {
		return err
	}
	y := tensor.Of[T](out)
	at := func(i, n int) float64 {
		switch {
		case align && n > 1:
			return -1 + 2*float64(i)/float64(n-1)
		case align:
			return 0
		}
		return -1 + (2*float64(i)+1)/float64(n)
	}
	for n := range size[0] {
		m := theta[n*rank*(rank+1):]
		for d := range dims[0] {
			for h := range dims[1] {
				for w := range dims[2] {
					p := [4]float64{at(w, dims[2]), at(h, dims[1]), at(d, dims[0]), 1}
					p[rank] = 1
					for i := range rank {
						sum := 0.0
						for j := range rank + 1 {
							sum += float64(m[i*(rank+1)+j]) * p[j]
						}
						y[i] = T(sum)
					}
					y = y[rank:]
				}
			}
		}
	}
	return nil
}
