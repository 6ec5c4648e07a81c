package ops

import (
	"fmt"
	"unsafe"

	"github.com/onnxrun/onnxrun/internal/kernel/reduce"
	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/tensor"
)

// maxReduceRank bounds the rank that reductions take, so that they mark axes without allocating.
const maxReduceRank = 32

// reduceMarks says which axes of a tensor are reduced.
type reduceMarks [maxReduceRank]bool

// set marks the given axes of a tensor of the given rank; no axes are all axes, or none if noop is set.
func (m *reduceMarks) set(axes []int64, rank int, noop bool) error {
	if rank > maxReduceRank {
		return Unsupported("reduction of %d axes", rank)
	}
	clear(m[:])
	if len(axes) == 0 {
		for i := range rank {
			m[i] = !noop
		}
		return nil
	}
	for _, a := range axes {
		if rank == 0 && (a == 0 || a == -1) {
			continue
		}
		if a < int64(-rank) || a >= int64(rank) {
			return fmt.Errorf("ops: axis is %d, want one of %d axes", a, rank)
		}
		if a < 0 {
			a += int64(rank)
		}
		m[a] = true
	}
	return nil
}

// reduceInfer infers the reductions: the axes are an attribute or, in later versions, an input.
func reduceInfer(c *InferCtx) error {
	x := c.Type(0)
	keep := c.IntOr("keepdims", 1) != 0
	axes, known := c.IntList("axes"), true
	if c.Has(1) {
		axes, known = c.Ints(1)
	}
	if !x.Ranked {
		c.SetType(0, Unranked(x.DType))
		return nil
	}
	if !known {
		c.SetType(0, reduceUnknown(c, x, keep))
		return nil
	}
	var m reduceMarks
	if err := m.set(axes, len(x.Dims), c.Bool("noop_with_empty_axes")); err != nil {
		return err
	}
	c.Set(0, x.DType, reduceDims(x.Dims, &m, keep)...)
	return nil
}

func reduceDims(in []Dim, m *reduceMarks, keep bool) []Dim {
	out := make([]Dim, 0, len(in))
	for i, d := range in {
		switch {
		case !m[i]:
			out = append(out, d)
		case keep:
			out = append(out, sym.Const(1))
		}
	}
	return out
}

// reduceUnknown is the type of a result whose axes only running tells.
func reduceUnknown(c *InferCtx, x Type, keep bool) Type {
	if keep {
		return TensorType(x.DType, c.FreshDims(len(x.Dims))...)
	}
	return Unranked(x.DType)
}

// reduceElemsInfer is reduceInfer for a reduction that joins the known elements of a list of sizes.
func reduceElemsInfer(join func(a, b Dim) Dim) func(*InferCtx) error {
	return func(c *InferCtx) error {
		if err := reduceInfer(c); err != nil {
			return err
		}
		e, ok := c.Exprs(0)
		if !ok || len(e) == 0 || c.Type(0).Rank() != 1 || c.Out[0].Rank() > 1 || c.Type(0).DType == tensor.Int32 {
			return nil
		}
		if n, ok := c.Out[0].Static(); !ok || n.Len() != 1 {
			return nil
		}
		if c.Bool("noop_with_empty_axes") && len(e) != 1 {
			if axes, ok := c.Ints(1); !ok || len(axes) == 0 {
				return nil
			}
		}
		v := e[0]
		for _, x := range e[1:] {
			v = join(v, x)
		}
		if v.Err() == nil {
			c.SetElems(0, []Dim{v})
		}
		return nil
	}
}

// reducible are the types of elements that reductions take.
type reducible interface {
	float32 | float64 | int8 | uint8 | int32 | int64 | uint32 | uint64
}

// reduction is a bound reduction of elements of type T.
type reduction[T reducible] struct {
	op    reduce.Op
	axes  []int64
	input bool // the axes are input 1
	noop  bool
	empty T // what no elements give, if fix is set
	fix   bool
}

// reduceOf returns the kernel function of one reduction.
func reduceOf(op reduce.Op) func(*KernelCtx) (Kernel, error) {
	return widened(func(k *KernelCtx) (Kernel, error) {
		switch k.DType(0) {
		case tensor.Float32:
			return bindReduction[float32](k, op), nil
		case tensor.Float64:
			return bindReduction[float64](k, op), nil
		case tensor.Int8:
			return bindReduction[int8](k, op), nil
		case tensor.Uint8, tensor.Bool:
			return bindReduction[uint8](k, op), nil
		case tensor.Int32:
			return bindReduction[int32](k, op), nil
		case tensor.Int64:
			return bindReduction[int64](k, op), nil
		case tensor.Uint32:
			return bindReduction[uint32](k, op), nil
		case tensor.Uint64:
			return bindReduction[uint64](k, op), nil
		}
		return Kernel{}, Unsupported("element type %v", k.DType(0))
	})
}

func bindReduction[T reducible](k *KernelCtx, op reduce.Op) Kernel {
	r := &reduction[T]{op: op, axes: k.IntList("axes"), input: k.Has(1), noop: k.Bool("noop_with_empty_axes")}
	if r.input && k.Const(1) != nil {
		r.axes, _ = k.In[1].Ints()
		r.input = false
	}
	if k.DType(0) == tensor.Bool && op == reduce.Min {
		r.fix, r.empty = true, 1
	}
	return Kernel{Run: r.run, Scratch: r.scratch}
}

// marks finds the axes of a call.
func (r *reduction[T]) marks(c *Call, m *reduceMarks) error {
	axes := r.axes
	if r.input {
		axes = tensor.Of[int64](c.In[1])
	}
	return m.set(axes, c.In[0].Rank(), r.noop)
}

// scratch returns the room for the passes. Axes that are not known yet may ask for as much as the input.
func (r *reduction[T]) scratch(c *Call) int {
	var m reduceMarks
	var zero T
	size := int(unsafe.Sizeof(zero))
	if r.input && len(c.In[1].Bytes()) == 0 {
		return size * c.In[0].Len()
	}
	if r.marks(c, &m) != nil {
		return 0
	}
	return size * reduce.ScratchLen(c.In[0].Shape(), m[:])
}

func (r *reduction[T]) run(c *Call) error {
	var m reduceMarks
	if err := r.marks(c, &m); err != nil {
		return err
	}
	shape := c.In[0].Shape()
	want := 1
	for i, d := range shape {
		if !m[i] {
			want *= d
		}
	}
	y := tensor.Raw[T](c.Out[0])
	if len(y) != want {
		return fmt.Errorf("ops: output has shape %v, want %d elements", c.Out[0].Shape(), want)
	}
	if r.fix && c.In[0].Len() == 0 {
		vec.Fill(y, r.empty)
		return nil
	}
	need := reduce.ScratchLen(shape, m[:])
	reduce.Axes(r.op, y, tensor.Raw[T](c.In[0]), shape, m[:], scratchOf[T](c.Scratch, need), c.Threads)
	return nil
}

func sumDims(a, b Dim) Dim  { return a.Add(b) }
func prodDims(a, b Dim) Dim { return a.Mul(b) }
func maxDims(a, b Dim) Dim  { return a.Max(b) }
func minDims(a, b Dim) Dim  { return a.Min(b) }
