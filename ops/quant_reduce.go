package ops

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/kernel/quant"
	"github.com/onnxrun/onnxrun/internal/kernel/reduce"
	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/tensor"
)

// Sums and means of bytes along axes: QLinearReduceMean, QLinearGlobalAveragePool and ReduceSumInteger of com.microsoft.

// qlinearReduceInfer infers an operator whose axes are an attribute, whatever its other inputs mean.
func qlinearReduceInfer(c *InferCtx) error {
	sub := *c
	sub.In = c.In[:1]
	return reduceInfer(&sub)
}

func reduceSumIntegerInfer(c *InferCtx) error {
	if err := qlinearReduceInfer(c); err != nil {
		return err
	}
	t := c.Out[0].Type
	t.DType = tensor.Int32
	if c.Type(0).DType == tensor.Uint8 {
		t.DType = tensor.Uint32
	}
	c.SetType(0, t)
	return nil
}

func qlinearGlobalAveragePoolInfer(c *InferCtx) error {
	if !c.Bool("channels_last") {
		return globalPool(c)
	}
	x := c.Type(0)
	if len(x.Dims) < 3 {
		return globalPool(c)
	}
	dims := append([]Dim(nil), x.Dims...)
	for i := range dims[1 : len(dims)-1] {
		dims[1+i] = sym.Const(1)
	}
	c.Set(0, x.DType, dims...)
	return nil
}

// byteReduce is a bound reduction of bytes.
type byteReduce struct {
	axes []int64
	mean bool // else the plain sum
	// of a pool over all spatial axes; last says that the channels come last
	global, last bool
}

func qlinearReduceMeanKernel(k *KernelCtx) (Kernel, error) {
	return bindByteReduce(k, &byteReduce{axes: k.IntList("axes"), mean: true})
}

func reduceSumIntegerKernel(k *KernelCtx) (Kernel, error) {
	return bindByteReduce(k, &byteReduce{axes: k.IntList("axes")})
}

func qlinearGlobalAveragePoolKernel(k *KernelCtx) (Kernel, error) {
	return bindByteReduce(k, &byteReduce{mean: true, global: true, last: k.Bool("channels_last")})
}

func bindByteReduce(k *KernelCtx, r *byteReduce) (Kernel, error) {
	if !bytes8.Has(k.DType(0)) {
		return Kernel{}, Unsupported("element type %v", k.DType(0))
	}
	return Kernel{Run: r.run, Scratch: r.scratch}, nil
}

// marks says which axes of a tensor are reduced.
func (r *byteReduce) marks(rank int) (m reduceMarks, err error) {
	if !r.global {
		return m, m.set(r.axes, rank, false)
	}
	if rank < 3 || rank > maxReduceRank {
		return m, fmt.Errorf("ops: input has %d axes, want 3 to %d", rank, maxReduceRank)
	}
	for i := range rank - 2 {
		if r.last {
			m[1+i] = true
		} else {
			m[2+i] = true
		}
	}
	return m, nil
}

// scratch returns the room for the elements and their sums as int32 and for the reduction.
func (r *byteReduce) scratch(c *Call) int {
	m, err := r.marks(c.In[0].Rank())
	if err != nil {
		return 0
	}
	return 4 * (c.In[0].Len() + c.Out[0].Len() + reduce.ScratchLen(c.In[0].Shape(), m[:]))
}

func (r *byteReduce) run(c *Call) error {
	x, y := c.In[0], c.Out[0]
	m, err := r.marks(x.Rank())
	if err != nil {
		return err
	}
	var in, out quant.Params
	if r.mean {
		if in, out, err = twoParams(c); err != nil {
			return err
		}
	}
	want := 1
	for i, d := range x.Shape() {
		if !m[i] {
			want *= d
		}
	}
	if y.Len() != want {
		return fmt.Errorf("ops: output has shape %v, want %d elements", y.Shape(), want)
	}
	need := reduce.ScratchLen(x.Shape(), m[:])
	room := scratchOf[int32](c.Scratch, x.Len()+want+need)
	wide, sums := room[:x.Len()], room[x.Len():x.Len()+want]
	if x.DType() == tensor.Int8 {
		vec.Convert(wide, tensor.Of[int8](x))
	} else {
		vec.Convert(wide, tensor.Of[uint8](x))
	}
	if !r.mean {
		sums = tensor.Raw[int32](y)
	}
	reduce.Axes(reduce.Sum, sums, wide, x.Shape(), m[:], room[x.Len()+want:], c.Threads)
	if !r.mean || want == 0 {
		return nil
	}
	count := x.Len() / want
	for i := range sums {
		sums[i] -= int32(count) * in.Zero
	}
	factor := [1]float32{in.Scale / out.Scale / float32(max(count, 1))}
	res := quant.Result{M: 1, N: want, Sums: sums, Col: factor[:], Zero: out.Zero, Signed: x.DType() == tensor.Int8}
	res.Bytes(byteBits(y))
	return nil
}
