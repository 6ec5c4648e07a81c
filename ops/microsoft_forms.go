package ops

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/move"
	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// Operators of com.microsoft that are others of this table in another form.

// plainForm wraps a kernel function for nodes whose attributes beyond those of its operator have the given values.
func plainForm(kernel func(*KernelCtx) (Kernel, error), plain map[string]int) func(*KernelCtx) (Kernel, error) {
	return func(k *KernelCtx) (Kernel, error) {
		for _, a := range k.Attrs {
			if v, ok := plain[a.Name]; ok && int(a.I) != v {
				return Kernel{}, Unsupported("%s=%d", a.Name, a.I)
			}
		}
		return kernel(k)
	}
}

// plainCausalConv are the attributes of CausalConvWithState that the operator of the standard lacks.
var plainCausalConv = map[string]int{
	"dilation": 1, "ndim": 1, "state_update_capacity": 0, "state_channels_last": -1, "state_window": 0, "state_length": 0,
	"input_channel_offset": 0, "channels_last": 0, "input_channels": 0,
}

// plainLinearAttention is the same for LinearAttention.
var plainLinearAttention = map[string]int{"state_window": 0}

// nhwcConvInfer infers NhwcConv, a Conv of [batch, spatial..., channels] with the filter of Conv.
func nhwcConvInfer(c *InferCtx) error { return channelsLastInfer(c, convInfer) }

func nhwcConvKernel(k *KernelCtx) (Kernel, error) {
	if k.DType(0) == tensor.Float32 {
		return nhwcFusedConvKernel(k)
	}
	own := *k
	own.In, own.Out = append([]Value(nil), k.In...), append([]Value(nil), k.Out...)
	own.In[0] = Value{Type: channelsTo(k.In[0].Type, 1)}
	own.Out[0] = Value{Type: channelsTo(k.Out[0].Type, 1)}
	inner, err := convKernel(&own)
	return bindChannelsLast(inner), err
}

// gemmGeluKernel binds GemmFastGelu: the tanh approximation of Gelu after a product and a bias.
var gemmGeluKernel = widened(func(k *KernelCtx) (Kernel, error) {
	if k.DType(0) != tensor.Float32 {
		return Kernel{}, Unsupported("element type %v", k.DType(0))
	}
	return bindLinear(k, &linear{alpha: 1, beta: 1, act: gemm.Activation{Kind: gemm.GeluTanh}})
})

// expandDimsInfer infers ExpandDims, an Unsqueeze at one axis that input 1 names.
func expandDimsInfer(c *InferCtx) error {
	x := c.Type(0)
	axis, ok := c.Ints(1)
	if !x.Ranked || !ok {
		c.SetType(0, Unranked(x.DType))
		return nil
	}
	if len(axis) != 1 {
		return fmt.Errorf("ops: axis has %d elements, want 1", len(axis))
	}
	sub := *c
	sub.Attrs = append(append(Attrs(nil), c.Attrs...), onnx.NewInts("axes", axis[0]))
	sub.In = c.In[:1]
	return unsqueezeInfer(&sub)
}

// microsoftRange makes a Range without a step one with a step of 1, and lists of one element scalars.
func microsoftRange(in []Value) []Value {
	out := append([]Value(nil), in...)
	if len(out) < 3 || !out[2].Present() {
		one := tensor.New(in[0].DType)
		storeCodes(one, 0, []float32{1}, true)
		if v := tensor.Of[int32](one); v != nil {
			v[0] = 1
		} else if v := tensor.Of[int64](one); v != nil {
			v[0] = 1
		} else if v := tensor.Of[float64](one); v != nil {
			v[0] = 1
		}
		out = append(out[:2:2], ConstValue(one))
	}
	for i := range out {
		if len(out[i].Dims) == 1 {
			out[i].Dims = nil
		}
	}
	return out
}

func microsoftRangeInfer(c *InferCtx) error {
	sub := *c
	sub.In = microsoftRange(c.In)
	return rangeInfer(&sub)
}

func microsoftRangeKernel(k *KernelCtx) (Kernel, error) {
	own := *k
	own.In = microsoftRange(k.In)
	inner, err := rangeKernel(&own)
	step := own.In[2].Const
	if err != nil || k.Has(2) {
		return inner, err
	}
	return Kernel{Run: func(c *Call) error {
		call := *c
		call.In = append(append([]*tensor.Tensor(nil), c.In[:2]...), step)
		return inner.Run(&call)
	}}, nil
}

