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
	across := make([]float64, dims[2])
	for w := range across {
		across[w] = gridCoordinate(w, dims[2], align)
	}
	for n := range size[0] {
		m := theta[n*rank*(rank+1):]
		for row := range dims[0] * dims[1] {
			p := [4]float64{0, gridCoordinate(row%dims[1], dims[1], align), gridCoordinate(row/dims[1], dims[0], align), 1}
			p[rank] = 1
			affineRow(y[:dims[2]*rank], m, across, p, rank)
			y = y[dims[2]*rank:]
		}
	}
	return nil
}

// gridCoordinate is where position i of n lies in [-1, 1].
func gridCoordinate(i, n int, align bool) float64 {
	switch {
	case align && n > 1:
		return -1 + 2*float64(i)/float64(n-1)
	case align:
		return 0
	}
	return -1 + (2*float64(i)+1)/float64(n)
}

// affineRow maps the positions of a row, whose other coordinates are those of p.
func affineRow[T float32 | float64](y, m []T, across []float64, p [4]float64, rank int) {
	for i := range rank {
		row := m[i*(rank+1):][:rank+1]
		for w, x := range across {
			sum := float64(row[0]) * x
			for j := 1; j < len(row); j++ {
				sum += float64(row[j]) * p[j]
			}
			y[w*rank+i] = T(sum)
		}
	}
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
