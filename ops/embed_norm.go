package ops

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/kernel/reduce"
	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/tensor"
)

// The inputs of EmbedLayerNormalization.
const (
	embedWords       = 0
	embedSegments    = 1
	embedTables      = 2 // of words, positions and segments
	embedGamma       = 5
	embedBeta        = 6
	embedMask        = 7
	embedPositionIDs = 8
)

// embedNormInfer infers EmbedLayerNormalization: indices [batch, length] become vectors [batch, length, width].
func embedNormInfer(c *InferCtx) error {
	ids, table := c.Type(embedWords), c.Type(embedTables)
	if ids.Ranked && len(ids.Dims) != 2 || table.Ranked && len(table.Dims) != 2 {
		return fmt.Errorf("ops: indices %v and embeddings %v, want 2 axes each", ids, table)
	}
	dims := c.FreshDims(3)
	if ids.Ranked {
		dims[0], dims[1] = ids.Dims[0], ids.Dims[1]
	}
	if table.Ranked {
		dims[2] = table.Dims[1]
	}
	c.Set(0, table.DType, dims...)
	c.Set(1, tensor.Int32, dims[0])
	c.Set(2, table.DType, dims...)
	return nil
}

// embedNormKernel binds EmbedLayerNormalization: a sum of embeddings, normalised.
var embedNormKernel = widened(func(k *KernelCtx) (Kernel, error) {
	if k.DType(embedTables) != tensor.Float32 {
		return Kernel{}, Unsupported("element type %v", k.DType(embedTables))
	}
	eps := k.Float("epsilon")
	return Kernel{Run: func(c *Call) error { return embedNorm(c, eps) }}, nil
})

func embedNorm(c *Call, eps float32) error {
	y := part(c.Out, 0)
	s := y.Shape()
	rows, width := s[0]*s[1], s[2]
	sum := tensor.Of[float32](y)
	if t := part(c.Out, 2); t != nil {
		sum = tensor.Of[float32](t)
	}
	clear(sum)
	ids := [3]*tensor.Tensor{c.In[embedWords], part(c.In, embedPositionIDs), part(c.In, embedSegments)}
	for i, index := range ids {
		table := part(c.In, embedTables+i)
		if table == nil || index == nil && i == 2 {
			continue
		}
		if err := addEmbeddings(sum, index, table, rows, s[1], width); err != nil {
			return err
		}
	}
	gamma, beta := tensor.Of[float32](c.In[embedGamma]), tensor.Of[float32](c.In[embedBeta])
	if len(gamma) != width || len(beta) != width {
		return fmt.Errorf("ops: gamma and beta have shapes %v and %v, want [%d]", c.In[embedGamma].Shape(), c.In[embedBeta].Shape(), width)
	}
	if len(sum) > 0 {
		reduce.LayerNorm(tensor.Of[float32](y), sum, reduce.RowNorm{Rows: rows, Cols: width, Eps: eps, Scale: gamma, Bias: beta}, c.Threads)
	}
	return countMask(part(c.Out, 1), part(c.In, embedMask), s[1])
}

// addEmbeddings adds the rows of table that index names to the rows of sum, of which length belong to each batch. Without
// index they are the first rows, and an index for one batch holds for all.
func addEmbeddings(sum []float32, index, table *tensor.Tensor, rows, length, width int) error {
	t, shape := tensor.Of[float32](table), table.Shape()
	if len(shape) != 2 || shape[1] != width {
		return fmt.Errorf("ops: embeddings have shape %v, want [any %d]", shape, width)
	}
	var ids []int32
	if index != nil {
		if ids = tensor.Of[int32](index); len(ids) != rows && len(ids) != length {
			return fmt.Errorf("ops: indices have shape %v, want %d or %d", index.Shape(), rows, length)
		}
	}
	for r := range rows {
		id := r % length
		if ids != nil {
			id = int(ids[r%len(ids)])
		}
		if id < 0 || id >= shape[0] {
			return fmt.Errorf("ops: index %d into %d embeddings", id, shape[0])
		}
		row := sum[r*width : (r+1)*width]
		vec.Add(row, row, t[id*width:(id+1)*width])
	}
	return nil
}

// countMask sets each element of out to the number of ones in a row of mask, 0 without a mask.
func countMask(out, mask *tensor.Tensor, length int) error {
	if out == nil {
		return nil
	}
	counts := tensor.Of[int32](out)
	clear(counts)
	if mask == nil {
		return nil
	}
	if mask.Len() != len(counts)*length {
		return fmt.Errorf("ops: mask has shape %v, want [%d %d]", mask.Shape(), len(counts), length)
	}
	for i, v := range tensor.Of[int32](mask) {
		if v == 1 {
			counts[i/length]++
		}
	}
	return nil
}
