package ops

import (
	"fmt"
	"math/bits"
	"math/cmplx"

	"github.com/onnxrun/onnxrun/internal/par"
	"github.com/onnxrun/onnxrun/tensor"
)

// dftTask is a running DFT of sequences [outer, known, inner] of so many parts; chunks are ranges of sequences.
type dftTask[T float32 | float64] struct {
	*dftForm
	plans             *dftPlans
	x, y              []T
	n, out            int // the length of a transform, and what is written of it
	count, len, inner int // sequences, their elements, and how far these lie apart
	xParts            int
	size              int // sequences of a chunk
}

// dftGrain is the least work of a chunk, in elements times the levels of a transform.
const dftGrain = 1 << 13

// dftSequences returns how many sequences of n elements a chunk has at least.
func dftSequences(n int) int { return dftGrain/(n*(1+bits.Len(uint(n)))) + 1 }

func runDFT[T float32 | float64](c *Call, f *dftForm, plans *dftPlans) error {
	s := c.In[0].Shape()
	axis := f.axis
	var err error
	if !f.attr {
		axis = -2
		if len(c.In) > 2 && c.In[2] != nil {
			if axis, err = signalInt(c, 2); err != nil {
				return err
			}
		}
	}
	if axis, err = f.at(axis, len(s)); err != nil {
		return err
	}
	parts := s[len(s)-1]
	if parts != 1 && parts != 2 {
		return fmt.Errorf("ops: signal has shape %v, want a last axis of 1 or 2", []int(s))
	}
	n := s[axis]
	if f.parts() == 1 {
		n = 2 * (n - 1)
	}
	if len(c.In) > 1 && c.In[1] != nil {
		if n, err = signalInt(c, 1); err != nil {
			return err
		}
	}
	if n < 1 || n > 1<<28 {
		return fmt.Errorf("ops: transform of length %d", n)
	}
	out := n
	if f.onesided && !f.inverse {
		out = n/2 + 1
	}
	inner := s[axis+1 : len(s)-1].Len()
	outer := s[:axis].Len()
	x, y := tensor.Of[T](c.In[0]), tensor.Of[T](c.Out[0])
	if len(y) != outer*out*inner*f.parts() {
		return fmt.Errorf("ops: output has shape %v for a transform of %d to %d", []int(c.Out[0].Shape()), n, out)
	}
	if s[axis] == 0 { // a signal of zeros
		clear(y)
		return nil
	}
	t, _ := plans.tasks.Get().(*dftTask[T])
	if t == nil {
		t = new(dftTask[T])
	}
	*t = dftTask[T]{dftForm: f, plans: plans, x: x, y: y, n: n, out: out, count: outer * inner, len: s[axis], inner: inner, xParts: parts}
	var chunks int
	chunks, t.size = par.Split(t.count, dftSequences(n))
	par.Run(c.Threads, chunks, t)
	*t = dftTask[T]{}
	plans.tasks.Put(t)
	return nil
}

// Chunk transforms a range of sequences.
func (t *dftTask[T]) Chunk(i int) {
	lo, hi := par.Range(i, t.size, t.count)
	p := t.plans.get(t.n, t.inverse && t.parts() == 2 && tensor.DTypeOf[T]() == tensor.Float32)
	real := t.xParts == 1 && !t.inverse && p.real != nil
	known, parts := min(t.n, t.len), t.parts()
	for r := lo; r < hi; r++ {
		o, j := r/t.inner, r%t.inner
		x := t.x[(o*t.len*t.inner+j)*t.xParts:]
		if real {
			loadReal(p.signal, x, known, t.inner)
			p.runReal(t.out > t.n/2+1)
		} else {
			dftLoad(p.in, x, known, t.inner*t.xParts, t.xParts)
			if parts == 1 {
				mirror(p.in, known)
			}
			p.run(t.inverse)
		}
		dftStore(t.y[(o*t.out*t.inner+j)*parts:], p.out[:t.out], t.inner*parts, parts)
	}
	t.plans.pool.Put(p)
}

// loadReal reads n elements that lie stride apart; the rest of dst is zero.
func loadReal[T float32 | float64](dst []float64, x []T, n, stride int) {
	for i := range n {
		dst[i] = float64(x[i*stride])
	}
	clear(dst[n:])
}

// dftLoad reads n elements of one or two parts; the rest of dst is zero.
func dftLoad[T float32 | float64](dst []complex128, x []T, n, stride, parts int) {
	clear(dst)
	for i := range n {
		im := 0.0
		if parts == 2 {
			im = float64(x[i*stride+1])
		}
		dst[i] = complex(float64(x[i*stride]), im)
	}
}

func dftStore[T float32 | float64](y []T, src []complex128, stride, parts int) {
	for i, v := range src {
		y[i*stride] = T(real(v))
		if parts == 2 {
			y[i*stride+1] = T(imag(v))
		}
	}
}

// mirror completes the spectrum of a real signal of which the first known elements are given.
func mirror(x []complex128, known int) {
	n := len(x)
	for i := max(n/2+1, 1); i < n; i++ {
		x[i] = 0
		if n-i < known {
			x[i] = cmplx.Conj(x[n-i])
		}
	}
}
