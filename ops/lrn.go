package ops

import (
	"fmt"
	"math"
	"sync"

	"github.com/onnxrun/onnxrun/tensor"
)

// lrn are the attributes of LRN.
type lrn struct {
	size              int
	alpha, beta, bias float64
	sums              sync.Pool // of *[]float64
}

var lrnKernel = widened(func(k *KernelCtx) (Kernel, error) {
	r := &lrn{size: k.Int("size"), alpha: 1e-4, beta: 0.75, bias: 1}
	for _, v := range []struct {
		name string
		dst  *float64
	}{{"alpha", &r.alpha}, {"beta", &r.beta}, {"bias", &r.bias}} {
		if k.HasAttr(v.name) {
			*v.dst = float64(k.Float(v.name))
		}
	}
	if r.size < 1 {
		return Kernel{}, fmt.Errorf("ops: LRN size is %d, want at least 1", r.size)
	}
	if k.DType(0) == tensor.Float64 {
		return Kernel{Run: func(c *Call) error { return runLRN[float64](r, c) }}, nil
	}
	return Kernel{Run: func(c *Call) error { return runLRN[float32](r, c) }}, nil
})

// runLRN divides every element by a power of the sum of squares over neighbouring channels. Sums slide from channel to
// channel in float64.
func runLRN[T float32 | float64](r *lrn, c *Call) error {
	s := c.In[0].Shape()
	if len(s) < 2 {
		return fmt.Errorf("ops: input has shape %v, want at least 2 axes", s)
	}
	x, y := tensor.Of[T](c.In[0]), tensor.Of[T](c.Out[0])
	plane := s[2:].Len()
	before, after := (r.size-1)/2, r.size/2
	buf, _ := r.sums.Get().(*[]float64)
	if buf == nil {
		buf = new([]float64)
	}
	if cap(*buf) < plane {
		*buf = make([]float64, plane)
	}
	sum := (*buf)[:plane]
	for n := range s[0] {
		image, out := x[n*s[1]*plane:][:s[1]*plane], y[n*s[1]*plane:][:s[1]*plane]
		clear(sum)
		for ch := range min(after, s[1]) {
			addSquares(sum, image[ch*plane:][:plane], 1)
		}
		for ch := range s[1] {
			if ch+after < s[1] {
				addSquares(sum, image[(ch+after)*plane:][:plane], 1)
			}
			if ch-before-1 >= 0 {
				addSquares(sum, image[(ch-before-1)*plane:][:plane], -1)
			}
			dst := out[ch*plane:][:plane]
			for i, v := range image[ch*plane:][:plane] {
				dst[i] = T(float64(v) * r.factor(sum[i]))
			}
		}
	}
	r.sums.Put(buf)
	return nil
}

func addSquares[T float32 | float64](sum []float64, x []T, sign float64) {
	for i, v := range x {
		sum[i] += sign * float64(v) * float64(v)
	}
}

// factor is (bias + alpha/size*sum)^-beta.
func (r *lrn) factor(sum float64) float64 {
	b := r.bias + r.alpha/float64(r.size)*max(sum, 0)
	if r.beta == 0.75 {
		root := math.Sqrt(b)
		return 1 / (root * math.Sqrt(root))
	}
	return math.Pow(b, -r.beta)
}
