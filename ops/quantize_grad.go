package ops

import "github.com/onnxrun/onnxrun/tensor"

// Quantisation is differentiated straight through: codes count as real numbers, and rounding as the identity.
// What is cut off at the ends of the range of codes gets no gradient, and so do scale and zero point of
// QuantizeLinear.

func quantizeGrad(c GradCtx) error {
	g := grads{c}
	dcode, x := g.Dy(0), g.In(0)
	if dcode == 0 || !g.Wants(0) {
		return nil
	}
	lo, hi, ok := codeRange(g.Of(g.Out(0)).DType)
	if !ok {
		return Unsupported("no gradient of QuantizeLinear to %v", g.Of(g.Out(0)).DType)
	}
	scale, err := g.alongAxis(g.In(1), x)
	if err != nil {
		return err
	}
	code := g.op("Round", g.div(x, g.op("CastLike", scale, x)))
	if zero := g.In(2); zero != 0 {
		if zero, err = g.alongAxis(zero, x); err != nil {
			return err
		}
		code = g.add(code, g.op("CastLike", zero, x))
	}
	inside := g.op("And", g.op("GreaterOrEqual", code, g.num(x, lo)), g.op("LessOrEqual", code, g.num(x, hi)))
	g.SetGrad(0, g.op("CastLike", g.keep(inside, g.div(dcode, scale)), x))
	return nil
}

func dequantizeGrad(c GradCtx) error {
	g := grads{c}
	dy, x := g.Dy(0), g.In(0)
	if dy == 0 {
		return nil
	}
	scale, err := g.alongAxis(g.In(1), x)
	if err != nil {
		return err
	}
	dy = g.op("CastLike", dy, scale)
	g.set(0, func() Ref { return g.mul(dy, scale) })
	if !g.Wants(1) {
		return nil
	}
	codes := g.op("CastLike", x, scale)
	if zero := g.In(2); zero != 0 {
		if zero, err = g.alongAxis(zero, x); err != nil {
			return err
		}
		codes = g.sub(codes, g.op("CastLike", zero, scale))
	}
	g.SetGrad(1, g.like(g.sumTo(g.mul(dy, codes), scale), g.In(1)))
	return nil
}

// alongAxis shapes a list of scales or zero points so that it broadcasts along the axis of the node.
func (g grads) alongAxis(scale, x Ref) (Ref, error) {
	t := g.Of(scale)
	n, known := t.Static()
	switch {
	case g.Attrs().Int("block_size") != 0:
		return 0, Unsupported("no gradient of quantisation in blocks")
	case known && n.Len() == 1 || t.Ranked && len(t.Dims) == 0:
		return scale, nil
	}
	rank, err := g.rank(x)
	if err != nil {
		return 0, err
	}
	axis, err := wrapAxis(g.Attrs().IntOr("axis", 1), rank)
	if err != nil {
		return 0, err
	}
	dims := make([]int64, rank)
	for i := range dims {
		dims[i] = 1
	}
	dims[axis] = -1
	return g.op("Reshape", scale, g.ints(dims...)), nil
}

// codeRange returns the least and the greatest code of an integer type.
func codeRange(d tensor.DType) (lo, hi float64, ok bool) {
	bits := d.Bits()
	switch d {
	case tensor.Uint2, tensor.Uint4, tensor.Uint8, tensor.Uint16:
		return 0, float64(int(1)<<bits - 1), true
	case tensor.Int2, tensor.Int4, tensor.Int8, tensor.Int16:
		return -float64(int(1) << (bits - 1)), float64(int(1)<<(bits-1) - 1), true
	}
	return 0, 0, false
}
