package ops

import (
	"fmt"
	"math"

	"github.com/onnxrun/onnxrun/internal/kernel/window"
	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/tensor"
)

// windowAttrs reads the attributes of a sliding window.
func windowAttrs(a Attrs) (window.Attrs, error) {
	auto, err := window.ParseAutoPad(a.Str("auto_pad"))
	return window.Attrs{
		AutoPad:   auto,
		Kernel:    ints(a.IntList("kernel_shape")),
		Strides:   ints(a.IntList("strides")),
		Dilations: ints(a.IntList("dilations")),
		Pads:      ints(a.IntList("pads")),
		Ceil:      a.Bool("ceil_mode"),
	}, err
}

func ints(v []int64) []int {
	out := make([]int, len(v))
	for i, x := range v {
		out[i] = int(x)
	}
	return out
}

// windowDims infers the output lengths of a window over the spatial dimensions in. The attributes must have passed Check.
func windowDims(a *window.Attrs, in []Dim) ([]Dim, error) {
	out := make([]Dim, len(in))
	for i, d := range in {
		if v, ok := d.Const(); ok {
			x, err := a.Axis(i, int(v))
			if err != nil {
				return nil, err
			}
			out[i] = sym.Const(int64(x.Out))
			continue
		}
		out[i] = windowDim(a, i, d)
	}
	return out, nil
}

// windowDim is window.Attrs.Axis for a length that is not known yet.
func windowDim(a *window.Attrs, i int, in Dim) Dim {
	x, err := a.Axis(i, math.MaxInt/4) // its padding does not depend on the length, unless it is automatic
	if err != nil {
		return sym.Const(0)
	}
	s := sym.Const(int64(x.Stride))
	if a.AutoPad == window.SameUpper || a.AutoPad == window.SameLower {
		return in.CeilDiv(s)
	}
	one := sym.Const(1)
	span := in.Add(sym.Const(int64(x.Lo + x.Hi - x.Extent())))
	if a.Ceil {
		return span.CeilDiv(s).Add(one).Min(in.Add(sym.Const(int64(x.Lo))).CeilDiv(s))
	}
	return span.Div(s).Add(one)
}

// spatialRank checks that t has a batch, a channel and at least one spatial axis.
func spatialRank(t Type, what string) (int, error) {
	if len(t.Dims) < 3 {
		return 0, fmt.Errorf("ops: %s has shape %v, want at least 3 axes", what, t)
	}
	return len(t.Dims) - 2, nil
}

// poolWindow infers an operator whose window slides over its first input; outputs have the shape of the first.
func poolWindow(c *InferCtx) error {
	x := c.Type(0)
	if !x.Ranked {
		c.SetType(0, Unranked(x.DType))
		c.SetType(1, Unranked(tensor.Int64))
		return nil
	}
	rank, err := spatialRank(x, "input")
	if err != nil {
		return err
	}
	a, err := windowAttrs(c.Attrs)
	if err != nil {
		return err
	}
	if err := a.Check(rank); err != nil {
		return err
	}
	out, err := windowDims(&a, x.Dims[2:])
	if err != nil {
		return err
	}
	dims := append([]Dim{x.Dims[0], x.Dims[1]}, out...)
	c.Set(0, x.DType, dims...)
	c.Set(1, tensor.Int64, dims...)
	return nil
}

// globalPool infers a pool over whole planes.
func globalPool(c *InferCtx) error {
	x := c.Type(0)
	if !x.Ranked {
		c.SetType(0, Unranked(x.DType))
		return nil
	}
	if len(x.Dims) < 2 {
		return fmt.Errorf("ops: input has shape %v, want at least 2 axes", x)
	}
	dims := []Dim{x.Dims[0], x.Dims[1]}
	for range len(x.Dims) - 2 {
		dims = append(dims, sym.Const(1))
	}
	c.Set(0, x.DType, dims...)
	return nil
}
