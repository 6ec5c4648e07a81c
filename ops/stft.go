package ops

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/tensor"
)

// stftInfer infers [batch, frames, bins, 2].
func stftInfer(c *InferCtx) error {
	x := c.Type(0)
	batch, length := c.Fresh(), c.Fresh()
	if x.Ranked {
		if len(x.Dims) != 2 && len(x.Dims) != 3 {
			return fmt.Errorf("ops: signal has shape %v, want [batch, samples, parts]", x)
		}
		batch, length = x.Dims[0], x.Dims[1]
	}
	frames, bins := c.Fresh(), c.Fresh()
	size, ok := stftSize(c)
	if ok {
		bins = size
		if c.IntOr("onesided", 1) != 0 {
			bins = size.Div(sym.Const(2)).Add(sym.Const(1))
		}
		if e, known := c.Exprs(1); known && len(e) == 1 && x.Ranked {
			if step, isConst := e[0].Const(); !isConst || step > 0 {
				frames = length.Sub(size).Div(e[0]).Add(sym.Const(1))
			}
		}
	}
	if frames.Err() != nil {
		frames = c.Fresh()
	}
	if bins.Err() != nil {
		bins = c.Fresh()
	}
	c.Set(0, x.DType, batch, frames, bins, sym.Const(2))
	return nil
}

// stftSize infers the length of a frame.
func stftSize(c *InferCtx) (Dim, bool) {
	if c.Has(3) {
		e, ok := c.Exprs(3)
		if !ok || len(e) != 1 {
			return Dim{}, false
		}
		return e[0], true
	}
	if w := c.Type(2); c.Has(2) && w.Ranked && len(w.Dims) == 1 {
		return w.Dims[0], true
	}
	return Dim{}, false
}

var stftKernel = widened(func(k *KernelCtx) (Kernel, error) {
	onesided, plans := k.IntOr("onesided", 1) != 0, new(dftPlans)
	run := runSTFT[float32]
	if k.DType(0) == tensor.Float64 {
		run = runSTFT[float64]
	}
	return Kernel{Run: func(c *Call) error { return run(c, onesided, plans) }}, nil
})

// runSTFT transforms frames of the signal, each multiplied by the window.
func runSTFT[T float32 | float64](c *Call, onesided bool, plans *dftPlans) error {
	s := c.In[0].Shape()
	parts := 1
	if len(s) == 3 {
		parts = s[2]
	}
	if len(s) < 2 || len(s) > 3 || parts != 1 && parts != 2 {
		return fmt.Errorf("ops: signal has shape %v, want [batch, samples, 1 or 2]", []int(s))
	}
	step, err := signalInt(c, 1)
	if err != nil {
		return err
	}
	var window []T
	n := 0
	if len(c.In) > 2 && c.In[2] != nil {
		window = tensor.Of[T](c.In[2])
		n = len(window)
	}
	if len(c.In) > 3 && c.In[3] != nil {
		if n, err = signalInt(c, 3); err != nil {
			return err
		}
	}
	if n < 1 || n > s[1] || step < 1 || window != nil && len(window) != n {
		return fmt.Errorf("ops: frames of %d every %d of a signal of %d, window of %d", n, step, s[1], len(window))
	}
	bins := n
	if onesided {
		bins = n/2 + 1
	}
	frames := (s[1]-n)/step + 1
	x, y := tensor.Of[T](c.In[0]), tensor.Of[T](c.Out[0])
	if len(y) != s[0]*frames*bins*2 {
		return fmt.Errorf("ops: output has shape %v for %d frames of %d", []int(c.Out[0].Shape()), frames, bins)
	}
	p := plans.get(n, false)
	for b := range s[0] {
		for f := range frames {
			dftLoad(p.in, x[(b*s[1]+f*step)*parts:], n, parts, parts)
			for i, w := range window {
				p.in[i] *= complex(float64(w), 0)
			}
			p.run(false)
			dftStore(y, p.out[:bins], 2, 2)
			y = y[bins*2:]
		}
	}
	plans.pool.Put(p)
	return nil
}
