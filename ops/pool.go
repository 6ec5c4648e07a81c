package ops

import (
	"fmt"
	"math"
	"sync/atomic"

	"github.com/onnxrun/onnxrun/internal/kernel/pool"
	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// poolGeom resolves the geometry of a pool for the shape of its input.
func poolGeom(a *window.Attrs, x tensor.Shape) (pool.Geom, error) {
	g := pool.Geom{Rank: len(x) - 2}
	if len(x) < 3 {
		return g, fmt.Errorf("ops: input has shape %v, want at least 3 axes", x)
	}
	if err := a.Check(g.Rank); err != nil {
		return g, err
	}
	g.Planes = x[0] * x[1]
	for i := range g.Rank {
		var err error
		if g.Axes[i], err = a.Axis(i, x[2+i]); err != nil {
			return g, err
		}
	}
	return g, nil
}

// poolPlan is the geometry for one input shape.
type poolPlan struct {
	x tensor.Shape
	g pool.Geom
}

// poolRun runs f with the geometry of a call; that of the last shape is kept.
func poolRun(k *KernelCtx, f func(c *Call, g *pool.Geom)) (Kernel, error) {
	a, err := windowAttrs(k.Attrs)
	if err != nil {
		return Kernel{}, err
	}
	var last atomic.Pointer[poolPlan]
	return Kernel{Run: func(c *Call) error {
		p := last.Load()
		if p == nil || !p.x.Equal(c.In[0].Shape()) {
			g, err := poolGeom(&a, c.In[0].Shape())
			if err != nil {
				return err
			}
			p = &poolPlan{c.In[0].Shape().Clone(), g}
			last.Store(p)
		}
		if want := p.g.Planes * p.g.OutSize(); c.Out[0].Len() != want {
			return fmt.Errorf("ops: output has shape %v, want %d elements", c.Out[0].Shape(), want)
		}
		f(c, &p.g)
		return nil
	}}, nil
}

var maxPoolKernel = widened(func(k *KernelCtx) (Kernel, error) {
	switch k.DType(0) {
	case tensor.Float32:
		return maxPoolF32(k)
	case tensor.Float64:
		return poolRun(k, maxPoolOf(k, math.Inf(-1)))
	case tensor.Int8:
		return poolRun(k, maxPoolBytes(k, vec.Lowest[int8]()))
	case tensor.Uint8:
		return poolRun(k, maxPoolBytes(k, uint8(0)))
	}
	return Kernel{}, Unsupported("MaxPool of %v", k.DType(0))
})

func maxPoolF32(k *KernelCtx) (Kernel, error) {
	plain := maxPoolOf(k, float32(math.Inf(-1)))
	return poolRun(k, func(c *Call, g *pool.Geom) {
		if g.Rank > 3 || len(c.Out) > 1 && c.Out[1] != nil {
			plain(c, g)
			return
		}
		pool.MaxF32(c.Threads, g, tensor.Of[float32](c.In[0]), tensor.Of[float32](c.Out[0]))
	})
}

func maxPoolBytes[T int8 | uint8](k *KernelCtx, low T) func(c *Call, g *pool.Geom) {
	plain := maxPoolOf(k, low)
	return func(c *Call, g *pool.Geom) {
		if g.Rank > 3 || len(c.Out) > 1 && c.Out[1] != nil {
			plain(c, g)
			return
		}
		pool.MaxBytes(c.Threads, g, tensor.Of[T](c.In[0]), tensor.Of[T](c.Out[0]), low)
	}
}

func maxPoolOf[T float32 | float64 | int8 | uint8](k *KernelCtx, low T) func(c *Call, g *pool.Geom) {
	columnMajor, indexer := k.Bool("storage_order"), new(pool.Indexer[T])
	return func(c *Call, g *pool.Geom) {
		x, y := tensor.Of[T](c.In[0]), tensor.Of[T](c.Out[0])
		switch indexed := len(c.Out) > 1 && c.Out[1] != nil; {
		case !indexed:
			pool.Max(g, x, y, nil, columnMajor, low)
		case g.Rank > 3:
			pool.Max(g, x, y, tensor.Of[int64](c.Out[1]), columnMajor, low)
		default:
			indexer.Max(c.Threads, g, x, y, tensor.Of[int64](c.Out[1]), columnMajor, low)
		}
	}
}

var averagePoolKernel = widened(func(k *KernelCtx) (Kernel, error) {
	all := k.Bool("count_include_pad")
	if k.DType(0) == tensor.Float64 {
		return poolRun(k, func(c *Call, g *pool.Geom) {
			pool.Average(g, tensor.Of[float64](c.In[0]), tensor.Of[float64](c.Out[0]), all)
		})
	}
	return poolRun(k, func(c *Call, g *pool.Geom) {
		x, y := tensor.Of[float32](c.In[0]), tensor.Of[float32](c.Out[0])
		if g.Rank > 3 {
			pool.Average(g, x, y, all)
			return
		}
		pool.AverageF32(c.Threads, g, x, y, all)
	})
})

// lpOrder returns the order of a norm, which is a float in version 1 and whole later on.
func lpOrder(a Attrs) float64 {
	switch x := a.Find("p"); {
	case x == nil:
		return 2
	case x.Type == onnx.AttrFloat:
		return float64(x.F)
	default:
		return float64(x.I)
	}
}

var lpPoolKernel = widened(func(k *KernelCtx) (Kernel, error) {
	p := lpOrder(k.Attrs)
	if k.DType(0) == tensor.Float64 {
		return poolRun(k, func(c *Call, g *pool.Geom) {
			pool.Lp(g, tensor.Of[float64](c.In[0]), tensor.Of[float64](c.Out[0]), p)
		})
	}
	return poolRun(k, func(c *Call, g *pool.Geom) {
		pool.Lp(g, tensor.Of[float32](c.In[0]), tensor.Of[float32](c.Out[0]), p)
	})
})

// wholePlanes returns the number and the size of the planes of a tensor.
func wholePlanes(t *tensor.Tensor) (planes, size int) {
	s := t.Shape()
	planes = s[0] * s[1]
	size = 1
	for _, d := range s[2:] {
		size *= d
	}
	return planes, size
}

// globalGeom is the geometry of a window that covers the whole plane.
func globalGeom(t *tensor.Tensor) *pool.Geom {
	planes, size := wholePlanes(t)
	g := &pool.Geom{Planes: planes, Rank: 1}
	g.Axes[0] = window.Axis{In: size, Out: 1, Kernel: size, Stride: 1, Dilation: 1}
	return g
}

var globalAveragePoolKernel = widened(func(k *KernelCtx) (Kernel, error) {
	if k.DType(0) == tensor.Float64 {
		return Kernel{Run: func(c *Call) error {
			pool.Average(globalGeom(c.In[0]), tensor.Of[float64](c.In[0]), tensor.Of[float64](c.Out[0]), false)
			return nil
		}}, nil
	}
	return Kernel{Run: func(c *Call) error {
		planes, size := wholePlanes(c.In[0])
		pool.GlobalAverageF32(c.Threads, planes, size, tensor.Of[float32](c.In[0]), tensor.Of[float32](c.Out[0]))
		return nil
	}}, nil
})

var globalMaxPoolKernel = widened(func(k *KernelCtx) (Kernel, error) {
	if k.DType(0) == tensor.Float64 {
		return Kernel{Run: func(c *Call) error {
			pool.Max(globalGeom(c.In[0]), tensor.Of[float64](c.In[0]), tensor.Of[float64](c.Out[0]), nil, false, math.Inf(-1))
			return nil
		}}, nil
	}
	return Kernel{Run: func(c *Call) error {
		planes, size := wholePlanes(c.In[0])
		pool.GlobalMaxF32(c.Threads, planes, size, tensor.Of[float32](c.In[0]), tensor.Of[float32](c.Out[0]))
		return nil
	}}, nil
})

var globalLpPoolKernel = widened(func(k *KernelCtx) (Kernel, error) {
	p := lpOrder(k.Attrs)
	if k.DType(0) == tensor.Float64 {
		return Kernel{Run: func(c *Call) error {
			pool.Lp(globalGeom(c.In[0]), tensor.Of[float64](c.In[0]), tensor.Of[float64](c.Out[0]), p)
			return nil
		}}, nil
	}
	return Kernel{Run: func(c *Call) error {
		pool.Lp(globalGeom(c.In[0]), tensor.Of[float32](c.In[0]), tensor.Of[float32](c.Out[0]), p)
		return nil
	}}, nil
})
