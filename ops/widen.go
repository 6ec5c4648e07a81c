package ops

import (
	"slices"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/tensor"
)

// widened binds a float32 kernel to a node of half-precision floats: inputs are converted to float32 before a run, outputs
// rounded after it. Nodes of other types get what build returns.
func widened(build func(*KernelCtx) (Kernel, error)) func(*KernelCtx) (Kernel, error) {
	return func(k *KernelCtx) (Kernel, error) {
		if !slices.ContainsFunc(k.In, halfValue) && !slices.ContainsFunc(k.Out, halfValue) {
			return build(k)
		}
		wide := *k
		wide.Weights = noWeights{} // the float32 forms of constants are this kernel's own
		wide.In, wide.Out = append([]Value(nil), k.In...), append([]Value(nil), k.Out...)
		w := &wideRun{constant: make([]*tensor.Tensor, len(k.In))}
		for i := range wide.In {
			v := &wide.In[i]
			if !isHalf(v.DType) {
				continue
			}
			v.DType = tensor.Float32
			if v.Const != nil {
				v.Const = tensor.New(tensor.Float32, v.Const.Shape()...)
				widenTo(v.Const, k.In[i].Const)
				w.constant[i] = v.Const
			}
		}
		for i := range wide.Out {
			w.out = append(w.out, wide.Out[i].DType)
			if isHalf(wide.Out[i].DType) {
				wide.Out[i].DType = tensor.Float32
			}
		}
		inner, err := build(&wide)
		w.inner = inner
		return Kernel{Run: w.run, Scratch: inner.Scratch}, err
	}
}

func halfValue(v Value) bool { return isHalf(v.DType) }

func isHalf(d tensor.DType) bool { return d == tensor.Float16 || d == tensor.BFloat16 }

// wideRun is a kernel bound by widened.
type wideRun struct {
	inner    Kernel
	constant []*tensor.Tensor // float32 form of constant inputs
	out      []tensor.DType   // element types of the outputs
	calls    sync.Pool        // of *wideCall
}

// wideCall is the float32 form of one call.
type wideCall struct {
	Call
	tensors []tensor.Tensor
	bufs    [][]byte
}

func (w *wideRun) run(c *Call) error {
	x, _ := w.calls.Get().(*wideCall)
	if x == nil {
		n := len(c.In) + len(c.Out)
		x = &wideCall{tensors: make([]tensor.Tensor, n), bufs: make([][]byte, n)}
	}
	in, out := x.In[:0], x.Out[:0]
	for i, t := range c.In {
		if t != nil && isHalf(t.DType()) {
			if w.constant[i] != nil {
				t = w.constant[i]
			} else {
				wide := x.wide(i, t)
				widenTo(wide, t)
				t = wide
			}
		}
		in = append(in, t)
	}
	for i, t := range c.Out {
		if t != nil && isHalf(w.out[i]) {
			t = x.wide(len(c.In)+i, t)
		}
		out = append(out, t)
	}
	x.Call = *c
	x.In, x.Out = in, out
	err := w.inner.Run(&x.Call)
	for i, t := range c.Out {
		if err != nil {
			break
		}
		if t != nil && isHalf(w.out[i]) {
			if t, err = c.Alloc(i, w.out[i], out[i].Shape()...); err == nil {
				narrowTo(t, out[i])
			}
		}
	}
	w.calls.Put(x)
	return err
}

// wide returns tensor i of the call: float32, of the shape of t.
func (x *wideCall) wide(i int, t *tensor.Tensor) *tensor.Tensor { return x.sized(i, tensor.Float32, t) }

// sized returns tensor i of the call with the given element type and the shape of t.
func (x *wideCall) sized(i int, d tensor.DType, t *tensor.Tensor) *tensor.Tensor {
	n := d.Size() * t.Len()
	if cap(x.bufs[i]) < n {
		x.bufs[i] = tensor.New(d, t.Len()).Bytes()
	}
	x.tensors[i].Reset(d, t.Shape(), x.bufs[i][:n])
	return &x.tensors[i]
}

// widenTo converts half-precision elements to the float32 tensor dst.
func widenTo(dst, src *tensor.Tensor) {
	if src.DType() == tensor.Float16 {
		vec.FromFloat16(tensor.Of[float32](dst), tensor.Of[tensor.Float16Bits](src))
	} else {
		vec.FromBFloat16(tensor.Of[float32](dst), tensor.Of[tensor.BFloat16Bits](src))
	}
}

// narrowTo rounds the float32 tensor src to the half-precision type of dst.
func narrowTo(dst, src *tensor.Tensor) {
	if dst.DType() == tensor.Float16 {
		vec.Narrow(tensor.Of[tensor.Float16Bits](dst), tensor.Of[float32](src))
	} else {
		vec.Narrow(tensor.Of[tensor.BFloat16Bits](dst), tensor.Of[float32](src))
	}
}
