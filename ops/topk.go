package ops

import (
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/find"
	"github.com/onnxrun/onnxrun/internal/kernel/move"
	"github.com/onnxrun/onnxrun/internal/kernel/reduce"
	"github.com/onnxrun/onnxrun/internal/par"
	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/tensor"
)

func topKInfer(c *InferCtx) error {
	x := c.Type(0)
	k, known := sym.Const(int64(c.Int("k"))), c.HasAttr("k")
	if e, ok := c.Exprs(1); !known && ok {
		if len(e) != 1 {
			return fmt.Errorf("ops: input 1 (K) has %d elements, want 1", len(e))
		}
		k, known = e[0], true
	}
	if !known {
		k = c.Fresh()
	}
	if !x.Ranked {
		c.SetType(0, x)
		c.SetType(1, Unranked(tensor.Int64))
		return nil
	}
	axis, err := mvAxis(c.IntOr("axis", -1), len(x.Dims))
	if err != nil {
		return err
	}
	n, okN := x.Dims[axis].Const()
	if v, ok := k.Const(); ok && (v < 0 || okN && v > n) {
		return fmt.Errorf("ops: K is %d for an axis of length %v", v, x.Dims[axis])
	}
	dims := slices.Clone(x.Dims)
	dims[axis] = k
	if err := mvSet(c, 0, x.DType, dims...); err != nil {
		return err
	}
	c.Set(1, tensor.Int64, slices.Clone(dims)...)
	return nil
}

var topKKernel = widened(func(k *KernelCtx) (Kernel, error) {
	switch d := k.DType(0); d {
	case tensor.Float32:
		return topKOf[float32](k)
	case tensor.Float64:
		return topKOf[float64](k)
	case tensor.Int64:
		return topKOf[int64](k)
	case tensor.Int32:
		return topKOf[int32](k)
	case tensor.Int16:
		return topKOf[int16](k)
	case tensor.Int8:
		return topKOf[int8](k)
	case tensor.Uint64:
		return topKOf[uint64](k)
	case tensor.Uint32:
		return topKOf[uint32](k)
	case tensor.Uint16:
		return topKOf[uint16](k)
	case tensor.Uint8:
		return topKOf[uint8](k)
	default:
		return Kernel{}, Unsupported("TopK of %v", d)
	}
})

func topKOf[T mvNumber](k *KernelCtx) (Kernel, error) {
	attr, given, count := k.IntOr("axis", -1), k.HasAttr("k"), k.Int("k")
	smallest := k.HasAttr("largest") && !k.Bool("largest")
	jobs := &sync.Pool{New: func() any { return new(topKJob[T]) }}
	heaps := &sync.Pool{New: func() any { return new([]topKItem[T]) }}
	return Kernel{Run: func(c *Call) error {
		x := c.In[0]
		want := count
		if !given {
			list := integers(c.In[1])
			if len(list) != 1 {
				return fmt.Errorf("ops: input 1 (K) has %d elements, want 1", len(list))
			}
			want = int(list[0])
		}
		axis, err := mvAxis(attr, x.Rank())
		if err != nil {
			return err
		}
		var buf mvDims
		dims := append(buf[:0], x.Shape()...)
		n := dims[axis]
		if want < 0 || want > n {
			return fmt.Errorf("ops: K is %d for an axis of length %d", want, n)
		}
		dims[axis] = want
		j := jobs.Get().(*topKJob[T])
		defer jobs.Put(j)
		*j = topKJob[T]{x: tensor.Raw[T](x), n: n, k: want, inner: mvLen(dims[axis+1:]), smallest: smallest, heaps: heaps}
		if err := j.outputs(c, dims); err != nil {
			return err
		}
		rows := mvLen(dims[:axis]) * j.inner
		if rows*want == 0 {
			return nil
		}
		grain := 1 + (1<<13)/n
		if j.inner > 1 {
			grain = max(grain, lineGroup)
		}
		chunks, size := par.Split(rows, grain)
		j.rows, j.size = rows, size
		par.Run(c.Threads, chunks, j)
		return nil
	}}, nil
}

// topKJob selects the k foremost of the n elements of each row along the axis.
type topKJob[T mvNumber] struct {
	x, values   []T
	index       []int64
	n, k, inner int
	rows, size  int
	smallest    bool
	heaps       *sync.Pool // of *[]topKItem[T]
}

type topKItem[T mvNumber] struct {
	v T
	i int
}

// outputs takes the wanted outputs of the call.
func (j *topKJob[T]) outputs(c *Call, dims []int) error {
	if c.Out[0] != nil {
		y, err := mvOut(c, 0, c.In[0].DType(), dims)
		if err != nil {
			return err
		}
		j.values = tensor.Raw[T](y)
	}
	if len(c.Out) > 1 && c.Out[1] != nil {
		y, err := mvOut(c, 1, tensor.Int64, dims)
		if err != nil {
			return err
		}
		j.index = tensor.Of[int64](y)
	}
	return nil
}

