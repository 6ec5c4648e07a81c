package ops

import (
	"fmt"
	"math"
	"math/bits"
	"math/cmplx"
	"sync"

	"gonum.org/v1/gonum/dsp/fourier"

	"github.com/onnxrun/onnxrun/internal/kernel/fft"
	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/tensor"
)

// A dftPlan transforms sequences of one length. It is used by one goroutine at a time. Transforms run in complex128, but
// for the inverse of float32 between complex sequences, which the reference implementation computes in complex64 (and
// records where the exact result is 0): that one runs in complex64 in the same order.
type dftPlan struct {
	n   int
	fft *fourier.CmplxFFT
	in  []complex128
	out []complex128

	real   *fourier.FFT // of real signals, nil for lengths with a large prime factor
	signal []float64    // what it transforms

	// For lengths with a large prime factor: convolution with a chirp, after Bluestein.
	chirp, filter, pad []complex128

	single *fft.Plan // the inverse in complex64, nil for none
	narrow []complex64
}

// largestFactor is the greatest prime factor up to which transforms are done factor by factor.
const largestFactor = 31

func newDFTPlan(n int, single bool) *dftPlan {
	p := &dftPlan{n: n, in: make([]complex128, n), out: make([]complex128, n)}
	if single {
		if p.single = fft.NewPlan(n, true); p.single != nil {
			p.narrow = make([]complex64, n)
			return p
		}
	}
	rest := n
	for f := 2; f <= largestFactor; f++ {
		for rest%f == 0 {
			rest /= f
		}
	}
	if rest == 1 {
		p.fft, p.real = fourier.NewCmplxFFT(n), fourier.NewFFT(n)
		p.signal = make([]float64, n)
		return p
	}
	m := 1 << bits.Len(uint(2*n-2))
	p.fft = fourier.NewCmplxFFT(m)
	p.chirp, p.filter, p.pad = make([]complex128, n), make([]complex128, m), make([]complex128, m)
	for i := range n {
		sq := (uint64(i) * uint64(i)) % uint64(2*n)
		sin, cos := math.Sincos(math.Pi * float64(sq) / float64(n))
		p.chirp[i] = complex(cos, -sin)
		p.filter[i] = complex(cos, sin)
		if i > 0 {
			p.filter[m-i] = p.filter[i]
		}
	}
	p.fft.Coefficients(p.filter, p.filter)
	return p
}

// run transforms p.in to p.out; an inverse transform is divided by the length.
func (p *dftPlan) run(inverse bool) {
	if p.single != nil {
		for i, v := range p.in {
			p.narrow[i] = complex64(v)
		}
		p.single.Run(p.narrow)
		for i, v := range p.narrow {
			p.out[i] = complex128(v)
		}
		return
	}
	if inverse {
		conjugate(p.in)
	}
	if p.chirp == nil {
		p.fft.Coefficients(p.out, p.in)
	} else {
		clear(p.pad)
		for i, v := range p.in {
			p.pad[i] = v * p.chirp[i]
		}
		p.fft.Coefficients(p.pad, p.pad)
		for i, v := range p.filter {
			p.pad[i] *= v
		}
		p.fft.Sequence(p.pad, p.pad)
		scale := complex(1/float64(len(p.pad)), 0)
		for i, v := range p.chirp {
			p.out[i] = p.pad[i] * v * scale
		}
	}
	if inverse {
		conjugate(p.out)
		scale := complex(1/float64(p.n), 0)
		for i := range p.out {
			p.out[i] *= scale
		}
	}
}

// runReal transforms the real p.signal to the first half of p.out, or with whole to all of it.
func (p *dftPlan) runReal(whole bool) {
	p.real.Coefficients(p.out[:p.n/2+1], p.signal)
	if whole {
		for i := p.n/2 + 1; i < p.n; i++ {
			p.out[i] = cmplx.Conj(p.out[p.n-i])
		}
	}
}

func conjugate(x []complex128) {
	for i, v := range x {
		x[i] = cmplx.Conj(v)
	}
}

// dftPlans keeps the plans of one node, for the length that it last saw, and its tasks.
type dftPlans struct{ pool, tasks sync.Pool }

func (s *dftPlans) get(n int, single bool) *dftPlan {
	if p, _ := s.pool.Get().(*dftPlan); p != nil && p.n == n {
		return p
	}
	return newDFTPlan(n, single)
}

// dftForm is what the attributes of a DFT ask for.
type dftForm struct {
	inverse, onesided bool
	attr              bool // the axis is an attribute, as before version 20
	axis              int
}

func dftFormOf(attr bool) func(a Attrs) dftForm {
	return func(a Attrs) dftForm {
		return dftForm{inverse: a.Bool("inverse"), onesided: a.Bool("onesided"), attr: attr, axis: a.IntOr("axis", 1)}
	}
}

// at returns the axis for a tensor of the given rank; the axis of parts does not count.
func (f *dftForm) at(axis, rank int) (int, error) {
	if axis < 0 {
		axis += rank
	}
	if rank < 2 || axis < 0 || axis >= rank-1 {
		return 0, fmt.Errorf("ops: axis %d of a signal with %d axes, the last of which holds real and imaginary parts", axis, rank)
	}
	return axis, nil
}

// dftParts is the number of real numbers per element of the output: an inverse of half a spectrum is real.
func (f *dftForm) parts() int {
	if f.inverse && f.onesided {
		return 1
	}
	return 2
}

func dftInfer(form func(a Attrs) dftForm) func(*InferCtx) error {
	return func(c *InferCtx) error {
		f, x := form(c.Attrs), c.Type(0)
		if !x.Ranked {
			c.SetType(0, Unranked(x.DType))
			return nil
		}
		dims := append([]Dim(nil), x.Dims...)
		rank := len(dims)
		if rank < 2 {
			return fmt.Errorf("ops: input has shape %v, want at least 2 axes", x)
		}
		axis, known := f.axis, true
		if !f.attr {
			axis = -2
			if c.Has(2) {
				v, ok := c.Ints(2)
				if known = ok && len(v) == 1; known {
					axis = int(v[0])
				}
			}
		}
		dims[rank-1] = sym.Const(int64(f.parts()))
		if !known {
			for i := range rank - 1 {
				if c.Has(1) || f.onesided {
					dims[i] = c.Fresh()
				}
			}
			c.Set(0, x.DType, dims...)
			return nil
		}
		axis, err := f.at(axis, rank)
		if err != nil {
			return err
		}
		dims[axis] = f.length(c, dims[axis])
		c.Set(0, x.DType, dims...)
		return nil
	}
}

// length infers the output's length along the axis, where the input has n.
func (f *dftForm) length(c *InferCtx, n Dim) Dim {
	one, two := sym.Const(1), sym.Const(2)
	if f.parts() == 1 {
		n = n.Sub(one).Mul(two)
	}
	if c.Has(1) {
		e, ok := c.Exprs(1)
		if !ok || len(e) != 1 {
			return c.Fresh()
		}
		n = e[0]
	}
	if f.onesided && !f.inverse {
		n = n.Div(two).Add(one)
	}
	if n.Err() != nil {
		return c.Fresh()
	}
	return n
}

func dftKernel(form func(a Attrs) dftForm) func(*KernelCtx) (Kernel, error) {
	return widened(func(k *KernelCtx) (Kernel, error) {
		f, plans := form(k.Attrs), new(dftPlans)
		run := runDFT[float32]
		if k.DType(0) == tensor.Float64 {
			run = runDFT[float64]
		}
		return Kernel{Run: func(c *Call) error { return run(c, &f, plans) }}, nil
	})
}
