package ops

import (
	"math"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/quant"
	"github.com/onnxrun/onnxrun/internal/kernel/vec"
)

// Functions of bytes are tables: QLinearSigmoid and QLinearLeakyRelu of com.microsoft have the inputs X, its scale and
// zero point, and scale and zero point of the result.

func qlinearSigmoidKernel(k *KernelCtx) (Kernel, error) {
	return lookupKernel(k, func(x float32) float32 { return float32(1 / (1 + math.Exp(-float64(x)))) })
}

func qlinearLeakyReluKernel(k *KernelCtx) (Kernel, error) {
	alpha := k.Float("alpha")
	return lookupKernel(k, func(x float32) float32 {
		if x < 0 {
			return x * alpha
		}
		return x
	})
}

func lookupKernel(k *KernelCtx, f func(float32) float32) (Kernel, error) {
	return byteKernel(k, 0, lookupOf[int8](f), lookupOf[uint8](f))
}

func lookupOf[T quant.Byte](f func(float32) float32) func(*KernelCtx) (Kernel, error) {
	return func(*KernelCtx) (Kernel, error) {
		l := &lookup{build: func(t *quant.Table, in, out quant.Params) { quant.Build[T](t, in, out, f) }}
		return Kernel{Run: l.run}, nil
	}
}

// lookup is a bound function of bytes.
type lookup struct {
	build func(t *quant.Table, in, out quant.Params)
	calls sync.Pool // of *lookupCall
}

// lookupCall is a table and the function that applies it.
type lookupCall struct {
	table   quant.Table
	in, out quant.Params
	apply   func(dst, src []uint8)
}

func (l *lookup) run(c *Call) error {
	x, y := c.In[0], c.Out[0]
	in, err := quantParams(c, x.DType(), 1, 2)
	if err != nil {
		return err
	}
	out, err := quantParams(c, x.DType(), 3, 4)
	if err != nil {
		return err
	}
	if !x.Shape().Equal(y.Shape()) {
		return errBroadcast(c)
	}
	t, _ := l.calls.Get().(*lookupCall)
	if t == nil {
		t = new(lookupCall)
		t.apply = t.table.Lookup
	}
	if t.in != in || t.out != out {
		l.build(&t.table, in, out)
		t.in, t.out = in, out
	}
	vec.Map(byteBits(y), byteBits(x), t.apply, c.Threads)
	l.calls.Put(t)
	return nil
}
