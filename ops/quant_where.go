package ops

import (
	"fmt"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/quant"
	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/tensor"
)

// QLinearWhere of com.microsoft chooses between bytes of two meanings by input 0, and gives them a third meaning.

func qlinearWhereInfer(c *InferCtx) error {
	sub := &InferCtx{In: []Value{c.In[0], c.In[1], c.In[4]}, Out: make([]Value, 1), Fresh: c.Fresh}
	if err := whereInfer(sub); err != nil {
		return err
	}
	c.SetType(0, sub.Out[0].Type)
	return nil
}

func qlinearWhereKernel(k *KernelCtx) (Kernel, error) {
	return byteKernel(k, 1, bindQuantWhere(quant.Requantize[int8]), bindQuantWhere(quant.Requantize[uint8]))
}

type quantWhere struct {
	build func(t *quant.Table, in, out quant.Params)
	calls sync.Pool // of *quantWhereCall
}

// quantWhereCall holds the tables that turn bytes of either input into bytes of the result.
type quantWhereCall struct {
	x, y quant.Table
	f    func(dst []uint8, cond []bool, a, b []uint8)
}

func bindQuantWhere(build func(t *quant.Table, in, out quant.Params)) func(*KernelCtx) (Kernel, error) {
	return func(*KernelCtx) (Kernel, error) {
		w := &quantWhere{build: build}
		return Kernel{Run: w.run}, nil
	}
}

func (w *quantWhere) run(c *Call) error {
	var p [3]quant.Params
	for i, at := range [3]int{2, 5, 7} {
		var err error
		if p[i], err = quantParams(c, c.In[1].DType(), at, at+1); err != nil {
			return err
		}
	}
	cond, a, b, z := c.In[0], c.In[1], c.In[4], c.Out[0]
	for _, t := range []*tensor.Tensor{cond, a, b} {
		if !spreadsTo(z.Shape(), t.Shape()) {
			return fmt.Errorf("ops: input of shape %v does not broadcast to %v", t.Shape(), z.Shape())
		}
	}
	x, _ := w.calls.Get().(*quantWhereCall)
	if x == nil {
		x = new(quantWhereCall)
		x.f = x.choose
	}
	w.build(&x.x, p[0], p[2])
	w.build(&x.y, p[1], p[2])
	var plan vec.Plan
	plan.Plan3(z.Shape(), cond.Shape(), a.Shape(), b.Shape())
	vec.Broadcast3(&plan, byteBits(z), tensor.Raw[bool](cond), byteBits(a), byteBits(b), x.f, c.Threads)
	w.calls.Put(x)
	return nil
}

// choose is vec.Where through the tables.
func (x *quantWhereCall) choose(dst []uint8, cond []bool, a, b []uint8) {
	vec.Where(dst, cond, a, b)
	mc := len(cond) - 1
	for i, v := range dst {
		if cond[min(i, mc)] {
			dst[i] = x.x[v]
		} else {
			dst[i] = x.y[v]
		}
	}
}
