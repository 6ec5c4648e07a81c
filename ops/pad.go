package ops

import (
	"fmt"
	"slices"

	"github.com/onnxrun/onnxrun/internal/kernel/move"
	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/tensor"
)

// padAttr returns the paddings that are an attribute: paddings in version 1, pads in version 2.
func padAttr(a Attrs) ([]int64, bool) {
	if a.HasAttr("paddings") {
		return a.IntList("paddings"), true
	}
	return a.IntList("pads"), a.HasAttr("pads")
}

func padInfer(c *InferCtx) error {
	x := c.Type(0)
	if !x.Ranked {
		c.SetType(0, x)
		return nil
	}
	var pads []Dim
	known := true
	if list, ok := padAttr(c.Attrs); ok {
		for _, v := range list {
			pads = append(pads, sym.Const(v))
		}
	} else {
		pads, known = c.Exprs(1)
	}
	axes, err := padAxes(c, len(x.Dims))
	if err != nil {
		return err
	}
	if !known || axes == nil {
		c.Set(0, x.DType, c.FreshDims(len(x.Dims))...)
		return nil
	}
	if len(pads) != 2*len(axes) {
		return fmt.Errorf("ops: %d pads for %d axes", len(pads), len(axes))
	}
	out := slices.Clone(x.Dims)
	for i, a := range axes {
		out[a] = out[a].Add(pads[i]).Add(pads[len(axes)+i])
	}
	return mvSet(c, 0, x.DType, out...)
}

// padAxes returns the axes that pads are about; nil if they are not known.
func padAxes(c *InferCtx, rank int) ([]int, error) {
	if !c.Has(3) {
		return padAxisList(make([]int, 0, rank), nil, rank)
	}
	list, ok := c.Ints(3)
	if !ok {
		return nil, nil
	}
	if _, err := mvAxisSet(list, rank); err != nil {
		return nil, err
	}
	return padAxisList([]int{}, list, rank)
}

// padAxisList appends the resolved axes to buf; a nil list names all.
func padAxisList(buf []int, list []int64, rank int) ([]int, error) {
	if list == nil {
		for i := range rank {
			buf = append(buf, i)
		}
		return buf, nil
	}
	for _, v := range list {
		a, err := mvAxis(int(v), rank)
		if err != nil {
			return nil, err
		}
		buf = append(buf, a)
	}
	return buf, nil
}

// padGeom is where the input lies in the output: along each axis, how much is added before and behind, and cut off.
type padGeom struct {
	in, out, begin []int // lengths, and the position of the input's first element in the output, maybe negative
}

func padKernel(k *KernelCtx) (Kernel, error) {
	list, given := padAttr(k.Attrs)
	mode := k.Str("mode")
	if mode != "" && mode != "constant" && mode != "reflect" && mode != "edge" && mode != "wrap" {
		return Kernel{}, Unsupported("Pad with mode %q", mode)
	}
	fill, err := padFill(k)
	if err != nil {
		return Kernel{}, err
	}
	return Kernel{Run: func(c *Call) error {
		x := c.In[0]
		pads := list
		if !given {
			pads = integers(c.In[1])
		}
		var named []int64
		if len(c.In) > 3 && c.In[3] != nil {
			named = integers(c.In[3])
		}
		s := x.Shape()
		var ab, ob, bb mvDims
		axes, err := padAxisList(ab[:0], named, len(s))
		if err != nil {
			return err
		}
		if len(pads) != 2*len(axes) {
			return fmt.Errorf("ops: %d pads for %d axes", len(pads), len(axes))
		}
		g := padGeom{in: s, out: append(ob[:0], s...), begin: append(bb[:0], s...)}
		clear(g.begin)
		for i, a := range axes {
			g.begin[a] = int(pads[i])
			g.out[a] += int(pads[i]) + int(pads[len(axes)+i])
			if g.out[a] < 0 {
				return fmt.Errorf("ops: pads %v cut more than there is from an input of shape %v", pads, s)
			}
		}
		y, err := mvOut(c, 0, x.DType(), g.out)
		if err != nil || y.Len() == 0 {
			return err
		}
		return padRun(c, y, x, &g, mode, fill)
	}}, nil
}

// padFill returns the value of the attribute of versions 1 and 2, or zero, as a tensor of one element.
func padFill(k *KernelCtx) (*tensor.Tensor, error) {
	d := k.DType(0)
	if k.HasAttr("value") {
		return tensor.FromFloat64s(d, tensor.Shape{1}, []float64{float64(k.Float("value"))})
	}
	return tensor.New(d, 1), nil
}

