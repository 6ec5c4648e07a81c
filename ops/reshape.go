package ops

import (
	"fmt"
	"slices"

	"github.com/onnxrun/onnxrun/internal/sym"
)

// reshape1Infer is Reshape before version 5: the target is an attribute.
func reshape1Infer(c *InferCtx) error {
	list := c.IntList("shape")
	want := make([]Dim, len(list))
	for i, v := range list {
		want[i] = sym.Const(v)
	}
	return reshapeTo(c, want)
}

func reshapeInfer(c *InferCtx) error {
	if err := mvIsList(c, 1, "shape"); err != nil {
		return err
	}
	if want, ok := c.Exprs(1); ok {
		return reshapeTo(c, want)
	}
	x := c.Type(0)
	n, ok := mvListLen(c, 1)
	switch {
	case !ok:
		c.SetType(0, Unranked(x.DType))
	case n == 1 && x.Ranked:
		if err := mvSet(c, 0, x.DType, mvProduct(x.Dims)); err != nil {
			return err
		}
		viewElems(c)
	default:
		c.Set(0, x.DType, c.FreshDims(n)...)
	}
	return nil
}

// reshapeTo infers a reshape to the target want: 0 keeps a dimension unless allowzero is set, -1 is what remains.
func reshapeTo(c *InferCtx, want []Dim) error {
	x := c.Type(0)
	keepZero := c.Bool("allowzero")
	if len(want) > mvMaxRank {
		return fmt.Errorf("ops: input 1 (shape) asks for %d dimensions, want at most %d", len(want), mvMaxRank)
	}
	out := make([]Dim, len(want))
	total, rest := sym.Const(1), sym.Const(1) // of the dimensions of input and output that are not kept
	kept := make([]bool, len(x.Dims))
	hole := -1
	for i, e := range want {
		v, isConst := e.Const()
		switch {
		case isConst && v == 0 && !keepZero:
			if x.Ranked && i >= len(x.Dims) {
				return fmt.Errorf("ops: input 1 (shape) %v keeps dimension %d of an input of rank %d", want, i, len(x.Dims))
			}
			if out[i] = c.Fresh(); x.Ranked {
				out[i], kept[i] = x.Dims[i], true
			}
		case isConst && v == -1:
			if hole >= 0 {
				return fmt.Errorf("ops: input 1 (shape) %v has more than one -1", want)
			}
			hole = i
		case isConst && v < 0:
			return fmt.Errorf("ops: input 1 (shape) %v has a negative dimension", want)
		default:
			out[i] = e
			rest = rest.Mul(e)
		}
	}
	for i, d := range x.Dims {
		if !kept[i] {
			total = total.Mul(d)
		}
	}
	if !x.Ranked {
		if hole >= 0 {
			out[hole] = c.Fresh()
		}
		return mvSet(c, 0, x.DType, out...)
	}
	if err := reshapeFill(c, out, hole, total, rest); err != nil {
		return fmt.Errorf("ops: input 0 has shape %v, input 1 (shape) is %v: %w", x, want, err)
	}
	if err := mvSet(c, 0, x.DType, out...); err != nil {
		return err
	}
	viewElems(c)
	return nil
}

// reshapeFill checks the number of elements and computes the dimension at hole, if there is one.
func reshapeFill(c *InferCtx, out []Dim, hole int, total, rest Dim) error {
	n, okN := total.Const()
	m, okM := rest.Const()
	if hole < 0 {
		if okN && okM && n != m {
			return fmt.Errorf("%d elements do not fit in %d", n, m)
		}
		return nil
	}
	switch {
	case okM && m == 0:
		if okN && n != 0 {
			return fmt.Errorf("%d elements do not fit in none", n)
		}
		return fmt.Errorf("-1 beside a dimension of 0 could be anything")
	case okN && okM && n%m != 0:
		return fmt.Errorf("%d elements are not a multiple of %d", n, m)
	case total.Equal(rest):
		out[hole] = sym.Const(1)
	default:
		out[hole] = total.Div(rest)
	}
	return nil
}

