package ops

import (
	"fmt"
	"slices"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/tensor"
)

// einsumKernel binds Einsum.
var einsumKernel = widened(func(k *KernelCtx) (Kernel, error) {
	e, err := parseEinsum(k.Str("equation"), len(k.In))
	if err != nil {
		return Kernel{}, err
	}
	switch k.DType(0) {
	case tensor.Float32:
		return bindEinsum[float32](e), nil
	case tensor.Float64:
		return bindEinsum[float64](e), nil
	case tensor.Int8:
		return bindEinsum[int8](e), nil
	case tensor.Uint8:
		return bindEinsum[uint8](e), nil
	case tensor.Int16:
		return bindEinsum[int16](e), nil
	case tensor.Uint16:
		return bindEinsum[uint16](e), nil
	case tensor.Int32:
		return bindEinsum[int32](e), nil
	case tensor.Int64:
		return bindEinsum[int64](e), nil
	case tensor.Uint32:
		return bindEinsum[uint32](e), nil
	case tensor.Uint64:
		return bindEinsum[uint64](e), nil
	}
	return Kernel{}, Unsupported("element type %v", k.DType(0))
})

// einsumElem are the element types of Einsum.
type einsumElem interface{ reducible | int16 | uint16 }

// einsumRun is a bound Einsum.
type einsumRun[T einsumElem] struct {
	*einsum
	calls sync.Pool // of *einsumCall[T]
}

func bindEinsum[T einsumElem](e *einsum) Kernel {
	r := &einsumRun[T]{einsum: e}
	return Kernel{Run: r.run, Scratch: r.scratch}
}

// einsumCall is a plan for one set of shapes. Inputs are joined from left to right: each step is a batch of matrix products of
// the value so far and the next input.
type einsumCall[T einsumElem] struct {
	shapes []tensor.Shape
	first  walk // brings the first input into the form of the first step, or into the result
	steps  []einsumStep
	last   walk // brings the last product into the result
	outLen int
	room   [3]int // elements of scratch memory for the value so far, the next input and their product
	bufs   [3][]T // that of the run at hand
}

// einsumStep joins the value so far, [batch, m, k] as it is, with input number in, brought to [batch, k, n] by right.
// After it, next brings the product into the form of the following step.
type einsumStep struct {
	right       walk
	batch       []gemm.Item
	m, k, n     int
	next        walk
	leftLen     int
	rightLen    int
	productSize int
}

// walk reads a strided tensor: one element of the result for each index over dims, the sum over sums.
type walk struct {
	dims, step, dst  []int // dst: how far the result's elements lie apart
	sums, sumStep    []int
	plain            bool // the result is the tensor as it lies
	length, sumCount int
}

// planned returns a plan for the shapes of the call.
func (r *einsumRun[T]) planned(c *Call) (*einsumCall[T], error) {
	x, _ := r.calls.Get().(*einsumCall[T])
	if x == nil {
		x = new(einsumCall[T])
	}
	if x.fits(c) {
		return x, nil
	}
	return x, x.plan(r.einsum, c)
}

// scratch returns the bytes of scratch memory, 0 for shapes that do not fit: run says why.
func (r *einsumRun[T]) scratch(c *Call) (bytes int) {
	x, err := r.planned(c)
	if err == nil {
		for _, n := range x.room {
			bytes += align64(n * elemSize[T]())
		}
	}
	r.calls.Put(x)
	return bytes
}

func elemSize[T einsumElem]() int { return tensor.DTypeOf[T]().Size() }

func (r *einsumRun[T]) run(c *Call) error {
	x, err := r.planned(c)
	defer r.calls.Put(x)
	if err != nil {
		return err
	}
	y := tensor.Of[T](c.Out[0])
	if len(y) != x.outLen {
		return fmt.Errorf("ops: output has shape %v, want %d elements", c.Out[0].Shape(), x.outLen)
	}
	if len(y) == 0 {
		return nil
	}
	x.compute(y, c)
	x.bufs = [3][]T{}
	return nil
}

