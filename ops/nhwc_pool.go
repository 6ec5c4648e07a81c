package ops

import (
	"fmt"
	"sync/atomic"

	"github.com/onnxrun/onnxrun/internal/kernel/pool"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
	"github.com/onnxrun/onnxrun/tensor"
)

// onnxrun NhwcMaxPool and NhwcAveragePool are what the layout pass puts in the place of MaxPool (without positions) and
// AveragePool: float32 [batch, spatial..., channels], the attributes of those and of WideRows. The second output of the former, where
// it is wanted, numbers the element of its window that each element comes from.

// nhwcPoolInfer infers both.
func nhwcPoolInfer(c *InferCtx) error { return channelsLastInfer(c, poolWindow) }

// nhwcPlacesInfer infers a pool that also notes places.
func nhwcPlacesInfer(c *InferCtx) error {
	if err := nhwcPoolInfer(c); err != nil {
		return err
	}
	places := c.Out[0].Type
	places.DType = tensor.Uint8
	c.SetType(1, places)
	return nil
}

func nhwcMaxPoolF32Kernel(k *KernelCtx) (Kernel, error) {
	return nhwcPoolRun(k, func(c *Call, p *nhwcPoolPlan) {
		if places := part(c.Out, 1); places != nil {
			pool.MaxPlacesLastF32(c.Threads, &p.g, p.operands(c), tensor.Of[uint8](places))
			return
		}
		pool.MaxLastF32(c.Threads, &p.g, p.operands(c))
	})
}

func nhwcAveragePoolF32Kernel(k *KernelCtx) (Kernel, error) {
	all := k.Bool("count_include_pad")
	return nhwcPoolRun(k, func(c *Call, p *nhwcPoolPlan) {
		pool.AverageLastF32(c.Threads, &p.g, p.operands(c), all)
	})
}

// nhwcPoolPlan is the geometry for one input shape; its planes are the batch.
type nhwcPoolPlan struct {
	x        tensor.Shape
	g        pool.Geom
	channels int // of those that are pooled
	from, at int // the first of them in the input and in the output
}

// operands returns what a call pools.
func (p *nhwcPoolPlan) operands(c *Call) (o pool.Pixels) {
	o.Channels = p.channels
	o.X, o.XStep = wideData(c.In[0], p.from)
	o.Y, o.YStep = wideData(c.Out[0], p.at)
	return o
}

// nhwcPoolRun runs f with the geometry of a call.
func nhwcPoolRun(k *KernelCtx, f func(c *Call, p *nhwcPoolPlan)) (Kernel, error) {
	plans, err := newNhwcPools(k)
	work := func(c *Call) (w Work) {
		if p, err := plans.of(c.In[0].Shape()); err == nil {
			w.Bytes = 4 * int64(p.g.Planes*(p.g.InSize()+p.g.OutSize())*p.channels)
		}
		return w
	}
	return Kernel{Work: work, Run: func(c *Call) error {
		p, err := plans.of(c.In[0].Shape())
		if err != nil {
			return err
		}
		if y := c.Out[0].Shape(); y.Len()/max(1, y[len(y)-1])*p.channels != p.outputs() || p.at+p.channels > y[len(y)-1] {
			return fmt.Errorf("ops: output has shape %v, want %d pixels with %d channels", y, p.outputs()/max(1, p.channels), p.channels)
		}
		f(c, p)
		return nil
	}}, err
}

// nhwcPools makes the plans of a node, and keeps that of the last shape.
type nhwcPools struct {
	attrs window.Attrs
	rows  WideRows
	last  atomic.Pointer[nhwcPoolPlan]
}

func newNhwcPools(k *KernelCtx) (*nhwcPools, error) {
	a, err := windowAttrs(k.Attrs)
	return &nhwcPools{attrs: a, rows: WideRowsOf(k.Attrs)}, err
}

// of returns the plan for an input of the shape x.
func (n *nhwcPools) of(x tensor.Shape) (*nhwcPoolPlan, error) {
	p := n.last.Load()
	if p != nil && p.x.Equal(x) {
		return p, nil
	}
	p, err := newNhwcPool(&n.attrs, &n.rows, x)
	if err == nil {
		n.last.Store(p)
	}
	return p, err
}

