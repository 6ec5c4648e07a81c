package ops

import (
	"fmt"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/random"
	"github.com/onnxrun/onnxrun/internal/par"
	"github.com/onnxrun/onnxrun/tensor"
)

// CounterDropout of the onnxrun domain is Dropout in training (N. Srivastava et al., "Dropout: a simple way to prevent
// neural networks from overfitting", JMLR 15, 2014) with masks that a counter-based generator draws from the inputs seed
// and step and the attribute stream. A step that is repeated drops the same elements, for any number of threads, and the
// gradient draws the mask again instead of keeping it.
//
// y = x / (1 - ratio) where the element is kept, else 0. Along the axes in shared_axes one mask serves all indices: with
// the axis of time it is the variational dropout of Y. Gal and Z. Ghahramani, "A theoretically grounded application of
// dropout in recurrent neural networks", NeurIPS 2016. With a ratio of 0 nothing is drawn.

func counterDropoutInfer(c *InferCtx) error {
	t, err := denseInput(c, 0)
	if err != nil {
		return err
	}
	c.SetType(0, t)
	return nil
}

var counterDropoutKernel = widened(func(k *KernelCtx) (Kernel, error) {
	d := counterDropout{stream: uint32(k.Int("stream")), shared: k.IntList("shared_axes")}
	switch k.DType(0) {
	case tensor.Float32:
		return Kernel{Run: func(c *Call) error { return runCounterDropout[float32](d, c) }}, nil
	case tensor.Float64:
		return Kernel{Run: func(c *Call) error { return runCounterDropout[float64](d, c) }}, nil
	}
	return Kernel{}, Unsupported("element type %v", k.DType(0))
})

// counterDropoutGrad drops from the gradient what was dropped from the input.
func counterDropoutGrad(c GradCtx) error {
	g := grads{c}
	dy, a := g.Dy(0), g.Attrs()
	if dy == 0 {
		return nil
	}
	attrs := map[string]any{"stream": a.Int("stream"), "shared_axes": a.IntList("shared_axes")}
	g.set(0, func() Ref { return g.own("CounterDropout", attrs, dy, g.In(1), g.In(2), g.In(3)) })
	return nil
}

// counterDropout holds the attributes.
type counterDropout struct {
	stream uint32
	shared []int64
}

// maxDropoutRank bounds the ranks for which axes may share a mask.
const maxDropoutRank = 16

// mask reads the inputs that the mask depends on.
func (d counterDropout) mask(c *Call) (random.Mask, error) {
	for i, name := range []string{1: "ratio", 2: "seed", 3: "step"} {
		if i > 0 && c.In[i].Len() != 1 {
			return random.Mask{}, fmt.Errorf("ops: input %d (%s) has shape %v, want one element", i, name, c.In[i].Shape())
		}
	}
	m := random.Mask{Stream: d.stream, Ratio: float64(tensor.Raw[float32](c.In[1])[0]),
		Seed: uint64(tensor.Raw[int64](c.In[2])[0]), Step: uint64(tensor.Raw[int64](c.In[3])[0])}
	if !(m.Ratio >= 0 && m.Ratio < 1) {
		return m, fmt.Errorf("ops: input 1 (ratio) is %v, want at least 0 and below 1", m.Ratio)
	}
	return m, nil
}

// strides returns how far a step along each axis moves in the mask: 0 along those that share it.
func (d counterDropout) strides(s *[maxDropoutRank]int, shape tensor.Shape) error {
	if len(shape) > maxDropoutRank {
		return fmt.Errorf("ops: input 0 has rank %d, want at most %d with shared_axes", len(shape), maxDropoutRank)
	}
	var shared [maxDropoutRank]bool
	for _, a := range d.shared {
		axis, err := mvAxis(int(a), len(shape))
		if err != nil {
			return err
		}
		shared[axis] = true
	}
	at := 1
	for i := len(shape) - 1; i >= 0; i-- {
		if s[i] = 0; !shared[i] {
			s[i] = at
			at *= shape[i]
		}
	}
	return nil
}

func runCounterDropout[T float32 | float64](d counterDropout, c *Call) error {
	m, err := d.mask(c)
	if err != nil {
		return err
	}
	x, y := c.In[0], c.Out[0]
	if x.Len() != y.Len() {
		return errBroadcast(c)
	}
	if m.Ratio == 0 {
		return passOn(c)
	}
	pool := dropoutJobs[T]()
	j := pool.Get().(*dropoutJob[T])
	defer pool.Put(j)
	j.mask, j.x, j.y, j.shape = m, tensor.Raw[T](x), tensor.Raw[T](y), x.Shape()
	if j.sharing = len(d.shared) > 0; j.sharing {
		if err := d.strides(&j.strides, j.shape); err != nil {
			return err
		}
	}
	var chunks int
	chunks, j.size = par.Split(len(j.x), 1<<12)
	par.Run(c.Threads, chunks, j)
	return nil
}

// A dropoutJob drops elements of x, a chunk at a time.
type dropoutJob[T float32 | float64] struct {
	mask    random.Mask
	x, y    []T
	size    int
	sharing bool
	shape   tensor.Shape
	strides [maxDropoutRank]int // in the mask
}

var (
	dropoutJobs32 = sync.Pool{New: func() any { return new(dropoutJob[float32]) }}
	dropoutJobs64 = sync.Pool{New: func() any { return new(dropoutJob[float64]) }}
)

func dropoutJobs[T float32 | float64]() *sync.Pool {
	if tensor.DTypeOf[T]() == tensor.Float32 {
		return &dropoutJobs32
	}
	return &dropoutJobs64
}

// Chunk drops the elements of one chunk.
func (j *dropoutJob[T]) Chunk(i int) {
	lo, hi := par.Range(i, j.size, len(j.x))
	scale := T(1 / (1 - j.mask.Ratio))
	var keep [64]bool
	for ; lo < hi; lo += len(keep) {
		part := keep[:min(len(keep), hi-lo)]
		if j.sharing {
			j.keepShared(part, lo)
		} else {
			j.mask.Keep(part, lo)
		}
		x, y := j.x[lo:lo+len(part)], j.y[lo:lo+len(part)]
		for k, kept := range part {
			if kept {
				y[k] = x[k] * scale
			} else {
				y[k] = 0
			}
		}
	}
}

// keepShared is Mask.Keep with the positions in the mask that the elements from lo on have.
func (j *dropoutJob[T]) keepShared(keep []bool, lo int) {
	for i := range keep {
		at, rest := 0, lo+i
		for a := len(j.shape) - 1; a >= 0; a-- {
			at += rest % j.shape[a] * j.strides[a]
			rest /= j.shape[a]
		}
		keep[i] = j.mask.KeepAt(at)
	}
}
