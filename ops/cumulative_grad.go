package ops

import (
	"fmt"

	"github.com/onnxrun/onnxrun/tensor"
)

// CumProdGrad of the onnxrun domain makes the gradient of running products from dy, the input and the axis. It never
// divides, so that zeros do no harm: dx_j is the product of what comes before j times s_j = dy_j + x_(j+1)*s_(j+1),
// or for exclusive products times s_j = dy_(j+1) + x_(j+1)*s_(j+1).

func cumProdGrad(c GradCtx) error {
	return unaryGrad(func(g grads, dy, x, _ Ref) Ref {
		a := g.Attrs()
		return g.own("CumProdGrad", map[string]any{"exclusive": a.Bool("exclusive"), "reverse": a.Bool("reverse")}, dy, x, g.In(1))
	})(c)
}

var cumProdGradKernel = widened(func(k *KernelCtx) (Kernel, error) {
	exclusive, reverse := k.Bool("exclusive"), k.Bool("reverse")
	if k.DType(0) == tensor.Float64 {
		return Kernel{Run: func(c *Call) error { return cumProdBack[float64](c, exclusive, reverse) }}, nil
	}
	return Kernel{Run: func(c *Call) error { return cumProdBack[float32](c, exclusive, reverse) }}, nil
})

func cumProdBack[T float32 | float64](c *Call, exclusive, reverse bool) error {
	s, list := c.In[1].Shape(), integers(c.In[2])
	if len(list) != 1 || !c.In[0].Shape().Equal(s) {
		return fmt.Errorf("ops: gradient of shape %v along %d axes for an input of shape %v", c.In[0].Shape(), len(list), s)
	}
	axis, err := mvAxis(int(list[0]), len(s))
	if err != nil {
		return err
	}
	dy, x, dx := tensor.Of[T](c.In[0]), tensor.Of[T](c.In[1]), tensor.Of[T](c.Out[0])
	outer, n, inner := mvLen(s[:axis]), s[axis], mvLen(s[axis+1:])
	before := make([]float64, n)
	for line := range outer * inner {
		at := func(i int) int {
			if reverse {
				i = n - 1 - i
			}
			return (line/inner*n+i)*inner + line%inner
		}
		p := 1.0
		for i := range before {
			before[i] = p
			p *= float64(x[at(i)])
		}
		sum, later := 0.0, 0.0 // later is dy of the next element
		for i := n - 1; i >= 0; i-- {
			if exclusive {
				if i < n-1 {
					sum = later + float64(x[at(i+1)])*sum
				}
				later = float64(dy[at(i)])
			} else {
				if i < n-1 {
					sum *= float64(x[at(i+1)])
				}
				sum += float64(dy[at(i)])
			}
			dx[at(i)] = T(before[i] * sum)
		}
	}
	return nil
}
