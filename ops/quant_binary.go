package ops

import (
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/quant"
	"github.com/onnxrun/onnxrun/tensor"
)

// QLinearAdd and QLinearMul of com.microsoft broadcast two tensors of bytes, each with its scale and zero point; the
// last two inputs are those of the result.

// qlinearBinaryInfer infers both: tensors are inputs 0 and 3.
func qlinearBinaryInfer(c *InferCtx) error {
	sub := &InferCtx{In: []Value{c.In[0], c.In[3]}, Out: make([]Value, 1), Fresh: c.Fresh}
	if err := binaryInfer(sub); err != nil {
		return err
	}
	c.SetType(0, sub.Out[0].Type)
	return nil
}

// byteFunction is a quant.Sum or quant.Product.
type byteFunction[T quant.Byte] interface {
	Set(a, b, y quant.Params)
	Apply(dst, a, b []T)
}

func qlinearAddKernel(k *KernelCtx) (Kernel, error) {
	return byteKernel(k, 0, bindByteBinary(func() byteFunction[int8] { return new(quant.Sum[int8]) }),
		bindByteBinary(func() byteFunction[uint8] { return new(quant.Sum[uint8]) }))
}

func qlinearMulKernel(k *KernelCtx) (Kernel, error) {
	return byteKernel(k, 0, bindByteBinary(func() byteFunction[int8] { return new(quant.Product[int8]) }),
		bindByteBinary(func() byteFunction[uint8] { return new(quant.Product[uint8]) }))
}

// byteBinary is a bound QLinearAdd or QLinearMul.
type byteBinary[T quant.Byte] struct {
	make  func() byteFunction[T]
	calls sync.Pool // of *byteBinaryCall[T]
}

// byteBinaryCall is the state of one call. inner is the call as a function of two inputs.
type byteBinaryCall[T quant.Byte] struct {
	f       byteFunction[T]
	binary2 binary2[T, T, T]
	inner   Call
	in      [2]*tensor.Tensor
}

func bindByteBinary[T quant.Byte](f func() byteFunction[T]) func(*KernelCtx) (Kernel, error) {
	return func(*KernelCtx) (Kernel, error) {
		b := &byteBinary[T]{make: f}
		return Kernel{Run: b.run}, nil
	}
}

func (b *byteBinary[T]) run(c *Call) error {
	var p [3]quant.Params
	d := c.In[0].DType()
	for i, at := range [3]int{1, 4, 6} {
		var err error
		if p[i], err = quantParams(c, d, at, at+1); err != nil {
			return err
		}
	}
	x, _ := b.calls.Get().(*byteBinaryCall[T])
	if x == nil {
		x = &byteBinaryCall[T]{f: b.make()}
		x.binary2.f = x.f.Apply
	}
	x.f.Set(p[0], p[1], p[2])
	x.in = [2]*tensor.Tensor{c.In[0], c.In[3]}
	x.inner = *c
	x.inner.In = x.in[:]
	err := x.binary2.run(&x.inner)
	x.inner, x.in = Call{}, [2]*tensor.Tensor{}
	b.calls.Put(x)
	return err
}
