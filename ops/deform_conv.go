package ops

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/kernel/conv"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
	"github.com/onnxrun/onnxrun/tensor"
)

// deformConv are the attributes of DeformConv.
type deformConv struct {
	attrs                window.Attrs
	groups, offsetGroups int
}

var deformConvKernel = widened(func(k *KernelCtx) (Kernel, error) {
	a, err := windowAttrs(k.Attrs)
	if err != nil {
		return Kernel{}, err
	}
	if r := k.Type(0).Rank(); r >= 0 && r != 4 {
		return Kernel{}, Unsupported("DeformConv over %d axes", r-2)
	}
	d := &deformConv{a, k.IntOr("group", 1), k.IntOr("offset_group", 1)}
	if k.DType(0) == tensor.Float64 {
		return Kernel{Run: func(c *Call) error { return runDeform[float64](d, c) }}, nil
	}
	return Kernel{Run: func(c *Call) error { return runDeform[float32](d, c) }}, nil
})

// deformArgs are the operands of one run.
type deformArgs[T float32 | float64] struct {
	conv.Geom
	offsetGroups                int
	x, w, offset, bias, mask, y []T
}

func runDeform[T float32 | float64](d *deformConv, c *Call) error {
	g, err := conv.NewGeom(d.attrs, d.groups, c.In[0].Shape(), c.In[1].Shape())
	if err != nil {
		return err
	}
	if g.Rank != 2 {
		return Unsupported("DeformConv over %d axes", g.Rank)
	}
	a := deformArgs[T]{Geom: g, offsetGroups: d.offsetGroups, x: tensor.Of[T](c.In[0]), w: tensor.Of[T](c.In[1]),
		offset: tensor.Of[T](c.In[2]), bias: tensor.Of[T](input(c, 3)), mask: tensor.Of[T](input(c, 4)), y: tensor.Of[T](c.Out[0])}
	positions := g.Batch * d.offsetGroups * g.Taps() * g.OutSize()
	switch {
	case d.offsetGroups < 1 || g.InC%d.offsetGroups != 0:
		return fmt.Errorf("ops: %d channels in %d offset groups", g.InC, d.offsetGroups)
	case len(a.offset) != 2*positions || a.mask != nil && len(a.mask) != positions:
		return fmt.Errorf("ops: offset %v or mask does not fit %d positions", c.In[2].Shape(), positions)
	case a.bias != nil && len(a.bias) != g.OutC || len(a.y) != g.Batch*g.OutC*g.OutSize():
		return fmt.Errorf("ops: bias or output does not fit %d channels", g.OutC)
	}
	a.run()
	return nil
}

// run computes every output position from the column of samples below its window.
func (a *deformArgs[T]) run() {
	icg, ocg, taps, out := a.InC/a.Groups, a.OutC/a.Groups, a.Taps(), a.OutSize()
	column := make([]T, a.InC*taps)
	for n := range a.Batch {
		for o := range out {
			a.sample(column, n, o)
			for oc := range a.OutC {
				var sum T
				col := column[oc/ocg*icg*taps:][:icg*taps]
				for i, w := range a.w[oc*icg*taps:][:icg*taps] {
					sum += w * col[i]
				}
				if a.bias != nil {
					sum += a.bias[oc]
				}
				a.y[(n*a.OutC+oc)*out+o] = sum
			}
		}
	}
}

// sample reads the shifted window of output position o in all channels.
func (a *deformArgs[T]) sample(column []T, n, o int) {
	h, w := a.Axes[0], a.Axes[1]
	taps, out, in := a.Taps(), a.OutSize(), a.InSize()
	perGroup := a.InC / a.offsetGroups
	for g := range a.offsetGroups {
		for t := range taps {
			at := (n*a.offsetGroups+g)*taps + t
			y := float64(o/w.Out*h.Stride-h.Lo+t/w.Kernel*h.Dilation) + float64(a.offset[2*at*out+o])
			x := float64(o%w.Out*w.Stride-w.Lo+t%w.Kernel*w.Dilation) + float64(a.offset[(2*at+1)*out+o])
			m := 1.0
			if a.mask != nil {
				m = float64(a.mask[at*out+o])
			}
			for c := g * perGroup; c < (g+1)*perGroup; c++ {
				column[c*taps+t] = T(m * bilinearZero(a.x[(n*a.InC+c)*in:][:in], h.In, w.In, y, x))
			}
		}
	}
}

// bilinearZero interpolates a plane that is surrounded by zeros.
func bilinearZero[T float32 | float64](src []T, height, width int, y, x float64) float64 {
	if !(y > -1 && y < float64(height) && x > -1 && x < float64(width)) {
		return 0
	}
	y0, x0 := int(y+1)-1, int(x+1)-1 // floor, as both are above -1
	ly, lx := y-float64(y0), x-float64(x0)
	at := func(i, j int) float64 {
		if i < 0 || i >= height || j < 0 || j >= width {
			return 0
		}
		return float64(src[i*width+j])
	}
	return (1-ly)*((1-lx)*at(y0, x0)+lx*at(y0, x0+1)) + ly*((1-lx)*at(y0+1, x0)+lx*at(y0+1, x0+1))
}
