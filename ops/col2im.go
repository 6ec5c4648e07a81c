package ops

import (
	"fmt"
	"math"

	"github.com/onnxrun/onnxrun/internal/kernel/conv"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
	"github.com/onnxrun/onnxrun/internal/par"
	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/tensor"
)

// col2imInfer gives the image of columns [N, C*prod(block), L] the shape [N, C, image...].
func col2imInfer(c *InferCtx) error {
	x := c.Type(0)
	image, ok := c.Exprs(1)
	if n, counted := mvListLen(c, 1); !ok && counted {
		image, ok = c.FreshDims(n), true
	}
	if !ok || !x.Ranked {
		c.SetType(0, Unranked(x.DType))
		return nil
	}
	if len(x.Dims) != 3 {
		return fmt.Errorf("ops: columns have shape %v, want 3 axes", x)
	}
	ch := c.Fresh()
	if block, ok := c.Exprs(2); ok {
		taps := sym.Const(1)
		for _, b := range block {
			taps = taps.Mul(b)
		}
		ch = x.Dims[1].Div(taps)
	}
	c.Set(0, x.DType, append([]Dim{x.Dims[0], ch}, image...)...)
	return nil
}

var col2imKernel = widened(func(k *KernelCtx) (Kernel, error) {
	a, err := windowAttrs(k.Attrs)
	if err != nil {
		return Kernel{}, err
	}
	switch k.DType(0) {
	case tensor.Float32:
		return Kernel{Run: func(c *Call) error { return col2im[float32](a, c) }}, nil
	case tensor.Float64:
		return Kernel{Run: func(c *Call) error { return col2im[float64](a, c) }}, nil
	case tensor.Int64:
		return Kernel{Run: func(c *Call) error { return col2im[int64](a, c) }}, nil
	case tensor.Uint64:
		return Kernel{Run: func(c *Call) error { return col2im[uint64](a, c) }}, nil
	case tensor.String:
		return Kernel{}, fmt.Errorf("ops: sums of strings, want numbers")
	}
	return throughFloat64(k, func(*KernelCtx) (Kernel, error) {
		return Kernel{Run: func(c *Call) error { return col2im[float64](a, c) }}, nil
	}, 0)
})

// col2im adds every column to the window of the image that it came from.
func col2im[T float32 | float64 | int64 | uint64](a window.Attrs, c *Call) error {
	xs := c.In[0].Shape()
	image := ints(tensor.Of[int64](c.In[1]))
	a.Kernel = ints(tensor.Of[int64](c.In[2]))
	rank := len(image)
	if err := a.Check(rank); err != nil {
		return err
	}
	var axes [window.MaxRank]window.Axis
	taps, columns := 1, 1
	for i := range rank {
		var err error
		if axes[i], err = a.Axis(i, image[i]); err != nil {
			return err
		}
		taps *= axes[i].Kernel
		columns *= axes[i].Out
		if max(taps, columns) > math.MaxInt32 {
			return fmt.Errorf("ops: block %v over image %v is out of range", a.Kernel, image)
		}
	}
	if len(xs) != 3 || xs[1]%taps != 0 || xs[2] != columns {
		return fmt.Errorf("ops: columns have shape %v, want [N, C*%d, %d]", xs, taps, columns)
	}
	t, err := c.Alloc(0, c.In[0].DType(), append([]int{xs[0], xs[1] / taps}, image...)...)
	if err != nil {
		return err
	}
	j := &col2imJob[T]{axes: axes, rank: rank, taps: taps, columns: columns, plane: tensor.Shape(image).Len(), x: tensor.Of[T](c.In[0]), y: tensor.Of[T](t)}
	par.Run(c.Threads, xs[0]*xs[1]/taps, j)
	return nil
}

// A col2imJob adds up planes, a channel of an image each.
type col2imJob[T float32 | float64 | int64 | uint64] struct {
	axes                       [window.MaxRank]window.Axis
	rank, taps, columns, plane int
	x, y                       []T
}

