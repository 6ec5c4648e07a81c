package ops

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/tensor"
)

// affineGridInfer gives the grid of a size [N, C, ...] the shape [N, ..., rank].
func affineGridInfer(c *InferCtx) error {
	size, ok := c.Exprs(1)
	if !ok {
		n, counted := mvListLen(c, 1)
		if !counted {
			c.SetType(0, Unranked(c.Type(0).DType))
			return nil
		}
		size = c.FreshDims(n)
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

// affineGridGrad multiplies dy by the coordinates that theta was applied to: those that the identity gives, and 1.
func affineGridGrad(c GradCtx) error {
	g := grads{c}
	theta, dy := g.In(0), g.Dy(0)
	if dy == 0 || !g.Wants(0) {
		return nil
	}
	rank, err := g.rank(dy)
	if err != nil {
		return err
	}
	n := int64(rank - 2)
	one := make([]float64, n*(n+1))
	for i := range n {
		one[i*(n+1)+i] = 1
	}
	identity, err := tensor.FromFloat64s(g.Of(theta).DType, tensor.Shape{rank - 2, rank - 1}, one)
	if err != nil {
		return err
	}
	points := func(v Ref) Ref { return g.op("Reshape", v, g.ints(0, -1, n)) }
	base := points(g.with("AffineGrid", map[string]any{"align_corners": g.Attrs().Bool("align_corners")},
		g.op("Expand", g.Const(identity), g.shape(theta)), g.In(1)))
	ones := g.shift(g.scale(g.op("Slice", base, g.ints(0), g.ints(1), g.ints(2)), 0), 1)
	base = g.with("Concat", map[string]any{"axis": 2}, base, ones)
	g.SetGrad(0, product{alpha: 1}.emit(g, points(dy), base, true, false))
	return nil
}
