package ops

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/onnxrun/onnxrun/internal/kernel/move"
	"github.com/onnxrun/onnxrun/internal/par"
	"github.com/onnxrun/onnxrun/tensor"
)

func scatterElementsInfer(c *InferCtx) error {
	c.SetType(0, c.Type(0))
	return checkElementAxes(c)
}

func scatterElementsKernel(k *KernelCtx) (Kernel, error) {
	attr, reduction := k.Int("axis"), k.Str("reduction")
	apply, err := scatterApply(k.DType(0), reduction)
	if err != nil {
		return Kernel{}, err
	}
	if reduction == "" || reduction == "none" {
		apply = nil
	}
	return Kernel{Run: func(c *Call) error {
		x, index, u := c.In[0], c.In[1], c.In[2]
		s, si := x.Shape(), index.Shape()
		axis, err := mvAxis(attr, len(s))
		if err != nil {
			return err
		}
		if err := checkElementIndex(s, si, axis); err != nil {
			return err
		}
		if !u.Shape().Equal(si) {
			return fmt.Errorf("ops: input 2 (updates) has shape %v, want that of input 1 (indices), %v", u.Shape(), si)
		}
		y, err := mvOut(c, 0, x.DType(), s)
		if err != nil {
			return err
		}
		if index.Len() == 0 {
			mvCopy(y, x, c.Threads)
			return nil
		}
		j := scatterElementsPool.Get().(*scatterElementsJob)
		defer scatterElementsPool.Put(j)
		*j = scatterElementsJob{x: x, y: y, u: u, index: index, axis: axis, apply: apply}
		return j.run(c.Threads)
	}}, nil
}

// A scatterElementsJob goes over an index line by line: the elements whose coordinates agree but for those along the axis and the
// last one, of which a line has a strip. Elements of two lines never meet at one position.
type scatterElementsJob struct {
	x, y, u, index *tensor.Tensor
	s, si          tensor.Shape // of data and index, without axes of length 1 behind the one that is indexed
	axis           int
	stride         int       // how far the rows that the index counts lie apart, 0 where it counts elements of a row
	apply          scatterFn // nil to overwrite
	steps, apart   int       // rows of the index in a line, and how many rows one lies behind the other
	strip, strips  int       // elements of a row in a line, and lines beside each other
	lines, size    int
	copies         bool         // each line copies the row of x that it is about
	bad            atomic.Int64 // one more than the position of an index out of range
}

var scatterElementsPool = sync.Pool{New: func() any { return new(scatterElementsJob) }}

// scatterStrip is the number of elements beside each other in a line that has several rows.
const scatterStrip = 128

func (j *scatterElementsJob) run(threads int) error {
	s, si := j.x.Shape(), j.index.Shape()
	if mvLen(s[j.axis+1:]) == 1 {
		s, si = s[:j.axis+1], si[:j.axis+1]
	}
	j.s, j.si, j.stride = s, si, 0
	last := len(si) - 1
	row := si[last]
	j.steps, j.apart, j.strip, j.strips = 1, 1, row, 1
	if j.axis < last {
		j.stride = mvLen(s[j.axis+1:])
		j.steps, j.apart = si[j.axis], mvLen(si[j.axis+1:last])
		j.strip = min(row, scatterStrip)
		j.strips = (row + j.strip - 1) / j.strip
	}
	j.copies = j.axis == last && s[:last].Equal(si[:last]) && j.x.DType() != tensor.String
	if !j.copies {
		mvCopy(j.y, j.x, threads)
	}
	j.lines = j.index.Len() / row / j.steps * j.strips
	var chunks int
	chunks, j.size = par.Split(j.lines, 1+(1<<14)/(j.steps*j.strip))
	par.Run(threads, chunks, j)
	if p := int(j.bad.Load()) - 1; p >= 0 {
		return mvIndexError(integers(j.index)[p], s[j.axis])
	}
	return nil
}

