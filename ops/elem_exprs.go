package ops

import (
	"math"

	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/tensor"
)

// Shape arithmetic: where the elements of small integer tensors are known as expressions, the elements
// of sums, quotients and comparisons of them are too. Truth values count as 0 and 1.

// maxFollowed bounds the length of results that are followed as expressions.
const maxFollowed = maxElems

// followed returns the elements of input i, a vector or scalar of integers or truth values, if known.
func followed(c *InferCtx, i int) ([]Dim, bool) {
	t := c.Type(i)
	if !t.Ranked || t.Rank() > 1 || t.Kind != tensor.KindTensor {
		return nil, false
	}
	switch t.DType {
	case tensor.Int64, tensor.Int32:
		return c.Exprs(i)
	case tensor.Bool:
		v := c.In[i].Const
		if v == nil {
			return c.In[i].Elems, c.In[i].Elems != nil
		}
		if v.Len() > maxFollowed {
			return nil, false
		}
		out := make([]Dim, v.Len())
		for j, b := range tensor.Of[bool](v) {
			if b {
				out[j] = sym.Const(1)
			}
		}
		return out, true
	}
	return nil, false
}

// follow sets the elements of output 0 to op of the elements of the first n inputs, if all are known and op
// can tell all results.
func follow(c *InferCtx, n int, op func(x []Dim) (Dim, bool)) {
	if len(c.In) < n || len(c.Out) == 0 || c.Out[0].Rank() > 1 {
		return
	}
	in := make([][]Dim, n)
	length := 1
	for i := range in {
		e, ok := followed(c, i)
		if !ok {
			return
		}
		if in[i] = e; len(e) != 1 {
			length = len(e)
		}
	}
	out := make([]Dim, length)
	x := make([]Dim, n)
	for j := range out {
		for i, e := range in {
			switch len(e) {
			case 1:
				x[i] = e[0]
			case length:
				x[i] = e[j]
			default:
				return
			}
		}
		v, ok := op(x)
		if !ok || v.Err() != nil || !holds(c.Out[0].DType, v) {
			return
		}
		out[j] = v
	}
	c.SetElems(0, out)
}

// holds reports whether v, if it is constant, is a value of the integer type d.
func holds(d tensor.DType, v Dim) bool {
	k, ok := v.Const()
	return !ok || d != tensor.Int32 || k >= math.MinInt32 && k <= math.MaxInt32
}

// arithInfer is binaryInfer for an operator that shape arithmetic follows.
func arithInfer(op func(x []Dim) (Dim, bool)) func(*InferCtx) error {
	return func(c *InferCtx) error {
		if err := binaryInfer(c); err != nil {
			return err
		}
		follow(c, 2, op)
		return nil
	}
}

// foldInfer is variadicInfer for an operator that shape arithmetic follows.
func foldInfer(op func(a, b Dim) Dim) func(*InferCtx) error {
	return func(c *InferCtx) error {
		if err := variadicInfer(c); err != nil {
			return err
		}
		follow(c, len(c.In), func(x []Dim) (Dim, bool) {
			v := x[0]
			for _, y := range x[1:] {
				v = op(v, y)
			}
			return v, true
		})
		return nil
	}
}

// compareInfer is predicateInfer for a comparison that shape arithmetic follows. decide tells the result for two
// elements, and whether it is known.
func compareInfer(decide func(a, b Dim) (result, known bool)) func(*InferCtx) error {
	return func(c *InferCtx) error {
		if err := predicateInfer(c); err != nil {
			return err
		}
		follow(c, 2, func(x []Dim) (Dim, bool) {
			yes, ok := decide(x[0], x[1])
			if yes {
				return sym.Const(1), ok
			}
			return sym.Const(0), ok
		})
		return nil
	}
}

func exprAdd(x []Dim) (Dim, bool) { return x[0].Add(x[1]), true }
func exprSub(x []Dim) (Dim, bool) { return x[0].Sub(x[1]), true }
func exprMul(x []Dim) (Dim, bool) { return x[0].Mul(x[1]), true }

// exprDiv is division that truncates; floor division is the same where nothing is negative.
func exprDiv(x []Dim) (Dim, bool) {
	if low, ok := x[1].Lower(); !ok || low < 1 {
		return Dim{}, false
	}
	if x[0].NonNegative() {
		return x[0].Div(x[1]), true
	}
	if _, ok := x[0].Const(); ok {
		return x[0].Neg().Div(x[1]).Neg(), true
	}
	return Dim{}, false
}

// exprMod is the remainder with the sign of the divisor.
func exprMod(x []Dim) (Dim, bool) {
	low, ok := x[1].Lower()
	return x[0].Mod(x[1]), ok && low >= 1
}

// exprEqual decides a == b where the difference is constant or has a known sign.
func exprEqual(a, b Dim) (result, known bool) {
	if a.Equal(b) {
		return true, true
	}
	less, ok := exprLess(a, b)
	if ok && less {
		return false, true
	}
	more, ok := exprLess(b, a)
	return false, ok && more
}

// exprLess decides a < b where the difference has a known sign.
func exprLess(a, b Dim) (result, known bool) {
	if low, ok := b.Sub(a).Lower(); ok && low >= 1 {
		return true, true
	}
	low, ok := a.Sub(b).Lower()
	return false, ok && low >= 0
}

// exprLessEqual decides a <= b.
func exprLessEqual(a, b Dim) (result, known bool) {
	more, ok := exprLess(b, a)
	return !more, ok
}

func exprGreater(a, b Dim) (result, known bool)      { return exprLess(b, a) }
func exprGreaterEqual(a, b Dim) (result, known bool) { return exprLessEqual(b, a) }