// unfoldInfer infers UnfoldTensor: windows along one axis become a last axis.
func unfoldInfer(c *InferCtx) error {
	x := c.Type(0)
	size, step := c.Int("size"), c.IntOr("step", 1)
	if size < 1 || step < 1 {
		return fmt.Errorf("ops: size is %d and step %d, want at least 1", size, step)
	}
	if !x.Ranked {
		c.SetType(0, x)
		return nil
	}
	axis, err := wrapAxis(c.IntOr("dim", -1), len(x.Dims))
	if err != nil {
		return err
	}
	if n, ok := x.Dims[axis].Const(); ok && n < int64(size) {
		return fmt.Errorf("ops: windows of %d along axis %d of %v", size, axis, x)
	}
	dims := append(append([]Dim(nil), x.Dims...), sym.Const(int64(size)))
	dims[axis] = x.Dims[axis].Sub(sym.Const(int64(size))).Div(sym.Const(int64(step))).Add(sym.Const(1))
	c.Set(0, x.DType, dims...)
	return nil
}

func unfoldKernel(k *KernelCtx) (Kernel, error) {
	size, step, dim := k.Int("size"), k.IntOr("step", 1), k.IntOr("dim", -1)
	width := k.DType(0).Size()
	if width == 0 {
		return Kernel{}, Unsupported("element type %v", k.DType(0))
	}
	return Kernel{Run: func(c *Call) error {
		s := c.In[0].Shape()
		axis, err := wrapAxis(dim, len(s))
		if err != nil {
			return err
		}
		inner := s[axis+1:].Len()
		windows := (s[axis]-size)/step + 1
		if s[axis] < size || c.Out[0].Len() != s[:axis].Len()*windows*inner*size {
			return fmt.Errorf("ops: windows of %d along axis %d of %v", size, axis, s)
		}
		x, y := c.In[0].Bytes(), c.Out[0].Bytes()
		for o := range s[:axis].Len() {
			for w := range windows {
				for j := range inner {
					for i := range size {
						from := ((o*s[axis]+w*step+i)*inner + j) * width
						y = y[copy(y, x[from:from+width]):]
					}
				}
			}
		}
		return nil
	}}, nil
}

// firstUniqueInfer infers Unique of com.microsoft: the elements of a list, the number of each element among them, and how
// often each occurs.
func firstUniqueInfer(c *InferCtx) error {
	x := c.Type(0)
	if x.Ranked && len(x.Dims) != 1 {
		return fmt.Errorf("ops: input is %v, want 1 axis", x)
	}
	n, all := c.Fresh(), c.Fresh()
	if x.Ranked {
		all = x.Dims[0]
	}
	c.Set(0, x.DType, n)
	c.Set(1, tensor.Int64, all)
	c.Set(2, tensor.Int64, n)
	return nil
}

func firstUniqueKernel(k *KernelCtx) (Kernel, error) {
	order, err := uniqueOrder(k.DType(0))
	if err != nil {
		return Kernel{}, err
	}
	return Kernel{Run: func(c *Call) error {
		x := c.In[0]
		u := uniqueFind(x.Len(), func(a, b int) int { return order(x, a, b) }, false)
		for i, list := range [...][]int64{1: u.inverse, 2: u.count} {
			if i == 0 || part(c.Out, i) == nil {
				continue
			}
			y, err := mvOut(c, i, tensor.Int64, []int{len(list)})
			if err != nil {
				return err
			}
			copy(tensor.Of[int64](y), list)
		}
		if part(c.Out, 0) == nil {
			return nil
		}
		y, err := mvOut(c, 0, x.DType(), []int{len(u.first)})
		if err != nil {
			return err
		}
		if x.DType() == tensor.String {
			return move.GatherOf(y.Strings(), x.Strings(), u.first, 1, x.Len(), 1)
		}
		return move.Gather(y.Bytes(), x.Bytes(), u.first, 1, x.Len(), x.DType().Size(), c.Threads)
	}}, nil
}

// wideGatherNDKernel binds GatherND with indices of int32, too.
func wideGatherNDKernel(k *KernelCtx) (Kernel, error) {
	inner, err := gatherNDKernel(k)
	if err != nil || k.DType(1) != tensor.Int32 {
		return inner, err
	}
	return Kernel{Run: func(c *Call) error {
		wide := tensor.New(tensor.Int64, c.In[1].Shape()...)
		vec.Convert(tensor.Of[int64](wide), tensor.Of[int32](c.In[1]))
		call := *c
		call.In = []*tensor.Tensor{c.In[0], wide}
		return inner.Run(&call)
	}, Scratch: inner.Scratch}, nil
}
