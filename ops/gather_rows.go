package ops

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/kernel/reduce"
	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/tensor"
)

// GatherGradRows of the onnxrun domain is GatherGrad along axis 0 without the rows that nothing was gathered from: the first
// output is the different indices, rising, then -1 up to the number of indices, and the second the rows that belong to them;
// the rows that belong to -1 hold anything. Fine-tuning emits it in the place of gradients of tables that are much longer
// than the list of indices.
func gatherGradRowsInfer(c *InferCtx) error {
	index := c.Type(1)
	dims, ok := c.Exprs(2)
	if !index.Ranked || !ok || len(dims) == 0 {
		c.Set(0, tensor.Int64, c.Fresh())
		c.SetType(1, Unranked(c.Type(0).DType))
		return nil
	}
	n := sym.Const(1)
	for _, d := range index.Dims {
		n = n.Mul(d)
	}
	if err := mvSet(c, 0, tensor.Int64, n); err != nil {
		return err
	}
	return mvSet(c, 1, c.Type(0).DType, append([]Dim{n}, dims[1:]...)...)
}

func gatherGradRowsKernel(k *KernelCtx) (Kernel, error) {
	if d := k.DType(1); d != tensor.Int64 && d != tensor.Int32 {
		return Kernel{}, Unsupported("GatherGradRows with indices of %v", d)
	}
	return Kernel{Run: gatherGradRowsRun, Scratch: func(c *Call) int { return 2 * carveBytes(c.In[1].Len(), 8) }}, nil
}

func gatherGradRowsRun(c *Call) error {
	dy, index := c.In[0], c.In[1]
	n, shape := index.Len(), integers(c.In[2])
	if len(shape) == 0 {
		return fmt.Errorf("ops: rows of a scalar")
	}
	var buf mvDims
	dims := append(buf[:0], n)
	block := 1
	for _, d := range shape[1:] {
		dims, block = append(dims, int(d)), block*int(d)
	}
	if dy.Len() != n*block {
		return fmt.Errorf("ops: gradient has shape %v for indices of shape %v into %v", dy.Shape(), index.Shape(), shape)
	}
	ids, err := mvOut(c, 0, tensor.Int64, dims[:1])
	if err != nil {
		return err
	}
	rows, err := mvOut(c, 1, tensor.Float32, dims)
	if err != nil {
		return err
	}
	keys, rest := carve[int64](c.Scratch, n)
	starts, _ := carve[int64](rest, n)
	to, out, from := tensor.Of[int64](ids), tensor.Of[float32](rows), tensor.Of[float32](dy)
	if index.DType() == tensor.Int32 {
		return reduce.RowSums(to, out, from, tensor.Of[int32](index), int(shape[0]), block, keys, starts, c.Threads)
	}
	return reduce.RowSums(to, out, from, tensor.Of[int64](index), int(shape[0]), block, keys, starts, c.Threads)
}
