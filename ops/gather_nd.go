package ops

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/onnxrun/onnxrun/internal/kernel/move"
	"github.com/onnxrun/onnxrun/internal/par"
	"github.com/onnxrun/onnxrun/tensor"
)

func gatherNDKernel(k *KernelCtx) (Kernel, error) {
	batch := k.Int("batch_dims")
	return Kernel{Run: func(c *Call) error {
		x, index := c.In[0], c.In[1]
		s, si := x.Shape(), index.Shape()
		if len(si) == 0 || batch < 0 || batch >= len(si) {
			return fmt.Errorf("ops: batch_dims %d for indices of shape %v", batch, si)
		}
		tuple := si[len(si)-1]
		if tuple < 1 || batch+tuple > len(s) || !s[:batch].Equal(si[:batch]) {
			return fmt.Errorf("ops: batch_dims %d for data of shape %v and indices of shape %v", batch, s, si)
		}
		var buf mvDims
		dims := append(append(buf[:0], si[:len(si)-1]...), s[batch+tuple:]...)
		y, err := mvOut(c, 0, x.DType(), dims)
		if err != nil {
			return err
		}
		if to, from := mvDataOf(y), mvDataOf(x); batch == 0 && tuple == 1 && to.s == nil {
			err := move.Gather(to.b, from.b, tensor.Of[int64](index), 1, s[0], mvLen(s[1:])*to.width, c.Threads)
			if err != nil {
				return fmt.Errorf("ops: input 1 (indices): %w", err)
			}
			return nil
		}
		j := gatherNDPool.Get().(*gatherNDJob)
		defer gatherNDPool.Put(j)
		*j = gatherNDJob{to: mvDataOf(y), from: mvDataOf(x), index: tensor.Of[int64](index), axes: append(j.axes[:0], s[batch:batch+tuple]...)}
		j.block = mvLen(s[batch+tuple:])
		j.perBatch = mvLen(si[batch : len(si)-1])
		j.batchLen = mvLen(s[batch:])
		return j.run(c, mvLen(si[:len(si)-1]))
	}}, nil
}

// gatherNDJob copies one block for each tuple of indices.
type gatherNDJob struct {
	to, from           mvData
	index              []int64
	axes               tensor.Shape // lengths of the axes that a tuple indexes
	block              int          // elements in a block
	perBatch, batchLen int          // tuples, and elements of the source, in each batch
	size, total        int
	bad                atomic.Bool // a tuple is out of range
}

var gatherNDPool = sync.Pool{New: func() any { return new(gatherNDJob) }}

func (j *gatherNDJob) run(c *Call, tuples int) error {
	j.total = tuples
	if tuples*j.block == 0 {
		j.block = 0
	}
	var chunks int
	chunks, j.size = par.Split(tuples, 1+(1<<14)/max(j.block*j.to.width, 1))
	par.Run(c.Threads, chunks, j)
	if j.bad.Load() {
		return errTuple(j.index, j.axes)
	}
	return nil
}

// Chunk copies the blocks of one chunk of tuples.
func (j *gatherNDJob) Chunk(i int) {
	from := scatterPositions.Get().(*[scatterStep]int)
	defer scatterPositions.Put(from)
	n := len(j.axes)
	for lo, hi := par.Range(i, j.size, j.total); lo < hi; {
		part := from[:min(scatterStep, hi-lo, j.perBatch-lo%j.perBatch)]
		if !move.Offsets(part, j.index[lo*n:(lo+len(part))*n], j.axes, j.block) {
			j.bad.Store(true)
			return
		}
		j.copy(part, lo, lo/j.perBatch*j.batchLen)
		lo += len(part)
	}
}

// copy copies the blocks at positions, counted from base, to block lo and those behind it.
func (j *gatherNDJob) copy(from []int, lo, base int) {
	switch w := j.to.width; {
	case j.to.s != nil:
		for i, p := range from {
			copy(j.to.s[(lo+i)*j.block:(lo+i+1)*j.block], j.from.s[base+p:])
		}
	default:
		move.Pick(j.to.b[lo*j.block*w:(lo+len(from))*j.block*w], j.from.b[base*w:], from, j.block, w)
	}
}

// gatherNDGrad adds the gradient to the blocks that were gathered. A batch becomes the first number of longer
// tuples.
func gatherNDGrad(c GradCtx) error {
	g := grads{c}
	x, index, dy := g.In(0), g.In(1), g.Dy(0)
	if dy == 0 || !g.Wants(0) {
		return nil
	}
	if g.Of(index).DType == tensor.Int32 {
		index = g.with("Cast", map[string]any{"to": tensor.Int64}, index)
	}
	add := map[string]any{"reduction": "add"}
	batch := g.Attrs().Int("batch_dims")
	if batch == 0 {
		g.SetGrad(0, g.with("ScatterND", add, g.zeros(x), index, dy))
		return nil
	}
	// [batch..., rest...] becomes [batches, rest...], in the data, the indices and the gradient.
	flat := func(v Ref) Ref {
		rest := g.with("Shape", map[string]any{"start": batch}, v)
		return g.with("Reshape", map[string]any{"allowzero": 1}, v, g.with("Concat", map[string]any{"axis": 0}, g.product(x, batch), rest))
	}
	rank, err := g.rank(index)
	if err != nil {
		return err
	}
	data, tuples := flat(x), flat(index)
	count := g.op("Squeeze", g.product(x, batch))
	first := g.op("Range", g.Const(tensor.Scalar(int64(0))), count, g.Const(tensor.Scalar(int64(1))))
	ones := make([]int64, rank-batch) // after the batches: the axes of the indices, the last of which is the tuple
	for i := range ones {
		ones[i] = int64(i + 1)
	}
	lead := g.with("Concat", map[string]any{"axis": 0}, g.with("Shape", map[string]any{"end": -1}, tuples), g.ints(1))
	first = g.op("Expand", g.op("Unsqueeze", first, g.ints(ones...)), lead)
	tuples = g.with("Concat", map[string]any{"axis": -1}, first, tuples)
	g.SetGrad(0, g.like(g.with("ScatterND", add, g.zeros(data), tuples, flat(dy)), x))
	return nil
}

// product is the number of elements along the first n axes of x, as a list of one element.
func (g grads) product(x Ref, n int) Ref {
	return g.with("ReduceProd", map[string]any{"keepdims": 1}, g.with("Shape", map[string]any{"end": n}, x), g.ints(0))
}
