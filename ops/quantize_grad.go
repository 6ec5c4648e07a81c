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
		if zero, err = g.alongAxis(g.op("CastLike", zero, x), x); err != nil {
			return err
		}
		code = g.add(code, zero)
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
		if zero, err = g.alongAxis(g.op("CastLike", zero, scale), x); err != nil {
			return err
		}
		codes = g.sub(codes, zero)
	}
	d := g.mul(dy, codes)
	if g.Attrs().Int("block_size") != 0 {
		if d, err = g.sumBlocks(d, x, g.In(1)); err != nil {
			return err
		}
	} else {
		d = g.sumTo(d, scale)
	}
	g.SetGrad(1, g.like(d, g.In(1)))
	return nil
}

// alongAxis shapes a list of scales or zero points so that it broadcasts along the axis of the node, or repeats
// those of blocks, of a type that can be expanded, so that they have the shape of x.
func (g grads) alongAxis(scale, x Ref) (Ref, error) {
	t := g.Of(scale)
	n, known := t.Static()
	blocks := g.Attrs().Int("block_size") != 0
	if !blocks && t.Ranked && len(t.Dims) == 0 {
		return scale, nil
	}
	whole := known && n.Len() == 1
	rank, err := g.rank(x)
	if !blocks && (whole || err == nil && rank == 0) { // a list of one, which would give an x without axes one
		return g.op("Reshape", scale, g.ints()), nil
	}
	if err != nil {
		return 0, err
	}
	axis, err := wrapAxis(g.Attrs().IntOr("axis", 1), rank)
	if err != nil {
		return 0, err
	}
	if blocks {
		return g.repeatBlocks(scale, x, axis), nil
	}
	dims := make([]int64, rank)
	for i := range dims {
		dims[i] = 1
	}
	dims[axis] = -1
	return g.op("Reshape", scale, g.ints(dims...)), nil
}

// repeatBlocks repeats each element of scale block_size times along an axis, of which the last block may be cut.
func (g grads) repeatBlocks(scale, x Ref, axis int) Ref {
	size := g.ints(int64(g.Attrs().Int("block_size")))
	count := g.with("Shape", map[string]any{"start": axis, "end": axis + 1}, scale)
	join := func(middle ...Ref) Ref {
		parts := append([]Ref{g.with("Shape", map[string]any{"end": axis}, scale)}, middle...)
		return g.with("Concat", map[string]any{"axis": 0}, append(parts, g.with("Shape", map[string]any{"start": axis + 1}, scale))...)
	}
	wide := g.op("Expand", g.op("Unsqueeze", scale, g.ints(int64(axis+1))), join(count, size))
	wide = g.with("Reshape", map[string]any{"allowzero": 1}, wide, join(g.op("Mul", count, size)))
	length := g.with("Shape", map[string]any{"start": axis, "end": axis + 1}, x)
	return g.op("Slice", wide, g.ints(0), length, g.ints(int64(axis)))
}

// sumBlocks undoes repeatBlocks for a gradient of the shape of x, whose own rank need not be known.
func (g grads) sumBlocks(d, x, scale Ref) (Ref, error) {
	rank, err := g.rank(x)
	if err != nil {
		return 0, err
	}
	axis, err := wrapAxis(g.Attrs().IntOr("axis", 1), rank)
	if err != nil {
		return 0, err
	}
	part := func(v Ref, from, to int) Ref { return g.with("Shape", map[string]any{"start": from, "end": to}, v) }
	size := g.ints(int64(g.Attrs().Int("block_size")))
	count := part(scale, axis, axis+1)
	missing := g.sub(g.op("Mul", count, size), part(d, axis, axis+1))
	d = g.op("Pad", d, g.with("Concat", map[string]any{"axis": 0}, g.ints(0), missing), 0, g.ints(int64(axis)))
	blocks := g.with("Concat", map[string]any{"axis": 0}, part(d, 0, axis), count, size, part(d, axis+1, rank))
	d = g.with("Reshape", map[string]any{"allowzero": 1}, d, blocks)
	return g.with("ReduceSum", map[string]any{"keepdims": 0}, d, g.ints(int64(axis+1))), nil
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
