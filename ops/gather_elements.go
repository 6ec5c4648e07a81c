package ops

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/onnxrun/onnxrun/internal/kernel/move"
	"github.com/onnxrun/onnxrun/internal/par"
	"github.com/onnxrun/onnxrun/tensor"
)

// checkElementIndex checks the shapes of data and indices of GatherElements and ScatterElements.
func checkElementIndex(data, index tensor.Shape, axis int) error {
	ok := len(data) == len(index)
	for i := 0; ok && i < len(data); i++ {
		ok = i == axis || index[i] <= data[i]
	}
	if !ok {
		return fmt.Errorf("ops: input 1 (indices) has shape %v, which does not fit in input 0 (data) of shape %v", index, data)
	}
	return nil
}

func gatherElementsKernel(k *KernelCtx) (Kernel, error) {
	attr := k.Int("axis")
	if d := k.DType(1); d != tensor.Int64 && d != tensor.Int32 {
		return Kernel{}, Unsupported("GatherElements with indices of %v", d)
	}
	return Kernel{Run: func(c *Call) error {
		x, index := c.In[0], c.In[1]
		axis, err := mvAxis(attr, x.Rank())
		if err != nil {
			return err
		}
		if err := checkElementIndex(x.Shape(), index.Shape(), axis); err != nil {
			return err
		}
		y, err := mvOut(c, 0, x.DType(), index.Shape())
		if err != nil || y.Len() == 0 {
			return err
		}
		if x.Shape()[axis] == 0 {
			return mvIndexError(integers(index)[0], 0)
		}
		j := gatherElementsPool.Get().(*gatherElementsJob)
		defer gatherElementsPool.Put(j)
		*j = gatherElementsJob{x: x, y: y, index: index, axis: axis}
		var chunks int
		chunks, j.size = par.Split(j.rows(), 1+(1<<12)/j.row())
		par.Run(c.Threads, chunks, j)
		if p := int(j.bad.Load()) - 1; p >= 0 {
			return mvIndexError(integers(index)[p], x.Shape()[axis])
		}
		return nil
	}}, nil
}

// gatherElementsJob takes one element for each index, row by row of the index.
type gatherElementsJob struct {
	x, y, index *tensor.Tensor
	axis, size  int
	bad         atomic.Int64 // one more than the position of an index out of range
}

var gatherElementsPool = sync.Pool{New: func() any { return new(gatherElementsJob) }}

func (j *gatherElementsJob) row() int  { return j.index.Shape()[j.index.Rank()-1] }
func (j *gatherElementsJob) rows() int { return j.index.Len() / j.row() }

// Chunk takes the elements of one chunk of rows.
func (j *gatherElementsJob) Chunk(i int) {
	lo, hi := par.Range(i, j.size, j.rows())
	switch d := j.x.DType(); {
	case d == tensor.String:
		gatherElementsOf(j, j.x.Strings(), j.y.Strings(), lo, hi)
	case d.Size() == 1:
		gatherWords(j, tensor.Raw[uint8](j.x), tensor.Raw[uint8](j.y), lo, hi)
	case d.Size() == 2:
		gatherWords(j, tensor.Raw[uint16](j.x), tensor.Raw[uint16](j.y), lo, hi)
	case d.Size() == 4:
		gatherWords(j, tensor.Raw[uint32](j.x), tensor.Raw[uint32](j.y), lo, hi)
	case d.Size() == 8:
		gatherWords(j, tensor.Raw[uint64](j.x), tensor.Raw[uint64](j.y), lo, hi)
	case d.Size() == 16:
		gatherElementsOf(j, tensor.Raw[complex128](j.x), tensor.Raw[complex128](j.y), lo, hi)
	}
}

func gatherElementsOf[T any](j *gatherElementsJob, x, y []T, lo, hi int) {
	if j.index.DType() == tensor.Int32 {
		gatherRows(j, x, y, tensor.Of[int32](j.index), lo, hi, takeElements[T, int32])
		return
	}
	gatherRows(j, x, y, tensor.Of[int64](j.index), lo, hi, takeElements[T, int64])
}

