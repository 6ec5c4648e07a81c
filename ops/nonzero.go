package ops

import (
	"fmt"
	"slices"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/find"
	"github.com/onnxrun/onnxrun/internal/kernel/move"
	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/tensor"
)

func nonZeroInfer(c *InferCtx) error {
	rank := c.Fresh()
	if x := c.Type(0); x.Ranked {
		rank = mvConst(len(x.Dims))
	}
	c.Set(0, tensor.Int64, rank, c.Fresh())
	return nil
}

func nonZeroKernel(k *KernelCtx) (Kernel, error) {
	switch d := k.DType(0); {
	case d == tensor.Float32:
		return nonZeroRun(nonZeroWords[float32])
	case d.Size() == 1 && d != tensor.String:
		return nonZeroRun(nonZeroWords[uint8])
	case d == tensor.String:
		return nonZeroOf[string]()
	case d == tensor.Float64:
		return nonZeroOf[float64]()
	case d == tensor.Complex64:
		return nonZeroOf[complex64]()
	case d == tensor.Complex128:
		return nonZeroOf[complex128]()
	case d == tensor.Float16 || d == tensor.BFloat16:
		return nonZeroRun(nonZeroHalf)
	case d.Size() == 2:
		return nonZeroOf[uint16]()
	case d.Size() == 4:
		return nonZeroOf[uint32]()
	case d.Size() == 8:
		return nonZeroOf[uint64]()
	default:
		return Kernel{}, Unsupported("NonZero of %v", d)
	}
}

func nonZeroOf[T tensor.Element]() (Kernel, error) {
	return nonZeroRun(func(at []int, x *tensor.Tensor, lo int) []int {
		var zero T
		for i, v := range tensor.Raw[T](x)[lo : lo+min(nonZeroStep, x.Len()-lo)] {
			if v != zero {
				at = append(at, lo+i)
			}
		}
		return at
	})
}

// nonZeroWords lets a kernel look at 64 elements at a time.
func nonZeroWords[T float32 | uint8](at []int, x *tensor.Tensor, lo int) []int {
	words := nonZeroBits.Get().(*[nonZeroStep / 64]uint64)
	all := tensor.Raw[T](x)
	at = find.NotZero(at, words[:], all[lo:min(lo+nonZeroStep, len(all))], lo)
	nonZeroBits.Put(words)
	return at
}

var nonZeroBits = sync.Pool{New: func() any { return new([nonZeroStep / 64]uint64) }}

// nonZeroHalf tells zeros of 16-bit floats by their bits, the sign aside.
func nonZeroHalf(at []int, x *tensor.Tensor, lo int) []int {
	for i, v := range tensor.Raw[uint16](x)[lo : lo+min(nonZeroStep, x.Len()-lo)] {
		if v<<1 != 0 {
			at = append(at, lo+i)
		}
	}
	return at
}

// nonZeroStep is the number of elements that are looked at at a time.
const nonZeroStep = 1 << 12

// nonZeroLists holds positions: *[]int.
var nonZeroLists = sync.Pool{New: func() any { return new([]int) }}

// nonZeroRun lists the elements that search appends, from position lo on, and then writes their coordinates.
func nonZeroRun(search func(at []int, x *tensor.Tensor, lo int) []int) (Kernel, error) {
	return Kernel{Run: func(c *Call) error {
		x := c.In[0]
		list := nonZeroLists.Get().(*[]int)
		defer nonZeroLists.Put(list)
		at := (*list)[:0]
		for lo := 0; lo < x.Len(); lo += nonZeroStep {
			at = search(at, x, lo)
		}
		*list = at
		n := len(at)
		y, err := mvOut(c, 0, tensor.Int64, []int{x.Rank(), n})
		if err != nil {
			return err
		}
		coordinates(tensor.Of[int64](y), at, x.Shape())
		return nil
	}}, nil
}