// Chunk adds up one plane.
func (j *col2imJob[T]) Chunk(i int) {
	y := j.y[i*j.plane:][:j.plane]
	clear(y)
	for tap := range j.taps {
		addColumns(j.axes[:j.rank], tap, j.x[(i*j.taps+tap)*j.columns:][:j.columns], y)
	}
}

// addColumns adds the elements that all windows have at position tap.
func addColumns[T float32 | float64 | int64 | uint64](axes []window.Axis, tap int, x, y []T) {
	var k [window.MaxRank]int
	for i := len(axes) - 1; i >= 0; i-- {
		k[i] = tap % axes[i].Kernel
		tap /= axes[i].Kernel
	}
	// Windows beside each other along the last axis meet elements beside each other, or a stride apart.
	last := len(axes) - 1
	z := axes[last]
	offset := k[last]*z.Dilation - z.Lo
	first := max(0, (z.Stride-1-offset)/z.Stride)
	end := 0
	if offset < z.In {
		end = min(z.Out, (z.In-1-offset)/z.Stride+1)
	}
	for row := 0; row*z.Out < len(x) && first < end; row++ {
		pos, stride, inside, o := 0, z.In, true, row
		for i := last - 1; i >= 0; i-- {
			a := axes[i]
			at := o%a.Out*a.Stride + k[i]*a.Dilation - a.Lo
			o /= a.Out
			inside = inside && at >= 0 && at < a.In
			pos += at * stride
			stride *= a.In
		}
		if !inside {
			continue
		}
		from := x[row*z.Out:][first:end]
		to := y[pos+offset+first*z.Stride:]
		if z.Stride == 1 {
			addRow(to[:len(from)], from)
			continue
		}
		for i, v := range from {
			to[i*z.Stride] += v
		}
	}
}

// Im2Col of the onnxrun domain reads the windows that Col2Im writes: its gradient.
func im2colInfer(c *InferCtx) error { return shapedInfer(c, 2) }

func col2imGrad(c GradCtx) error {
	return unaryGrad(func(g grads, dy, x, _ Ref) Ref {
		attrs := map[string]any{}
		for _, name := range []string{"dilations", "pads", "strides"} {
			if g.Attrs().HasAttr(name) {
				attrs[name] = g.Attrs().IntList(name)
			}
		}
		return g.own("Im2Col", attrs, dy, g.In(2), g.shape(x))
	})(c)
}

var im2colKernel = widened(func(k *KernelCtx) (Kernel, error) {
	a, err := windowAttrs(k.Attrs)
	if err != nil {
		return Kernel{}, err
	}
	if k.DType(0) == tensor.Float64 {
		return Kernel{Run: func(c *Call) error { return im2col[float64](a, c) }}, nil
	}
	return Kernel{Run: func(c *Call) error { return im2col[float32](a, c) }}, nil
})

func im2col[T float32 | float64](a window.Attrs, c *Call) error {
	t, err := shapedOut(c, 2)
	if err != nil {
		return err
	}
	s, image := t.Shape(), c.In[0].Shape()
	rank := len(image) - 2
	a.Kernel = listOf(c.In[1])
	if err := a.Check(rank); err != nil {
		return err
	}
	g := conv.Geom{Rank: rank}
	for i := range rank {
		if g.Axes[i], err = a.Axis(i, image[2+i]); err != nil {
			return err
		}
	}
	taps, columns, plane := g.Taps(), g.OutSize(), g.InSize()
	if len(s) != 3 || s[0] != image[0] || s[1] != image[1]*taps || s[2] != columns {
		return fmt.Errorf("ops: columns have shape %v for an image of shape %v and blocks of %v", s, image, a.Kernel)
	}
	x, y := tensor.Of[T](c.In[0]), tensor.Of[T](t)
	for row := range s[0] * s[1] {
		conv.Gather(&g, x[row/taps*plane:][:plane], y[row*columns:][:columns], row%taps, 0)
	}
	return nil
}
