package ops

import (
	"fmt"

	"github.com/onnxrun/onnxrun/tensor"
)

// bindGridNearest binds a GridSample that copies the nearest elements, of any type; outside there are zeros or empty strings.
func bindGridNearest(s *sampler, k *KernelCtx) (Kernel, error) {
	decode := castDecoder(k.DType(1))
	if decode == nil {
		return Kernel{}, Unsupported("grid of %v", k.DType(1))
	}
	return Kernel{Run: func(c *Call) error { return gridNearest(s, decode, c) }}, nil
}

func gridNearest(s *sampler, decode decoder, c *Call) error {
	x, y := c.In[0], c.Out[0]
	xs, gs := x.Shape(), c.In[1].Shape()
	if err := checkGrid(xs, gs); err != nil {
		return err
	}
	rank, dims := len(xs)-2, xs[2:]
	plane, points := dims.Len(), gs[1:len(gs)-1].Len()
	y, err := c.Alloc(0, x.DType(), y.Shape()...)
	if err != nil {
		return err
	}
	if y.Len() != xs[0]*xs[1]*points {
		return fmt.Errorf("ops: output has shape %v, want %d points per plane", y.Shape(), points)
	}
	var p samplePoint
	var at [3]float64
	width := x.DType().Size()
	for o := range xs[0] * points {
		decode(at[:rank], c.In[1], o*rank)
		from := -1
		if plane > 0 {
			point(s, &p, dims, at[:rank])
			from = p.at[0]
		}
		for ch := range xs[1] {
			n := o/points*xs[1] + ch
			to := n*points + o%points
			switch {
			case x.DType() == tensor.String && from < 0:
				y.Strings()[to] = ""
			case x.DType() == tensor.String:
				y.Strings()[to] = x.Strings()[n*plane+from]
			case from < 0:
				clear(y.Bytes()[to*width : (to+1)*width])
			default:
				copy(y.Bytes()[to*width:(to+1)*width], x.Bytes()[(n*plane+from)*width:])
			}
		}
	}
	return nil
}