// coordinates sets row k of out to the coordinates along axis k of the positions at, which rise.
func coordinates(out []int64, at, shape []int) {
	n, stride := len(at), 1
	if len(shape) == 1 {
		for i, p := range at {
			out[i] = int64(p)
		}
		return
	}
	for k := len(shape) - 1; k >= 0; k-- {
		row, period := out[k*n:(k+1)*n], stride*shape[k]
		base, c := 0, 0 // where coordinates count from, and the one at hand
		for i, p := range at {
			if p-base >= period {
				base = p - p%period
			}
			if d := p - base; stride == 1 {
				c = d
			} else if d < c*stride || d >= (c+1)*stride {
				c = d / stride
			}
			row[i] = int64(c)
		}
		stride = period
	}
}

func compressInfer(c *InferCtx) error {
	x := c.Type(0)
	if err := mvIsList(c, 1, "condition"); err != nil {
		return err
	}
	switch {
	case !c.HasAttr("axis"):
		c.Set(0, x.DType, c.Fresh())
	case !x.Ranked:
		c.SetType(0, x)
	default:
		axis, err := mvAxis(c.Int("axis"), len(x.Dims))
		if err != nil {
			return err
		}
		dims := slices.Clone(x.Dims)
		dims[axis] = c.Fresh()
		c.Set(0, x.DType, dims...)
	}
	return nil
}

func compressKernel(k *KernelCtx) (Kernel, error) {
	attr, flat := k.Int("axis"), !k.HasAttr("axis")
	lists := &sync.Pool{New: func() any { return new([]int64) }}
	return Kernel{Run: func(c *Call) error {
		x, cond := c.In[0], tensor.Of[bool](c.In[1])
		var buf mvDims
		dims := append(buf[:0], x.Shape()...)
		if flat {
			dims = append(buf[:0], x.Len())
		}
		axis := 0
		if !flat {
			var err error
			if axis, err = mvAxis(attr, len(dims)); err != nil {
				return err
			}
		}
		list := lists.Get().(*[]int64)
		defer lists.Put(list)
		*list = slices.Grow((*list)[:0], len(cond))
		kept := keptPositions((*list)[:len(cond)], cond)
		length := dims[axis]
		if n := len(kept); n > 0 && kept[n-1] >= int64(length) {
			return mvIndexError(kept[n-1], length)
		}
		outer, inner := mvLen(dims[:axis]), mvLen(dims[axis+1:])
		dims[axis] = len(kept)
		y, err := mvOut(c, 0, x.DType(), dims)
		if err != nil {
			return err
		}
		if x.DType() == tensor.String {
			return move.GatherOf(y.Strings(), x.Strings(), kept, outer, length, inner)
		}
		return move.Gather(y.Bytes(), x.Bytes(), kept, outer, length, inner*x.DType().Size(), c.Threads)
	}}, nil
}

// keptPositions writes the positions of what is true in cond to list, which is as long, and returns the part that it needs.
func keptPositions(list []int64, cond []bool) []int64 {
	n := 0
	for i, b := range cond {
		list[n] = int64(i)
		if b {
			n++
		}
	}
	return list[:n]
}

// compressGrad puts the gradient back to the positions that were kept.
func compressGrad(c GradCtx) error {
	return unaryGrad(func(g grads, dy, x, _ Ref) Ref {
		kept := g.op("Reshape", g.op("NonZero", g.In(1)), g.ints(-1))
		if axis := g.Attrs().Find("axis"); axis != nil {
			return g.own("GatherGrad", map[string]any{"axis": axis.I}, dy, kept, g.shape(x))
		}
		flat := g.op("Reshape", g.op("Size", x), g.ints(1))
		return g.like(g.own("GatherGrad", nil, dy, kept, flat), x)
	})(c)
}

// oneHotDepth returns the depth if input 1 is known.
func oneHotDepth(c *InferCtx) Dim {
	if e, ok := c.Exprs(1); ok && len(e) == 1 {
		return e[0]
	}
	if t := c.In[1].Const; t != nil && t.Len() == 1 {
		if v := tensor.Float64s(t, 1); len(v) == 1 && v[0] >= 0 && v[0] < 1<<40 {
			return sym.Const(int64(v[0]))
		}
	}
	return c.Fresh()
}

