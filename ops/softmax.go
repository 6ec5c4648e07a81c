package ops

import (
	"fmt"
	"math"

	"github.com/onnxrun/onnxrun/internal/kernel/reduce"
	"github.com/onnxrun/onnxrun/tensor"
	codes "github.com/onnxrun/onnxrun/tensor/num"
)

// wrapAxis counts a negative axis from the end and checks it against the rank.
func wrapAxis(axis, rank int) (int, error) {
	if axis < -rank || axis >= rank {
		return 0, fmt.Errorf("ops: axis is %d, want one of %d axes", axis, rank)
	}
	if axis < 0 {
		axis += rank
	}
	return axis, nil
}

// axisInfer infers an operator whose output has the type of its input and whose attribute axis names one of its axes.
func axisInfer(c *InferCtx) error {
	x := c.Type(0)
	if x.Ranked && len(x.Dims) > 0 {
		if _, err := wrapAxis(c.Int("axis"), len(x.Dims)); err != nil {
			return err
		}
	}
	c.SetType(0, x)
	return nil
}

// flatAxisInfer is axisInfer for an axis that may lie behind the last one, which cuts the input into a matrix.
func flatAxisInfer(c *InferCtx) error {
	x := c.Type(0)
	if _, err := flatAxis(c.Int("axis"), len(x.Dims)); x.Ranked && err != nil {
		return err
	}
	c.SetType(0, x)
	return nil
}

func flatAxis(axis, rank int) (int, error) {
	if axis == rank {
		return axis, nil
	}
	return wrapAxis(axis, rank)
}

// softmax is a bound Softmax, LogSoftmax or Hardmax. flat says that the input is a matrix cut at the axis, as it was
// before version 13.
type softmax struct {
	axis int
	flat bool
	kind softmaxKind
}

type softmaxKind uint8

const (
	softmaxPlain softmaxKind = iota
	softmaxLog
	softmaxHard
)

// softmaxOf returns the kernel function of one operator.
func softmaxOf(kind softmaxKind, flat bool) func(*KernelCtx) (Kernel, error) {
	wide := widened(func(k *KernelCtx) (Kernel, error) {
		s := &softmax{k.Int("axis"), flat, kind}
		switch k.DType(0) {
		case tensor.Float32:
			return Kernel{Run: s.run32}, nil
		case tensor.Float64:
			return Kernel{Run: s.run64}, nil
		}
		return Kernel{}, Unsupported("element type %v", k.DType(0))
	})
	if kind != softmaxPlain {
		return wide
	}
	return func(k *KernelCtx) (Kernel, error) {
		if k.DType(0) == tensor.Float16 {
			return Kernel{Run: (&softmax{k.Int("axis"), flat, kind}).run16}, nil
		}
		return wide(k)
	}
}

// extents sees a tensor of the given shape as [outer, n, inner] with the softmax along n.
func (s *softmax) extents(shape tensor.Shape) (outer, n, inner int, err error) {
	if len(shape) == 0 {
		return 1, 1, 1, nil
	}
	if s.flat {
		axis, err := flatAxis(s.axis, len(shape))
		return shape[:axis].Len(), shape[axis:].Len(), 1, err
	}
	axis, err := wrapAxis(s.axis, len(shape))
	return shape[:axis].Len(), shape[axis], shape[axis+1:].Len(), err
}

func (s *softmax) run32(c *Call) error {
	outer, n, inner, err := s.extents(c.In[0].Shape())
	if err != nil || c.In[0].Len() == 0 {
		return err
	}
	y, x := tensor.Of[float32](c.Out[0]), tensor.Of[float32](c.In[0])
	switch s.kind {
	case softmaxPlain:
		reduce.SoftmaxAxis(y, x, outer, n, inner, c.Threads)
	case softmaxLog:
		reduce.LogSoftmaxAxis(y, x, outer, n, inner, c.Threads)
	default:
		reduce.HardmaxAxis(y, x, outer, n, inner, c.Threads)
	}
	return nil
}

// run16 rounds after each step of the operator's function body, as the standard defines it for half precision:
// difference, exponential, sum, quotient. Optimised graphs keep float32 and do not come here.
func (s *softmax) run16(c *Call) error {
	outer, n, inner, err := s.extents(c.In[0].Shape())
	if err != nil || c.In[0].Len() == 0 {
		return err
	}
	y, x := tensor.Of[tensor.Float16Bits](c.Out[0]), tensor.Of[tensor.Float16Bits](c.In[0])
	half := func(v float64) tensor.Float16Bits { return codes.ToFloat16(v) }
	for o := range outer * inner {
		at := o/inner*n*inner + o%inner
		high := float32(math.Inf(-1))
		for i := range n {
			if v := x[at+i*inner].Float32(); v > high || v != v {
				high = v
			}
		}
		sum := float32(0)
		for i := range n {
			d := half(float64(x[at+i*inner].Float32() - high))
			e := half(math.Exp(float64(d.Float32())))
			y[at+i*inner] = e
			sum += e.Float32()
		}
		total := half(float64(sum)).Float32()
		for i := range n {
			y[at+i*inner] = half(float64(y[at+i*inner].Float32() / total))
		}
	}
	return nil
}

func (s *softmax) run64(c *Call) error {
	outer, n, inner, err := s.extents(c.In[0].Shape())
	if err != nil || c.In[0].Len() == 0 {
		return err
	}
	y, x := tensor.Of[float64](c.Out[0]), tensor.Of[float64](c.In[0])
	if s.kind == softmaxHard {
		hardmax(y, x, outer, n, inner)
		return nil
	}
	reduce.SoftmaxOf(y, x, outer, n, inner, s.kind == softmaxLog)
	return nil
}

// hardmax sets the first of the largest elements along the middle axis to 1 and the others to 0.
func hardmax(y, x []float64, outer, n, inner int) {
	for o := range outer {
		for j := range inner {
			best := o*n*inner + j
			for i := best; i < (o+1)*n*inner; i += inner {
				if x[i] > x[best] {
					best = i
				}
			}
			for i := o*n*inner + j; i < (o+1)*n*inner; i += inner {
				y[i] = 0
			}
			y[best] = 1
		}
	}
}