// lines selects in rows of float32. Those that do not lie one after the other are copied first, some neighbours at a time.
func (j *topKJob[T]) lines(x, values []float32, lo, hi int) {
	s := selectors.Get().(*lineSelector)
	for r := lo; r < hi; {
		if j.inner == 1 {
			j.line(s, x[r*j.n:(r+1)*j.n], values, r*j.k)
			r++
			continue
		}
		o, in := r/j.inner, r%j.inner
		count := min(hi-r, j.inner-in, lineGroup)
		s.rows = slices.Grow(s.rows[:0], count*j.n)[:count*j.n]
		dims, to, from := [2]int{count, j.n}, [2]int{j.n, 1}, [2]int{1, j.inner}
		move.Strided(move.Bytes(s.rows), move.Bytes(x), move.Copy{Dims: dims[:], DstStride: to[:], SrcStride: from[:], SrcOff: o*j.n*j.inner + in, Width: 4}, 1)
		for i := range count {
			j.line(s, s.rows[i*j.n:(i+1)*j.n], values, o*j.k*j.inner+in+i)
		}
		r += count
	}
	selectors.Put(s)
}

// lineGroup is how many rows that lie side by side are copied together: a cache line of each position.
const lineGroup = 16

// A lineSelector is the memory of lines.
type lineSelector struct {
	find.Selector
	rows []float32
}

// selectors hold *lineSelector.
var selectors = sync.Pool{New: func() any { return new(lineSelector) }}

// line selects in one row; the first place of the results is at, the next ones are inner apart.
func (j *topKJob[T]) line(s *lineSelector, row, values []float32, at int) {
	if j.k == 1 && j.foremost(row, values, at) {
		return
	}
	keys := s.Select(row, j.k, j.smallest)
	if values != nil {
		for i, key := range keys {
			values[at+i*j.inner] = row[find.Index(key)]
		}
	}
	if j.index != nil {
		for i, key := range keys {
			j.index[at+i*j.inner] = int64(find.Index(key))
		}
	}
}

// foremost selects one element of a row, unless it is NaN, which is never among the smallest.
func (j *topKJob[T]) foremost(row, values []float32, at int) bool {
	op := reduce.Max
	if j.smallest {
		op = reduce.Min
	}
	i := reduce.ArgRow(op, row)
	if v := row[i]; j.smallest && v != v {
		return false
	}
	if values != nil {
		values[at] = row[i]
	}
	if j.index != nil {
		j.index[at] = int64(i)
	}
	return true
}

// Chunk selects in one chunk of rows.
func (j *topKJob[T]) Chunk(i int) {
	if x, ok := any(j.x).([]float32); ok && j.n <= math.MaxInt32 {
		lo, hi := par.Range(i, j.size, j.rows)
		values, _ := any(j.values).([]float32)
		j.lines(x, values, lo, hi)
		return
	}
	buf := j.heaps.Get().(*[]topKItem[T])
	lo, hi := par.Range(i, j.size, j.rows)
	for r := lo; r < hi; r++ {
		o, in := r/j.inner, r%j.inner
		h := j.selectRow((*buf)[:0], j.x[o*j.n*j.inner+in:])
		for at, item := range h {
			p := (o*j.k+at)*j.inner + in
			if j.values != nil {
				j.values[p] = item.v
			}
			if j.index != nil {
				j.index[p] = int64(item.i)
			}
		}
		*buf = h
	}
	j.heaps.Put(buf)
}

// selectRow returns the k foremost elements of a row, whose elements are inner apart, in order.
func (j *topKJob[T]) selectRow(h []topKItem[T], x []T) []topKItem[T] {
	for i := range j.k {
		h = append(h, topKItem[T]{x[i*j.inner], i})
	}
	for i := j.k/2 - 1; i >= 0; i-- {
		j.sink(h, i)
	}
	for i := j.skip(x, j.k, h[0].v); i < j.n; i = j.skip(x, i+1, h[0].v) {
		if item := (topKItem[T]{x[i*j.inner], i}); j.before(item, h[0]) {
			h[0] = item
			j.sink(h, 0)
		}
	}
	for n := len(h) - 1; n > 0; n-- {
		h[0], h[n] = h[n], h[0]
		j.sink(h[:n], 0)
	}
	return h
}

// skip returns the position of the first element from i on that may come before an earlier one of value v, which
// is the hindmost of those that were chosen.
func (j *topKJob[T]) skip(x []T, i int, v T) int {
	switch {
	case j.inner == 1 && j.smallest:
		for n := j.n; i < n && x[i] >= v; i++ {
		}
	case j.inner == 1:
		for n := j.n; i < n && x[i] <= v; i++ {
		}
	}
	return i
}

// sink restores the heap, whose root is its hindmost element, below position i.
func (j *topKJob[T]) sink(h []topKItem[T], i int) {
	for {
		child := 2*i + 1
		if child >= len(h) {
			return
		}
		if child+1 < len(h) && j.before(h[child], h[child+1]) {
			child++
		}
		if !j.before(h[i], h[child]) {
			return
		}
		h[i], h[child] = h[child], h[i]
		i = child
	}
}

// before reports whether a comes before b: by value, NaN being the greatest, then by position.
func (j *topKJob[T]) before(a, b topKItem[T]) bool {
	nanA, nanB := a.v != a.v, b.v != b.v
	switch {
	case nanA || nanB:
		if nanA != nanB {
			return nanA != j.smallest
		}
		return a.i < b.i
	case a.v == b.v:
		return a.i < b.i
	}
	return a.v > b.v != j.smallest
}

// topKGrad puts the gradient back to the positions that the second output names.
func topKGrad(c GradCtx) error {
	return unaryGrad(func(g grads, dy, x, _ Ref) Ref {
		axis := map[string]any{"axis": g.Attrs().IntOr("axis", -1), "reduction": "add"}
		return g.with("ScatterElements", axis, g.zeros(x), g.Save(1), dy)
	})(c)
}