func oneHotInfer(c *InferCtx) error {
	index, d := c.Type(0), c.Type(2).DType
	if !index.Ranked {
		c.SetType(0, Unranked(d))
		return nil
	}
	axis, err := mvAxis(c.IntOr("axis", -1), len(index.Dims)+1)
	if err != nil {
		return err
	}
	return mvSet(c, 0, d, slices.Insert(slices.Clone(index.Dims), axis, oneHotDepth(c))...)
}

func oneHotKernel(k *KernelCtx) (Kernel, error) {
	attr := k.IntOr("axis", -1)
	return Kernel{Run: func(c *Call) error {
		index, values := c.In[0], c.In[2]
		depth, err := oneHotLength(c.In[1])
		if err != nil || values.Len() != 2 {
			return fmt.Errorf("ops: input 1 (depth) has shape %v, input 2 (values) %v, want one length and two values", c.In[1].Shape(), values.Shape())
		}
		axis, err := mvAxis(attr, index.Rank()+1)
		if err != nil {
			return err
		}
		n := int(depth)
		var buf mvDims
		dims := append(append(append(buf[:0], index.Shape()[:axis]...), n), index.Shape()[axis:]...)
		y, err := mvOut(c, 0, values.DType(), dims)
		if err != nil {
			return err
		}
		oneHotFill(y, values, index, n, mvLen(dims[axis+1:]))
		return nil
	}}, nil
}

// oneHotLength returns the depth, a number of any type.
func oneHotLength(t *tensor.Tensor) (int64, error) {
	if list := integers(t); len(list) == 1 {
		if list[0] >= 0 && list[0] < 1<<40 {
			return list[0], nil
		}
	} else if v := tensor.Float64s(t, 2); len(v) == 1 && v[0] >= 0 && v[0] < 1<<40 {
		return int64(v[0]), nil
	}
	return 0, fmt.Errorf("ops: not a length")
}

// oneHotFill writes values[1] where the index names the position along an axis of length n, values[0] elsewhere.
func oneHotFill(y, values, index *tensor.Tensor, n, inner int) {
	to, v := mvDataOf(y), mvDataOf(values)
	w := to.width
	if to.s != nil {
		for i := range to.s {
			to.s[i] = v.s[0]
		}
	} else {
		move.Fill(to.b, v.b[:w])
	}
	ints := integers(index)
	var floats []float64
	if ints == nil {
		floats = tensor.Float64s(index, index.Len())
	}
	for i := range index.Len() {
		var at int64
		if ints != nil {
			at = ints[i]
		} else {
			at = int64(floats[i])
		}
		if at < 0 {
			at += int64(n)
		}
		if at < 0 || at >= int64(n) {
			continue
		}
		p := (i/inner*n+int(at))*inner + i%inner
		if to.s != nil {
			to.s[p] = v.s[1]
		} else {
			copy(to.b[p*w:(p+1)*w], v.b[w:])
		}
	}
}

// oneHotGrad sums dy where the value for off is, and where that for on is.
func oneHotGrad(c GradCtx) error {
	g := grads{c}
	dy := g.Dy(0)
	if dy == 0 || !g.Wants(2) {
		return nil
	}
	values, err := tensor.FromFloat64s(tensor.Int32, tensor.Shape{2}, []float64{0, 1})
	if err != nil {
		return err
	}
	hot := g.with("OneHot", map[string]any{"axis": g.Attrs().IntOr("axis", -1)}, g.In(0), g.In(1), g.Const(values))
	on := g.op("Equal", hot, g.num(hot, 1))
	sum := func(v Ref) Ref {
		return g.op("Reshape", g.with("ReduceSum", map[string]any{"keepdims": 0}, v), g.ints(1))
	}
	g.SetGrad(2, g.with("Concat", map[string]any{"axis": 0}, sum(g.keep(g.op("Not", on), dy)), sum(g.keep(on, dy))))
	return nil
}