// Chunk does one chunk of lines.
func (j *scatterElementsJob) Chunk(i int) {
	lo, hi := par.Range(i, j.size, j.lines)
	if j.copies {
		n := len(j.x.Bytes()) / j.lines
		move.Block(j.y.Bytes()[lo*n:hi*n], j.x.Bytes()[lo*n:hi*n])
	}
	if j.index.DType() == tensor.Int32 {
		scatterLines(j, tensor.Of[int32](j.index), lo, hi)
		return
	}
	scatterLines(j, tensor.Of[int64](j.index), lo, hi)
}

// scatterLines does lines lo to hi.
func scatterLines[I move.Index](j *scatterElementsJob, index []I, lo, hi int) {
	row := j.si[len(j.si)-1]
	for l := lo; l < hi; l++ {
		r, from := l/j.strips, l%j.strips*j.strip
		r = r/j.apart*j.apart*j.steps + r%j.apart
		n := min(j.strip, row-from)
		base := elementBase(j.s, j.si, j.axis, r) + from
		for i := range j.steps {
			at := (r+i*j.apart)*row + from
			if bad := scatterLine(j, index[at:at+n], base, at); bad >= 0 {
				j.bad.Store(int64(at+bad) + 1)
				return
			}
		}
	}
}

// scatterLine scatters the updates from position from on to y, counted from base. It returns the first index out of range, or -1.
func scatterLine[I move.Index](j *scatterElementsJob, index []I, base, from int) int {
	switch d := j.x.DType(); {
	case j.apply != nil:
		return scatterJoined(j, index, base, from)
	case d == tensor.String:
		return move.Put(j.y.Strings()[base:], j.u.Strings()[from:], index, j.s[j.axis], j.stride)
	case d.Size() == 1:
		return scatterWords[uint8](j, index, base, from)
	case d.Size() == 2:
		return scatterWords[uint16](j, index, base, from)
	case d.Size() == 4:
		return scatterWords[uint32](j, index, base, from)
	case d.Size() == 8:
		return scatterWords[uint64](j, index, base, from)
	}
	return scatterWords[complex128](j, index, base, from)
}

func scatterWords[T tensor.Element, I move.Index](j *scatterElementsJob, index []I, base, from int) int {
	if k, even := evenRow(index, j.s[j.axis]); even && j.stride > 0 {
		copy(tensor.Raw[T](j.y)[base+k*j.stride:], tensor.Raw[T](j.u)[from:from+len(index)])
		return -1
	}
	return move.Put(tensor.Raw[T](j.y)[base:], tensor.Raw[T](j.u)[from:], index, j.s[j.axis], j.stride)
}

// scatterJoined joins the updates to what is there.
func scatterJoined[I move.Index](j *scatterElementsJob, index []I, base, from int) int {
	n, stride, step := j.s[j.axis], j.stride, 1
	if stride == 0 {
		stride, step = 1, 0
	}
	to := scatterPositions.Get().(*[scatterStep]int)
	defer scatterPositions.Put(to)
	if k, even := evenRow(index, n); even && step > 0 {
		to[0] = base + k*stride
		j.apply(j.y, j.u, to[:1], from, len(index))
		return -1
	}
	for lo := 0; lo < len(index); lo += scatterStep {
		part := index[lo:min(len(index), lo+scatterStep)]
		for i, v := range part {
			k := int64(v)
			k += int64(n) & (k >> 63)
			if uint64(k) >= uint64(n) {
				return lo + i
			}
			to[i] = base + (lo+i)*step + int(k)*stride
		}
		j.apply(j.y, j.u, to[:len(part)], from+lo, 1)
	}
	return -1
}

// evenRow reports whether all indices of a row are one, k, within an axis of length n: as of an index that was expanded to the width of
// what it counts, which then moves whole.
func evenRow[I move.Index](index []I, n int) (k int, even bool) {
	first := index[0]
	for _, v := range index {
		if v != first {
			return 0, false
		}
	}
	at := int64(first)
	at += int64(n) & (at >> 63)
	return int(at), uint64(at) < uint64(n)
}