// viewElems passes known integer elements on to an output of the same elements in the same order.
func viewElems(c *InferCtx) {
	if c.Out[0].Rank() > 1 {
		return
	}
	if e, ok := c.Exprs(0); ok {
		mvSetElems(c, 0, e)
	}
}

func flattenInfer(c *InferCtx) error {
	x := c.Type(0)
	if !x.Ranked {
		c.Set(0, x.DType, c.FreshDims(2)...)
		return nil
	}
	axis := c.IntOr("axis", 1)
	if axis < 0 {
		axis += len(x.Dims)
	}
	if axis < 0 || axis > len(x.Dims) {
		return fmt.Errorf("ops: axis %d is not in an input of shape %v", c.IntOr("axis", 1), x)
	}
	return mvSet(c, 0, x.DType, mvProduct(x.Dims[:axis]), mvProduct(x.Dims[axis:]))
}

// squeezeAxes returns the axes of Squeeze and Unsqueeze: an attribute before version 13, then an input. given tells
// whether there are any, known whether the list is complete.
func squeezeAxes(c *InferCtx) (axes []int64, given, known bool) {
	if c.HasAttr("axes") {
		return c.IntList("axes"), true, true
	}
	if !c.Has(1) {
		return nil, false, true
	}
	axes, known = c.Ints(1)
	return axes, !known || len(axes) > 0, known // ONNX Runtime takes an empty list for none given
}

func squeezeInfer(c *InferCtx) error {
	x := c.Type(0)
	axes, given, known := squeezeAxes(c)
	n, counted := mvListLen(c, 1)
	switch {
	case !x.Ranked || !known && !counted:
		c.SetType(0, Unranked(x.DType))
		return nil
	case !known:
		if n > len(x.Dims) {
			return fmt.Errorf("ops: input 1 (axes) names %d axes of an input of shape %v", n, x)
		}
		c.Set(0, x.DType, c.FreshDims(len(x.Dims)-n)...)
		return nil
	}
	drop := make([]bool, len(x.Dims))
	if given {
		var err error
		if drop, err = mvAxisSet(axes, len(x.Dims)); err != nil {
			return err
		}
	}
	out := []Dim{}
	for i, d := range x.Dims {
		v, ok := d.Const()
		switch {
		case given && drop[i] && ok && v != 1:
			return fmt.Errorf("ops: input 0 has shape %v: axis %d has length %d, want 1", x, i, v)
		case !given && !ok:
			c.SetType(0, Unranked(x.DType)) // only running can tell whether this one is dropped
			return nil
		case drop[i] || !given && v == 1:
		default:
			out = append(out, d)
		}
	}
	if err := mvSet(c, 0, x.DType, out...); err != nil {
		return err
	}
	viewElems(c)
	return nil
}

func unsqueezeInfer(c *InferCtx) error {
	x := c.Type(0)
	axes, _, known := squeezeAxes(c)
	n, counted := mvListLen(c, 1)
	switch {
	case !x.Ranked || !known && !counted:
		c.SetType(0, Unranked(x.DType))
		return nil
	case !known:
		c.Set(0, x.DType, c.FreshDims(len(x.Dims)+n)...)
		return nil
	case len(x.Dims)+len(axes) > mvMaxRank:
		return fmt.Errorf("ops: %d axes are added to an input of rank %d, want a rank of at most %d", len(axes), len(x.Dims), mvMaxRank)
	}
	added, err := mvAxisSet(axes, len(x.Dims)+len(axes))
	if err != nil {
		return err
	}
	out := make([]Dim, len(added))
	from := slices.Clone(x.Dims)
	for i := range out {
		if out[i] = sym.Const(1); !added[i] {
			out[i], from = from[0], from[1:]
		}
	}
	if err := mvSet(c, 0, x.DType, out...); err != nil {
		return err
	}
	viewElems(c)
	return nil
}

func identityInfer(c *InferCtx) error {
	c.SetType(0, c.Type(0))
	if c.Type(0).Rank() >= 0 {
		viewElems(c)
	}
	return nil
}
