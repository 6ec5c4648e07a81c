package ops

import (
	"fmt"
	"math"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/batchnorm"
	"github.com/onnxrun/onnxrun/tensor"
)

// NhwcBatchNorm of the onnxrun domain is BatchNormalization in training with the channels last, in float32: of x, the mean and the inverse deviation
// of each channel, which BatchStats makes, scale and bias, and perhaps a residual like x, it makes (x-mean)*inverse*scale + bias + residual,
// behind an activation, which is Relu or Clip.

var batchNormalizations = sync.Pool{New: func() any { return new(batchnorm.Normalization) }}

func nhwcBatchNormKernel(k *KernelCtx) (Kernel, error) {
	if k.DType(0) != tensor.Float32 {
		return Kernel{}, Unsupported("NhwcBatchNorm of %v", k.DType(0))
	}
	low, high := float32(math.Inf(-1)), float32(math.Inf(1))
	switch name, params := k.Str("activation"), k.Attrs.FloatList("activation_params"); {
	case name == "Relu":
		low = 0
	case name == "Clip" && len(params) == 2:
		low, high = params[0], params[1]
	case name != "":
		return Kernel{}, Unsupported("NhwcBatchNorm with activation %s", name)
	}
	return Kernel{Run: func(c *Call) error {
		x := c.In[0].Shape()
		s, err := channelShape(x, true)
		if err != nil {
			return err
		}
		for i := 1; i < 5; i++ {
			if c.In[i].Len() != s.Channels {
				return fmt.Errorf("ops: input %d has shape %v, want [%d]", i, c.In[i].Shape(), s.Channels)
			}
		}
		n := batchNormalizations.Get().(*batchnorm.Normalization)
		f := func(t *tensor.Tensor) []float32 { return tensor.Of[float32](t) }
		*n = batchnorm.Normalization{X: f(c.In[0]), Mean: f(c.In[1]), Inv: f(c.In[2]), Scale: f(c.In[3]), Bias: f(c.In[4]), Low: low, High: high, Y: f(c.Out[0])}
		if r := input(c, 5); r != nil {
			if n.Residual = f(r); !r.Shape().Equal(x) {
				return fmt.Errorf("ops: residual has shape %v, want %v", r.Shape(), x)
			}
		}
		batchnorm.Normalize(s.Outer, n, c.Threads)
		*n = batchnorm.Normalization{}
		batchNormalizations.Put(n)
		return nil
	}}, nil
}