// gatherWords is gatherElementsOf for elements that have kernels.
func gatherWords[T move.Word](j *gatherElementsJob, x, y []T, lo, hi int) {
	if j.index.DType() == tensor.Int32 {
		gatherRows(j, x, y, tensor.Of[int32](j.index), lo, hi, move.Take[T, int32])
		return
	}
	gatherRows(j, x, y, tensor.Of[int64](j.index), lo, hi, move.Take[T, int64])
}

// gatherRows takes rows lo to hi. take is move.Take, or stands for it.
func gatherRows[T any, I move.Index](j *gatherElementsJob, x, y []T, index []I, lo, hi int, take func(out, x []T, at []I, n, stride int) int) {
	n, row := j.x.Shape()[j.axis], j.row()
	stride := mvLen(j.x.Shape()[j.axis+1:])
	if j.axis == j.x.Rank()-1 {
		stride = 0
	}
	var c rowCursor
	c.start(j.x.Shape(), j.index.Shape(), j.axis, lo)
	for r := lo; r < hi; r++ {
		base := c.base
		if c.next(); row < shortTake {
			for i, v := range index[r*row : (r+1)*row] {
				k := int64(v)
				k += int64(n) & (k >> 63)
				if uint64(k) >= uint64(n) {
					j.bad.Store(int64(r*row+i) + 1)
					return
				}
				y[r*row+i] = x[base+int(k)*max(stride, 1)+i*min(stride, 1)]
			}
			continue
		}
		if bad := take(y[r*row:(r+1)*row], x[base:], index[r*row:(r+1)*row], n, stride); bad >= 0 {
			j.bad.Store(int64(r*row+bad) + 1)
			return
		}
	}
}

// takeElements is move.Take for elements of any kind.
func takeElements[T any, I move.Index](out, x []T, at []I, n, stride int) int {
	for i, v := range at {
		k := int64(v)
		k += int64(n) & (k >> 63)
		if uint64(k) >= uint64(n) {
			return i
		}
		if stride > 0 {
			k = k*int64(stride) + int64(i)
		}
		out[i] = x[k]
	}
	return -1
}

// shortTake is the length up to which rows of indices are gathered without a call.
const shortTake = 16

// A rowCursor goes from row to row of an index and tells each one's elementBase.
type rowCursor struct {
	base        int
	row         int
	data, index tensor.Shape
	axis        int
	at, stride  mvDims // coordinates of the row, and the stride of each in the data; unless there are more
}

func (c *rowCursor) start(data, index tensor.Shape, axis, r int) {
	c.data, c.index, c.axis, c.row = data, index, axis, r
	c.base = elementBase(data, index, axis, r)
	if len(data) > len(c.at) {
		return
	}
	stride := data[len(data)-1]
	for i := len(data) - 2; i >= 0; i-- {
		c.at[i] = r % index[i]
		if i != axis {
			c.stride[i] = stride
		}
		r /= index[i]
		stride *= data[i]
	}
}

// next goes to the next row.
func (c *rowCursor) next() {
	c.row++
	if len(c.data) > len(c.at) {
		c.base = elementBase(c.data, c.index, c.axis, c.row)
		return
	}
	for i := len(c.data) - 2; i >= 0; i-- {
		c.base += c.stride[i]
		if c.at[i]++; c.at[i] < c.index[i] {
			return
		}
		c.base -= c.at[i] * c.stride[i]
		c.at[i] = 0
	}
}

// elementBase returns the position in data of the first element of row r of the index, taking the coordinate along
// the axis as zero.
func elementBase(data, index tensor.Shape, axis, r int) int {
	last := len(data) - 1
	base, stride := 0, data[last]
	for i := last - 1; i >= 0; i-- {
		if i != axis {
			base += r % index[i] * stride
		}
		r /= index[i]
		stride *= data[i]
	}
	return base
}

// gatherElementsGrad adds the gradient to the elements that were gathered.
func gatherElementsGrad(c GradCtx) error {
	return unaryGrad(func(g grads, dy, x, _ Ref) Ref {
		return g.with("ScatterElements", map[string]any{"axis": g.Attrs().Int("axis"), "reduction": "add"}, g.zeros(x), g.In(1), dy)
	})(c)
}
