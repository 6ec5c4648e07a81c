package ops

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/kernel/quant"
	"github.com/onnxrun/onnxrun/internal/kernel/reduce"
	"github.com/onnxrun/onnxrun/tensor"
)

// QEmbedLayerNormalization of com.microsoft adds the word, position and segment embeddings of each token, tables of bytes,
// and normalises the sums. Inputs 0 and 1 are tokens and segments [batch, length], 2 to 6 the tables and the scale and bias
// of the normalisation, 7 a mask whose ones are counted; 8 to 12 and 13 to 17 scales and zero points of 2 to 6.

func qembedInfer(c *InferCtx) error {
	sub := *c
	sub.In = append([]Value(nil), c.In...)
	sub.In[embedTables].DType = tensor.Float32
	return embedNormInfer(&sub)
}

// Scales and zero points of the tables, which are inputs embedTables on.
const embedScales, embedZeros = 8, 13

func qembedKernel(k *KernelCtx) (Kernel, error) {
	for i := embedTables; i < embedMask; i++ {
		if k.Has(i) && !bytes8.Has(k.DType(i)) {
			return Kernel{}, Unsupported("embeddings of %v", k.DType(i))
		}
	}
	eps := k.Float("epsilon")
	return Kernel{
		Run:     func(c *Call) error { return qembedRun(c, eps) },
		Scratch: func(c *Call) int { return 8 * c.In[embedTables+3].Len() },
	}, nil
}

// byteTable is a table of bytes: rows of numbers.
type byteTable struct {
	t *tensor.Tensor
	quant.Params
	rows, cols int
}

// embedTable reads table i, counted from the first one; an absent one has no rows.
func embedTable(c *Call, i int) (b byteTable, err error) {
	if b.t = c.In[embedTables+i]; b.t == nil {
		return b, nil
	}
	b.Params, err = quantParams(c, b.t.DType(), embedScales+i, embedZeros+i)
	s := b.t.Shape()
	if b.rows, b.cols = 1, b.t.Len(); len(s) == 2 {
		b.rows, b.cols = s[0], s[1]
	}
	return b, err
}

// row adds row i to dst, or sets dst to it.
func (b *byteTable) row(dst []float32, i int, add bool) {
	if !add {
		clear(dst)
	}
	if b.t.DType() == tensor.Int8 {
		addCodes(dst, tensor.Of[int8](b.t)[i*b.cols:], b.Params)
	} else {
		addCodes(dst, tensor.Of[uint8](b.t)[i*b.cols:], b.Params)
	}
}

func addCodes[T quant.Byte](dst []float32, x []T, p quant.Params) {
	for i, v := range x[:len(dst)] {
		dst[i] += float32(float32(int32(v)-p.Zero) * p.Scale)
	}
}

func qembedRun(c *Call, eps float32) error {
	var tables [5]byteTable
	for i := range tables {
		var err error
		if tables[i], err = embedTable(c, i); err != nil {
			return err
		}
		if t := &tables[i]; t.t != nil && t.cols != tables[0].cols {
			return fmt.Errorf("ops: input %d has shape %v, want rows of %d", embedTables+i, t.t.Shape(), tables[0].cols)
		}
	}
	hidden, y := tables[0].cols, tensor.Of[float32](c.Out[0])
	ids, segments := c.In[embedWords], input(c, embedSegments)
	if segments != nil && (segments.Len() != ids.Len() || tables[2].t == nil) {
		return fmt.Errorf("ops: segments have shape %v beside tokens of %v, want the same and a table", segments.Shape(), ids.Shape())
	}
	for i := 3; i < 5; i++ {
		if t := &tables[i]; t.t != nil && t.rows < 1 {
			return fmt.Errorf("ops: input %d has shape %v, want a row of %d", embedTables+i, t.t.Shape(), hidden)
		}
	}
	if tables[3].t == nil || tables[4].t == nil || len(y) != ids.Len()*hidden {
		return fmt.Errorf("ops: output has shape %v, want rows of %d for %v tokens, and a scale and a bias", c.Out[0].Shape(), hidden, ids.Shape())
	}
	if err := embedSum(y, hidden, tables[:3], ids, segments); err != nil {
		return err
	}
	scale, bias := scratchOf[float32](c.Scratch, 2*hidden)[:hidden], scratchOf[float32](c.Scratch, 2*hidden)[hidden:]
	tables[3].row(scale, 0, false)
	tables[4].row(bias, 0, false)
	if ids.Len() > 0 {
		reduce.LayerNorm(y, y, reduce.RowNorm{Rows: ids.Len(), Cols: hidden, Eps: eps, Scale: scale, Bias: bias}, c.Threads)
	}
	return countMask(part(c.Out, 1), part(c.In, embedMask), ids.Shape()[1])
}

// embedSum sets the rows of y to the sums of the embeddings.
func embedSum(y []float32, hidden int, tables []byteTable, ids, segments *tensor.Tensor) error {
	length := ids.Shape()[1]
	for i, id := range tensor.Of[int32](ids) {
		row := y[i*hidden : (i+1)*hidden]
		at := [3]int{int(id), i % length, 0}
		if segments != nil {
			at[2] = int(tensor.Of[int32](segments)[i])
		}
		for j := range tables {
			if j == 2 && segments == nil {
				break
			}
			if at[j] < 0 || at[j] >= tables[j].rows {
				return fmt.Errorf("ops: token %d asks for row %d of input %d, which has %d", i, at[j], embedTables+j, tables[j].rows)
			}
			tables[j].row(row, at[j], j > 0)
		}
	}
	return nil
}
