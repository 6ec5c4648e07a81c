package ops

import (
	"fmt"
	"slices"

	"github.com/onnxrun/onnxrun/internal/kernel/move"
	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/tensor"
	codes "github.com/onnxrun/onnxrun/tensor/num"
)

// mvMaxRank bounds the rank of tensors whose rank an input chooses.
const mvMaxRank = 64

// mvDims is the room for a shape that usually lives on the stack; append to its first zero elements.
type mvDims = [8]int

// mvAxis resolves an axis that may count from the end.
func mvAxis(axis, rank int) (int, error) {
	if axis < -rank || axis >= rank {
		return 0, fmt.Errorf("ops: axis %d is not in a tensor of rank %d", axis, rank)
	}
	if axis < 0 {
		axis += rank
	}
	return axis, nil
}

// mvAxisSet marks the listed axes, each of which may be named once.
func mvAxisSet(axes []int64, rank int) ([]bool, error) {
	set := make([]bool, rank)
	for _, v := range axes {
		a, err := mvAxis(int(v), rank)
		if err != nil {
			return nil, err
		}
		if set[a] {
			return nil, fmt.Errorf("ops: axis %d is named twice in %v", a, axes)
		}
		set[a] = true
	}
	return set, nil
}

// mvConst is the constant dimension n.
func mvConst(n int) Dim { return sym.Const(int64(n)) }

// mvProduct multiplies dimensions.
func mvProduct(dims []Dim) Dim {
	p := sym.Const(1)
	for _, d := range dims {
		p = p.Mul(d)
	}
	return p
}

// mvLen multiplies lengths.
func mvLen(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}

// mvSet makes output i a tensor of the given dimensions; expressions that could not be formed become new symbols.
func mvSet(c *InferCtx, i int, d tensor.DType, dims ...Dim) error {
	for k, e := range dims {
		if e.Err() != nil {
			dims[k] = c.Fresh()
		}
		if v, ok := dims[k].Const(); ok && v < 0 {
			return fmt.Errorf("ops: output %d has a negative dimension %d", i, v)
		}
	}
	c.Set(i, d, dims...)
	return nil
}

// mvSetElems tells the elements of output i if all of them could be formed, they are few, and they fit its rank.
func mvSetElems(c *InferCtx, i int, e []Dim) {
	if i >= len(c.Out) || len(c.Out[i].Dims) > 1 || !c.Out[i].Ranked || len(e) > maxElems {
		return
	}
	if d := c.Out[i].DType; d != tensor.Int64 && d != tensor.Int32 {
		return
	}
	if slices.ContainsFunc(e, func(x Dim) bool { return x.Err() != nil }) {
		return
	}
	c.SetElems(i, e)
}

// mvElems returns the elements of input i, an integer tensor of rank 0 or 1, if they are known.
func mvElems(c *InferCtx, i int) ([]Dim, bool) {
	if t := c.Type(i); !t.Ranked || len(t.Dims) > 1 {
		return nil, false
	}
	return c.Exprs(i)
}

// mvSame returns the dimension of two that must be equal, the better known one.
func mvSame(a, b Dim) (Dim, error) {
	x, okA := a.Const()
	y, okB := b.Const()
	if okA && okB && x != y {
		return a, fmt.Errorf("ops: dimensions %d and %d differ", x, y)
	}
	if okB {
		return b, nil
	}
	return a, nil
}

// mvListLen returns the length of input i if it is a list of known length.
func mvListLen(c *InferCtx, i int) (int, bool) {
	t := c.Type(i)
	if !t.Ranked || len(t.Dims) != 1 {
		return 0, false
	}
	n, ok := t.Dims[0].Const()
	return int(n), ok && n <= mvMaxRank
}

// mvIsList rejects an input of more or fewer than one dimension.
func mvIsList(c *InferCtx, i int, name string) error {
	if t := c.Type(i); t.Ranked && len(t.Dims) != 1 {
		return fmt.Errorf("ops: input %d (%s) has shape %v, want a list", i, name, t)
	}
	return nil
}

// mvOut returns output i with the given shape, allocating it where the storage in the call does not fit.
func mvOut(c *Call, i int, d tensor.DType, dims []int) (*tensor.Tensor, error) {
	t := c.Out[i]
	if d != tensor.String && t.Kind() == tensor.KindTensor && t.DType() == d && t.Shape().Equal(dims) && len(t.Bytes()) == d.ByteLen(mvLen(dims)) {
		return t, nil
	}
	return c.Alloc(i, d, slices.Clone(dims)...)
}

// mvData is the elements of a tensor as things to move: strings, or bytes of a fixed width.
type mvData struct {
	b     []byte
	s     []string
	width int
}

// mvDataOf returns the elements of t. Packed ones are unpacked to a byte each: see mvRepack.
func mvDataOf(t *tensor.Tensor) mvData {
	switch d := t.DType(); {
	case d == tensor.String:
		return mvData{s: t.Strings(), width: 1}
	case packed.Has(d):
		b := make([]byte, t.Len())
		codes.Unpack(b, t.Bytes(), d.Bits())
		return mvData{b: b, width: 1}
	default:
		return mvData{b: t.Bytes(), width: d.Size()}
	}
}

// mvRepack writes elements unpacked by mvDataOf back to t; for types of whole bytes they are there already.
func mvRepack(t *tensor.Tensor, m mvData) {
	if packed.Has(t.DType()) {
		codes.Pack(t.Bytes(), m.b, t.DType().Bits())
	}
}

// mvStrided copies a box of elements.
func mvStrided(dst, src mvData, c move.Copy, threads int) {
	if src.s != nil || dst.s != nil {
		move.StridedOf(dst.s, src.s, c)
		return
	}
	c.Width = src.width
	move.Strided(dst.b, src.b, c, threads)
}

// mvCopy copies all elements of src to dst, which has as many, on up to threads threads.
func mvCopy(dst, src *tensor.Tensor, threads int) {
	if src.DType() == tensor.String {
		copy(dst.Strings(), src.Strings())
		return
	}
	to, from := dst.Bytes(), src.Bytes()
	dims, step := [1]int{len(from)}, [1]int{1}
	move.Strided(to, from, move.Copy{Dims: dims[:], DstStride: step[:], SrcStride: step[:], Width: 1}, threads)
}

// mvStrides appends the row-major strides of shape to buf.
func mvStrides(buf []int, shape []int) []int {
	n := len(shape)
	buf = append(buf, shape...)
	s := 1
	for i := n - 1; i >= 0; i-- {
		buf[i] = s
		s *= shape[i]
	}
	return buf
}

// mvIndexError reports an index out of range.
func mvIndexError(i int64, n int) error {
	return fmt.Errorf("ops: index %d is out of range for an axis of length %d", i, n)
}

// mvNumber is the set of Go types of elements with arithmetic.
type mvNumber interface {
	float32 | float64 | int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64
}
