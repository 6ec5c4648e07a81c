package ops

import (
	"math"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/quant"
	"github.com/onnxrun/onnxrun/tensor"
)

// quantSoftmax is a bound QLinearSoftmax of com.microsoft: bytes to bytes, along one axis since opset 13 and along all
// axes from the given one on before, as attribute opset says.
type quantSoftmax struct {
	plain  softmax
	tables sync.Pool // of *[256]float32
}

func qlinearSoftmaxInfer(c *InferCtx) error { return axisInfer(c) }

func qlinearSoftmaxKernel(k *KernelCtx) (Kernel, error) {
	s := &quantSoftmax{plain: softmax{axis: k.IntOr("axis", -1), flat: k.Int("opset") < 13}}
	return byteKernel(k, 0,
		func(*KernelCtx) (Kernel, error) {
			return Kernel{Run: func(c *Call) error { return quantSoftmaxRun[int8](s, c) }}, nil
		},
		func(*KernelCtx) (Kernel, error) {
			return Kernel{Run: func(c *Call) error { return quantSoftmaxRun[uint8](s, c) }}, nil
		})
}

func quantSoftmaxRun[T quant.Byte](s *quantSoftmax, c *Call) error {
	in, out, err := twoParams(c)
	if err != nil {
		return err
	}
	outer, n, inner, err := s.plain.extents(c.In[0].Shape())
	if err != nil || c.In[0].Len() == 0 {
		return err
	}
	table, _ := s.tables.Get().(*[256]float32)
	if table == nil {
		table = new([256]float32)
	}
	quant.SoftmaxTable(table, in.Scale)
	perOne := float32(math.Floor(float64(1 / out.Scale))) // a whole number of steps, as in ONNX Runtime
	quant.Softmax(tensor.Of[T](c.Out[0]), tensor.Of[T](c.In[0]), outer, n, inner, table, perOne, out.Zero)
	s.tables.Put(table)
	return nil
}