func padRun(c *Call, y, x *tensor.Tensor, g *padGeom, mode string, fill *tensor.Tensor) error {
	constant := mode == "" || mode == "constant"
	if constant {
		if len(c.In) > 2 && c.In[2] != nil {
			if fill = c.In[2]; fill.Len() != 1 || fill.DType() != x.DType() {
				return fmt.Errorf("ops: input 2 (constant_value) has shape %v and type %v, want one %v", fill.Shape(), fill.DType(), x.DType())
			}
		}
		if y.DType() == tensor.String || packed.Has(y.DType()) {
			fillTensor(y, fill)
		}
	}
	to, from := mvDataOf(y), mvDataOf(x)
	var db, sb, tb mvDims
	dims, src, dst := append(db[:0], g.in...), mvStrides(sb[:0], g.in), mvStrides(tb[:0], g.out)
	srcOff, dstOff, empty := 0, 0, false
	for i := range dims {
		lo, hi := g.inner(i)
		dims[i] = hi - lo
		dstOff += lo * dst[i]
		srcOff += (lo - g.begin[i]) * src[i]
		empty = empty || hi <= lo
	}
	if empty && !constant {
		return fmt.Errorf("ops: an input of shape %v has nothing to pad with in mode %q", x.Shape(), mode)
	}
	box := move.Copy{Dims: dims, DstStride: dst, SrcStride: src, DstOff: dstOff, SrcOff: srcOff, Width: to.width}
	switch {
	case constant && y.DType() != tensor.String && !packed.Has(y.DType()):
		move.Inset(to.b, from.b, box, fill.Bytes(), c.Threads)
	case !empty:
		mvStrided(to, from, box, c.Threads)
	}
	for axis := len(dims) - 1; axis >= 0 && !constant; axis-- {
		padAxis(to, g, dims, dst, axis, mode)
	}
	mvRepack(y, to)
	return nil
}

// inner returns the part of an axis of the output that holds the input's own elements.
func (g *padGeom) inner(axis int) (lo, hi int) {
	return max(g.begin[axis], 0), min(g.begin[axis]+g.in[axis], g.out[axis])
}

// padAxis fills the padding along one axis from the output's own elements. The axes behind it are complete, those
// before it have only their inner part, of length dims.
func padAxis(to mvData, g *padGeom, dims, strides []int, axis int, mode string) {
	lo, hi := g.inner(axis)
	off := 0
	for i := range axis {
		first, _ := g.inner(i)
		off += first * strides[i]
	}
	var buf mvDims
	box := append(buf[:0], dims...)
	copy(box[axis+1:], g.out[axis+1:])
	box[axis] = 1
	for p := range g.out[axis] {
		if p >= lo && p < hi {
			continue
		}
		from := lo + padSource(p-lo, hi-lo, mode)
		mvStrided(to, to, move.Copy{Dims: box, DstStride: strides, SrcStride: strides, DstOff: off + p*strides[axis], SrcOff: off + from*strides[axis]}, 1)
	}
}

// padSource returns which of n elements stands at position p, outside of [0, n).
func padSource(p, n int, mode string) int {
	switch {
	case mode == "edge":
		return min(max(p, 0), n-1)
	case mode == "wrap":
		return ((p % n) + n) % n
	case n == 1:
		return 0
	}
	period := 2 * (n - 1)
	p = ((p % period) + period) % period
	return min(p, period-p)
}

// padGrad cuts the padding off: a Pad by the negative numbers. In the other modes than constant the padding
// repeats elements, axis by axis; its gradient is added to theirs.
func padGrad(c GradCtx) error {
	g := grads{c}
	dy := g.Dy(0)
	if dy == 0 {
		return nil
	}
	pads := g.In(1)
	if list, given := padAttr(g.Attrs()); given {
		pads = g.ints(list...)
	}
	axes := g.In(3)
	if mode := g.Attrs().Str("mode"); mode != "" && mode != "constant" {
		return foldPads(g, pads, axes, mode)
	}
	inner := g.op("Pad", dy, g.neg(pads), 0, axes)
	g.SetGrad(0, inner)
	g.set(2, func() Ref {
		all := map[string]any{"keepdims": 0}
		return g.like(g.sub(g.with("ReduceSum", all, dy), g.with("ReduceSum", all, inner)), g.In(2))
	})
	return nil
}

// foldPads pads the positions along each axis as the values were padded, and adds the gradients at equal
// positions.
func foldPads(g grads, pads, axes Ref, mode string) error {
	x, dx := g.In(0), g.Dy(0)
	rank, err := g.rank(x)
	if err != nil || !g.Wants(0) {
		return err
	}
	var named []int64
	if axes != 0 {
		var ok bool
		if named, ok = g.Of(axes).Ints(); !ok {
			return Unsupported("no gradient of Pad with axes that are not constant")
		}
	}
	list, err := padAxisList(nil, named, rank)
	if err != nil {
		return err
	}
	for i, axis := range list {
		length := g.extent(x, axis)
		at := g.op("Range", g.Const(tensor.Scalar(int64(0))), g.op("Squeeze", length), g.Const(tensor.Scalar(int64(1))))
		both := g.op("Gather", pads, g.ints(int64(i), int64(len(list)+i)))
		at = g.with("Pad", map[string]any{"mode": mode}, at, both)
		shape := g.shape(dx)
		shape = g.op("ScatterElements", shape, g.ints(int64(axis)), length)
		dx = g.own("GatherGrad", map[string]any{"axis": axis}, dx, at, shape)
	}
	g.SetGrad(0, g.like(dx, x))
	return nil
}