// shaped returns the plan for an input of which t is the shape with the channels second.
func (n *nhwcPools) shaped(t *tensor.Tensor) (*nhwcPoolPlan, error) {
	var buf [window.MaxRank + 2]int
	x, err := channelsLastList(buf[:], t)
	if err != nil {
		return nil, err
	}
	if p := n.last.Load(); p != nil && p.x.Equal(x) {
		return p, nil
	}
	return n.of(x.Clone())
}

// outputs is the number of elements of the pool's output.
func (p *nhwcPoolPlan) outputs() int { return p.g.Planes * p.g.OutSize() * p.channels }

func newNhwcPool(a *window.Attrs, rows *WideRows, x tensor.Shape) (*nhwcPoolPlan, error) {
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
	from, channels := rows.channels(0, x[len(x)-1])
	if from+channels > x[len(x)-1] {
		return nil, fmt.Errorf("ops: channels %d to %d of an input of shape %v", from, from+channels, x)
	}
	return &nhwcPoolPlan{x: x.Clone(), g: g, channels: channels, from: from, at: rows.At}, nil
}

// NhwcMaxPoolGrad and NhwcAveragePoolGrad are MaxPoolGrad and AveragePoolGrad of such tensors. The second input of the latter
// is the shape of the pool's input, with the channels second.
func nhwcAveragePoolGradInfer(c *InferCtx) error { return shapedLastInfer(c, 1) }

func nhwcMaxPoolGradKernel(k *KernelCtx) (Kernel, error) {
	return nhwcPoolGrad(k, func(c *Call, p *nhwcPoolPlan) {
		pool.MaxLastGrad(&p.g, p.channels, tensor.Of[float32](c.In[1]), tensor.Of[float32](c.In[0]), tensor.Of[float32](c.Out[0]), c.Threads)
	})
}

// nhwcMaxPlacesGradKernel binds NhwcMaxPlacesGrad, which is NhwcMaxPoolGrad with what NhwcMaxPool has noted, and the shape of its input,
// in the place of that.
func nhwcMaxPlacesGradKernel(k *KernelCtx) (Kernel, error) {
	plans, err := newNhwcPools(k)
	return Kernel{Run: func(c *Call) error {
		p, err := plans.shaped(c.In[2])
		if err != nil {
			return err
		}
		if n := p.outputs(); c.In[0].Len() != n || c.In[1].Len() != n {
			return fmt.Errorf("ops: gradient has shape %v and places %v, want %d elements", c.In[0].Shape(), c.In[1].Shape(), n)
		}
		dx, err := mvOut(c, 0, tensor.Float32, p.x)
		if err != nil {
			return err
		}
		pool.MaxPlacesLastGrad(&p.g, p.channels, tensor.Of[float32](c.In[0]), tensor.Of[uint8](c.In[1]), tensor.Of[float32](dx), c.Threads)
		return nil
	}}, err
}

func nhwcMaxPlacesGradInfer(c *InferCtx) error { return shapedLastInfer(c, 2) }

func nhwcAveragePoolGradKernel(k *KernelCtx) (Kernel, error) {
	all := k.Bool("count_include_pad")
	return nhwcPoolGrad(k, func(c *Call, p *nhwcPoolPlan) {
		pool.AverageLastGrad(&p.g, p.channels, tensor.Of[float32](c.In[0]), tensor.Of[float32](c.Out[0]), all, c.Threads)
	})
}

// nhwcPoolGrad runs f with the geometry of the pool. Its second input is the pool's input, or the shape of that.
func nhwcPoolGrad(k *KernelCtx, f func(c *Call, p *nhwcPoolPlan)) (Kernel, error) {
	plans, err := newNhwcPools(k)
	shaped := k.DType(1) == tensor.Int64
	return Kernel{Run: func(c *Call) error {
		var p *nhwcPoolPlan
		var err error
		if shaped {
			p, err = plans.shaped(c.In[1])
		} else {
			p, err = plans.of(c.In[1].Shape())
		}
		if err != nil {
			return err
		}
		if c.In[0].Len() != p.outputs() {
			return fmt.Errorf("ops: gradient has shape %v, want %d elements", c.In[0].Shape(), p.outputs())
		}
		if _, err := mvOut(c, 0, tensor.Float32, p.x); err != nil {
			return err
		}
		f(c, p)
		return nil
	}}, err
}
