package ops

import (
	"sync"

	"github.com/onnxrun/onnxrun/tensor"
)

// throughFloat64 binds a float64 kernel to a node of element types that build has no form for: the given inputs are
// converted to float64 before a run, and those outputs back after it that build would make float64, as Cast does. Real and
// imaginary parts of complex tensors go one after the other.
func throughFloat64(k *KernelCtx, build func(*KernelCtx) (Kernel, error), inputs ...int) (Kernel, error) {
	wide := *k
	wide.Weights = noWeights{}
	wide.In, wide.Out = append([]Value(nil), k.In...), append([]Value(nil), k.Out...)
	r := &doubleRun{decode: make([]decoder, len(k.In)), encode: make([]encoder, len(k.Out)), parts: 1}
	for _, i := range inputs {
		if !k.Has(i) {
			continue
		}
		d := k.DType(i)
		if cplx.Has(d) {
			r.parts = 2
		} else if r.decode[i] = castDecoder(d); r.decode[i] == nil {
			return Kernel{}, Unsupported("element type %v", d)
		}
		wide.In[i].DType, wide.In[i].Const = tensor.Float64, nil
	}
	for i := range wide.Out {
		d := wide.Out[i].DType
		r.out = append(r.out, d)
		if !float.Has(d) && !cplx.Has(d) && d != k.DType(0) {
			continue // indices, masks
		}
		if r.encode[i] = castEncoder(nil, d); cplx.Has(d) {
			r.parts = 2
		}
		wide.Out[i].DType = tensor.Float64
	}
	var err error
	r.inputs = append(r.inputs, inputs...)
	r.inner, err = build(&wide)
	return Kernel{Run: r.run, Scratch: r.inner.Scratch}, err
}

// doubleRun is a kernel bound by throughFloat64.
type doubleRun struct {
	inner  Kernel
	inputs []int
	decode []decoder // of inputs
	encode []encoder // of outputs, nil where the inner kernel makes them itself or they are complex
	out    []tensor.DType
	parts  int       // 2 for complex tensors
	calls  sync.Pool // of *wideCall
}

func (r *doubleRun) run(c *Call) error {
	x, _ := r.calls.Get().(*wideCall)
	if x == nil {
		n := len(c.In) + len(c.Out)
		x = &wideCall{tensors: make([]tensor.Tensor, n), bufs: make([][]byte, n)}
	}
	var err error
	for part := 0; part < r.parts && err == nil; part++ {
		err = r.part(c, x, part)
	}
	r.calls.Put(x)
	return err
}

// part computes the real (0) or imaginary part (1) of the outputs.
func (r *doubleRun) part(c *Call, x *wideCall, part int) error {
	in, out := append(x.In[:0], c.In...), append(x.Out[:0], c.Out...)
	for _, i := range r.inputs {
		if t := input(c, i); t != nil {
			in[i] = x.sized(i, tensor.Float64, t)
			r.load(tensor.Of[float64](in[i]), i, t, part)
		}
	}
	for i, t := range c.Out {
		if t != nil && r.wideOut(i) {
			out[i] = x.sized(len(c.In)+i, tensor.Float64, t)
		}
	}
	x.Call = *c
	x.In, x.Out = in, out
	if err := r.inner.Run(&x.Call); err != nil {
		return err
	}
	for i, t := range c.Out {
		if t == nil || !r.wideOut(i) {
			continue
		}
		t, err := c.Alloc(i, r.out[i], out[i].Shape()...)
		if err != nil {
			return err
		}
		r.store(t, i, tensor.Of[float64](out[i]), part)
	}
	return nil
}

// wideOut reports whether the inner kernel makes output i in float64.
func (r *doubleRun) wideOut(i int) bool { return r.encode[i] != nil || cplx.Has(r.out[i]) }

// load sets dst to the values of input i, of complex ones to the real or imaginary parts.
func (r *doubleRun) load(dst []float64, i int, t *tensor.Tensor, part int) {
	switch t.DType() {
	case tensor.Complex64:
		for j, v := range tensor.Of[complex64](t) {
			dst[j] = [2]float64{float64(real(v)), float64(imag(v))}[part]
		}
	case tensor.Complex128:
		for j, v := range tensor.Of[complex128](t) {
			dst[j] = [2]float64{real(v), imag(v)}[part]
		}
	default:
		inBlocks(len(dst), func(lo, hi int) { r.decode[i](dst[lo:hi], t, lo) })
	}
}

// store sets output i, of complex ones the real or imaginary parts.
func (r *doubleRun) store(t *tensor.Tensor, i int, src []float64, part int) {
	switch t.DType() {
	case tensor.Complex64:
		y := tensor.Of[complex64](t)
		for j, v := range src {
			if part == 0 {
				y[j] = complex(float32(v), 0)
			} else {
				y[j] += complex(0, float32(v))
			}
		}
	case tensor.Complex128:
		y := tensor.Of[complex128](t)
		for j, v := range src {
			if part == 0 {
				y[j] = complex(v, 0)
			} else {
				y[j] += complex(0, v)
			}
		}
	default:
		inBlocks(len(src), func(lo, hi int) { r.encode[i](t, lo, src[lo:hi]) })
	}
}

// inBlocks calls f for the blocks of castBlock elements of n.
func inBlocks(n int, f func(lo, hi int)) {
	for lo := 0; lo < n; lo += castBlock {
		f(lo, min(lo+castBlock, n))
	}
}