// compute runs the steps.
func (x *einsumCall[T]) compute(y []T, c *Call) {
	if len(x.steps) == 0 {
		read(y, tensor.Of[T](c.In[0]), &x.first, c.Threads)
		return
	}
	at := 0
	for i, n := range x.room {
		x.bufs[i] = scratchOf[T](c.Scratch[at:], n)
		at += align64(n * elemSize[T]())
	}
	left := x.form(0, tensor.Of[T](c.In[0]), &x.first, c.Threads)
	for i := range x.steps {
		s, last := &x.steps[i], i+1 == len(x.steps)
		right := x.form(1, tensor.Of[T](c.In[i+1]), &s.right, c.Threads)
		product := y
		if !last || !x.last.plain {
			product = x.bufs[2][:s.productSize]
		}
		einsumProduct(s, product, left, right, c.Threads)
		switch {
		case !last:
			left = x.bufs[0][:s.next.length]
			read(left, product, &s.next, c.Threads)
		case !x.last.plain:
			read(y, product, &x.last, c.Threads)
		}
	}
}

// fits reports whether x was planned for the shapes of this call.
func (x *einsumCall[T]) fits(c *Call) bool {
	if len(x.shapes) != len(c.In) {
		return false
	}
	for i, s := range x.shapes {
		if !s.Equal(c.In[i].Shape()) {
			return false
		}
	}
	return true
}

// form returns src as w reads it, in buffer i if it can not stay where it is.
func (x *einsumCall[T]) form(i int, src []T, w *walk, threads int) []T {
	if w.plain {
		return src
	}
	dst := x.bufs[i][:w.length]
	read(dst, src, w, threads)
	return dst
}

// measure sets how much scratch memory the steps want.
func (x *einsumCall[T]) measure() {
	x.room = [3]int{}
	if len(x.steps) > 0 && !x.first.plain {
		x.room[0] = x.first.length
	}
	for i := range x.steps {
		s, last := &x.steps[i], i+1 == len(x.steps)
		if !s.right.plain {
			x.room[1] = max(x.room[1], s.right.length)
		}
		if !last {
			x.room[0] = max(x.room[0], s.next.length)
		}
		if !last || !x.last.plain {
			x.room[2] = max(x.room[2], s.productSize)
		}
	}
}

// plan resolves the equation for the shapes of the call.
func (x *einsumCall[T]) plan(e *einsum, c *Call) error {
	x.shapes, x.steps = nil, nil
	ranks := make([]int, len(c.In))
	for i, t := range c.In {
		ranks[i] = t.Rank()
	}
	in, out, err := e.resolve(ranks)
	if err != nil {
		return err
	}
	sizes := map[int]int{}
	for i, labels := range in {
		for j, l := range labels {
			d := c.In[i].Shape()[j]
			if old, ok := sizes[l]; ok && old != d && old != 1 && d != 1 {
				return fmt.Errorf("ops: einsum dimensions %d and %d do not broadcast", old, d)
			} else if !ok || old == 1 {
				sizes[l] = d
			}
		}
	}
	p := einsumPlanner{sizes: sizes, in: in, out: out}
	x.outLen = p.size(out)
	left, err := p.operand(in[0], c.In[0].Shape())
	if err != nil {
		return err
	}
	if len(in) == 1 {
		x.first = left.walk(&p, out)
	}
	for i := 1; i < len(in); i++ {
		right, err := p.operand(in[i], c.In[i].Shape())
		if err != nil {
			return err
		}
		s, form, result := p.join(left, right, i)
		if i == 1 {
			x.first = form
		} else {
			x.steps[i-2].next = form
		}
		x.steps = append(x.steps, s)
		left = result
	}
	if len(in) > 1 {
		x.last = left.walk(&p, out)
	}
	x.measure()
	for _, t := range c.In {
		x.shapes = append(x.shapes, slices.Clone(t.Shape()))
	}
	return nil
}

// einsumProduct runs the products of a step.
func einsumProduct[T einsumElem](s *einsumStep, c, a, b []T, threads int) {
	if x, ok := any(c).([]float32); ok {
		gemm.Run(&gemm.Args{M: s.m, N: s.n, K: s.k, A: any(a).([]float32), ARS: s.k, ACS: 1,
			B: any(b).([]float32), BRS: s.n, BCS: 1, C: x, LDC: s.n, Batch: s.batch, Threads: threads})
		return
	}
	gemm.RunOf(&gemm.ArgsOf[T]{M: s.m, N: s.n, K: s.k, A: a, ARS: s.k, ACS: 1, B: b, BRS: s.n, BCS: 1,
		C: c, LDC: s.n, Batch: s.batch, Threads: threads})
}
