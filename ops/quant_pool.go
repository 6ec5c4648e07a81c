package ops

import (
	"fmt"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/pool"
	"github.com/onnxrun/onnxrun/internal/kernel/quant"
	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
	"github.com/onnxrun/onnxrun/tensor"
)

// Pools of com.microsoft over bytes: NhwcMaxPool, whose channels come last, and QLinearAveragePool, where they may.

func nhwcMaxPoolInfer(c *InferCtx) error { return channelsLastInfer(c, poolWindow) }

func qlinearAveragePoolInfer(c *InferCtx) error {
	if c.Bool("channels_last") {
		return channelsLastInfer(c, poolWindow)
	}
	return poolWindow(c)
}

// bytePool is a bound pool over bytes.
type bytePool struct {
	attrs      window.Attrs
	last       bool // channels are the last axis
	includePad bool
}

// geom returns the geometry and how many neighbours each spatial element has: the channels if they come last.
func (b *bytePool) geom(c *Call) (g pool.Geom, inner int, err error) {
	var buf [window.MaxRank + 2]int
	x := append(buf[:0], c.In[0].Shape()...)
	n := len(x)
	inner = 1
	if b.last && n > 2 && n <= len(buf) {
		inner = x[n-1]
		copy(x[2:], c.In[0].Shape()[1:n-1])
		x[1] = 1
	}
	if g, err = poolGeom(&b.attrs, x); err != nil {
		return g, 0, err
	}
	if want := g.Planes * g.OutSize() * inner; c.Out[0].Len() != want {
		return g, 0, fmt.Errorf("ops: output has shape %v, want %d elements", c.Out[0].Shape(), want)
	}
	return g, inner, nil
}

func nhwcMaxPoolKernel(k *KernelCtx) (Kernel, error) {
	return byteKernel(k, 0, bindNhwcMaxPool[int8], bindNhwcMaxPool[uint8])
}

func bindNhwcMaxPool[T quant.Byte](k *KernelCtx) (Kernel, error) {
	a, err := windowAttrs(k.Attrs)
	b := &bytePool{attrs: a, last: true}
	return Kernel{Run: func(c *Call) error {
		g, inner, err := b.geom(c)
		if err != nil {
			return err
		}
		pool.MaxInner(&g, inner, tensor.Of[T](c.In[0]), tensor.Of[T](c.Out[0]), vec.Lowest[T]())
		return nil
	}}, err
}

func qlinearAveragePoolKernel(k *KernelCtx) (Kernel, error) {
	return byteKernel(k, 0, bindAveragePool[int8], bindAveragePool[uint8])
}

// averageCall turns the sums of windows into bytes.
type averageCall struct {
	sums   []int32
	factor float32
	zero   int32
	signed bool
	y      []uint8
	done   func(count int)
}

func bindAveragePool[T quant.Byte](k *KernelCtx) (Kernel, error) {
	a, err := windowAttrs(k.Attrs)
	b := &bytePool{attrs: a, last: k.Bool("channels_last"), includePad: k.Bool("count_include_pad")}
	var calls sync.Pool // of *averageCall
	scratch := func(c *Call) int {
		if s := c.In[0].Shape(); b.last && len(s) > 0 {
			return 4 * s[len(s)-1]
		}
		return 4
	}
	return Kernel{Scratch: scratch, Run: func(c *Call) error {
		in, out, err := twoParams(c)
		if err != nil {
			return err
		}
		g, inner, err := b.geom(c)
		if err != nil {
			return err
		}
		x, _ := calls.Get().(*averageCall)
		if x == nil {
			x = new(averageCall)
			x.done = x.finish
		}
		x.y, x.factor = byteBits(c.Out[0]), in.Scale/out.Scale
		x.sums, x.zero, x.signed = scratchOf[int32](c.Scratch, inner), out.Zero, c.In[0].DType() == tensor.Int8
		pool.SumInner(&g, inner, tensor.Of[T](c.In[0]), in.Zero, b.includePad, x.sums, x.done)
		x.y, x.sums = nil, nil
		calls.Put(x)
		return nil
	}}, err
}

// twoParams returns the meanings of input 0 and of output 0, given by inputs 1 to 4.
func twoParams(c *Call) (in, out quant.Params, err error) {
	d := c.In[0].DType()
	if in, err = quantParams(c, d, 1, 2); err == nil {
		out, err = quantParams(c, d, 3, 4)
	}
	return in, out, err
}

// finish stores the mean of the sums of a window of count elements.
func (x *averageCall) finish(count int) {
	n := len(x.sums)
	quant.Row(x.y[:n], x.sums, 0, x.factor/float32(count), x.zero, x.signed)
	x.y = x.y[n:]
}
