package ops

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/par"
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
	t, _ := plans.tasks.Get().(*stftTask[T])
	if t == nil {
		t = new(stftTask[T])
	}
	*t = stftTask[T]{plans: plans, x: x, y: y, window: window, n: n, bins: bins, step: step, frames: frames, count: s[0] * frames, len: s[1], parts: parts}
	var chunks int
	chunks, t.size = par.Split(t.count, dftSequences(n))
	par.Run(c.Threads, chunks, t)
	*t = stftTask[T]{}
	plans.tasks.Put(t)
	return nil
}

// stftTask is a running STFT; chunks are ranges of the frames of all signals.
type stftTask[T float32 | float64] struct {
	plans        *dftPlans
	x, y, window []T
	n, bins      int // elements of a frame, and of its transform
	step, frames int // of a signal
	count        int // frames of all signals
	len, parts   int // of a signal
	size         int // frames of a chunk
}

// Chunk transforms a range of frames.
func (t *stftTask[T]) Chunk(i int) {
	lo, hi := par.Range(i, t.size, t.count)
	p := t.plans.get(t.n, false)
	for r := lo; r < hi; r++ {
		x := t.x[(r/t.frames*t.len+r%t.frames*t.step)*t.parts:]
		if t.parts == 1 && p.real != nil {
			loadReal(p.signal, x, t.n, 1)
			for i, w := range t.window {
				p.signal[i] *= float64(w)
			}
			p.runReal(t.bins == t.n)
		} else {
			dftLoad(p.in, x, t.n, t.parts, t.parts)
			for i, w := range t.window {
				p.in[i] *= complex(float64(w), 0)
			}
			p.run(false)
		}
		dftStore(t.y[r*t.bins*2:], p.out[:t.bins], 2, 2)
	}
	t.plans.pool.Put(p)
}
