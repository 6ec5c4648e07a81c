package ops

import (
	"fmt"
	"sync/atomic"

	"github.com/onnxrun/onnxrun/internal/kernel/pool"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
	"github.com/onnxrun/onnxrun/tensor"
)

// onnxrun NhwcMaxPool and NhwcAveragePool are what the layout pass puts in the place of MaxPool (without positions) and
// AveragePool: float32 [batch, spatial..., channels], the attributes of those.

// nhwcPoolInfer infers both.
func nhwcPoolInfer(c *InferCtx) error { return channelsLastInfer(c, poolWindow) }

func nhwcMaxPoolF32Kernel(k *KernelCtx) (Kernel, error) {
	return nhwcPoolRun(k, func(c *Call, p *nhwcPoolPlan) {
		pool.MaxLastF32(c.Threads, &p.g, p.channels, tensor.Of[float32](c.In[0]), tensor.Of[float32](c.Out[0]))
	})
}

func nhwcAveragePoolF32Kernel(k *KernelCtx) (Kernel, error) {
	all := k.Bool("count_include_pad")
	return nhwcPoolRun(k, func(c *Call, p *nhwcPoolPlan) {
		pool.AverageLastF32(c.Threads, &p.g, p.channels, tensor.Of[float32](c.In[0]), tensor.Of[float32](c.Out[0]), all)
	})
}

// nhwcPoolPlan is the geometry for one input shape; its planes are the batch.
type nhwcPoolPlan struct {
	x        tensor.Shape
	g        pool.Geom
	channels int
}

// nhwcPoolRun runs f with the geometry of a call; that of the last shape is kept.
func nhwcPoolRun(k *KernelCtx, f func(c *Call, p *nhwcPoolPlan)) (Kernel, error) {
	a, err := windowAttrs(k.Attrs)
	if err != nil {
		return Kernel{}, err
	}
	var last atomic.Pointer[nhwcPoolPlan]
	return Kernel{Run: func(c *Call) error {
		p := last.Load()
		if x := c.In[0].Shape(); p == nil || !p.x.Equal(x) {
			var err error
			if p, err = newNhwcPool(&a, x); err != nil {
				return err
			}
			last.Store(p)
		}
		if want := p.g.Planes * p.g.OutSize() * p.channels; c.Out[0].Len() != want {
			return fmt.Errorf("ops: output has shape %v, want %d elements", c.Out[0].Shape(), want)
		}
		f(c, p)
		return nil
	}}, nil
}

func newNhwcPool(a *window.Attrs, x tensor.Shape) (*nhwcPoolPlan, error) {
	var buf [window.MaxRank + 2]int
	planes, err := channelsSecond(buf[:], x)
	if err != nil {
		return nil, err
	}
	g, err := poolGeom(a, planes)
	if err != nil {
		return nil, err
	}
	g.Planes = x[0]
	return &nhwcPoolPlan{x: x.Clone(), g: g, channels: x[len(x)-1]}, nil
}

// NhwcMaxPoolGrad and NhwcAveragePoolGrad are MaxPoolGrad and AveragePoolGrad of such tensors. The second input of the latter
// is the shape of the pool's input, with the channels second.
func nhwcAveragePoolGradInfer(c *InferCtx) error {
	d := c.Type(0).DType
	if dims, ok := c.Exprs(1); ok && len(dims) > 1 {
		last := append(append([]Dim{dims[0]}, dims[2:]...), dims[1])
		return mvSet(c, 0, d, last...)
	}
	c.SetType(0, Unranked(d))
	return nil
}

func nhwcMaxPoolGradKernel(k *KernelCtx) (Kernel, error) {
	return nhwcPoolGrad(k, func(c *Call) tensor.Shape { return c.In[1].Shape() }, func(c *Call, p *nhwcPoolPlan) {
		pool.MaxLastGrad(&p.g, p.channels, tensor.Of[float32](c.In[1]), tensor.Of[float32](c.In[0]), tensor.Of[float32](c.Out[0]), c.Threads)
	})
}

func nhwcAveragePoolGradKernel(k *KernelCtx) (Kernel, error) {
	all := k.Bool("count_include_pad")
	shape := func(c *Call) tensor.Shape {
		s := listOf(c.In[1])
		if len(s) < 2 {
			return s
		}
		return append(append(tensor.Shape{s[0]}, s[2:]...), s[1])
	}
	return nhwcPoolGrad(k, shape, func(c *Call, p *nhwcPoolPlan) {
		pool.AverageLastGrad(&p.g, p.channels, tensor.Of[float32](c.In[0]), tensor.Of[float32](c.Out[0]), all, c.Threads)
	})
}

// nhwcPoolGrad runs f with the geometry of the pool whose input has a shape.
func nhwcPoolGrad(k *KernelCtx, shape func(*Call) tensor.Shape, f func(c *Call, p *nhwcPoolPlan)) (Kernel, error) {
	a, err := windowAttrs(k.Attrs)
	if err != nil {
		return Kernel{}, err
	}
	var last atomic.Pointer[nhwcPoolPlan]
	return Kernel{Run: func(c *Call) error {
		x, p := shape(c), last.Load()
		if p == nil || !p.x.Equal(x) {
			var err error
			if p, err = newNhwcPool(&a, x); err != nil {
				return err
			}
			last.Store(p)
		}
		if n := p.g.Planes * p.g.OutSize() * p.channels; c.In[0].Len() != n {
			return fmt.Errorf("ops: gradient has shape %v, want %d elements", c.In[0].Shape(), n)
		}
		if _, err := mvOut(c, 0, tensor.Float32, x); err != nil {
			return err
		}
		f(c, p)
		return nil
	}}, nil
}
