package ops

import (
	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/tensor"
)

// MatMulInteger16 of com.microsoft multiplies matrices of 16-bit integers; sums wrap around at 32 bits.

func matmulInteger16Infer(c *InferCtx) error {
	d := tensor.Int32
	if c.Type(0).DType == tensor.Uint16 && c.Type(1).DType == tensor.Uint16 {
		d = tensor.Uint32
	}
	return byteMatMulInfer(c, 0, 1, d)
}

func matmulInteger16Kernel(*KernelCtx) (Kernel, error) {
	l := new(linear)
	return Kernel{
		Run: func(c *Call) error {
			x := l.call()
			err := x.words(l, c)
			l.calls.Put(x)
			return err
		},
		Scratch: func(c *Call) int { return 4 * (c.In[0].Len() + c.In[1].Len()) },
	}, nil
}

// words computes the product.
func (x *linearCall) words(l *linear, c *Call) error {
	a, b, y := c.In[0], c.In[1], c.Out[0]
	if err := x.plan(l, false, a.Shape(), b.Shape(), y.Shape()); err != nil || x.batch == 0 {
		return err
	}
	room := scratchOf[int32](c.Scratch, a.Len()+b.Len())
	wideWords(room[:a.Len()], a)
	wideWords(room[a.Len():], b)
	args := gemm.ArgsOf[int32]{
		M: x.m, N: x.b.cols, K: x.a.cols,
		A: room[:a.Len()], ARS: x.a.rs, ACS: x.a.cs,
		B: room[a.Len():], BRS: x.b.rs, BCS: x.b.cs,
		C: tensor.Raw[int32](y), LDC: x.b.cols, Threads: c.Threads,
	}
	if len(x.items) > 0 {
		args.Batch = x.items
	}
	gemm.RunOf(&args)
	return nil
}

func wideWords(dst []int32, t *tensor.Tensor) {
	if t.DType() == tensor.Int16 {
		vec.Convert(dst, tensor.Of[int16](t))
	} else {
		vec.Convert(dst, tensor.Of[uint16](t))
	}
}
