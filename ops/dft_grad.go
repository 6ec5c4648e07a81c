package ops

import "github.com/onnxrun/onnxrun/tensor"

// The gradient of a discrete Fourier transform is one, too: with the sign of the exponent changed, which the
// conjugates of its ends do.

// dftGrad makes the rule of a DFT with the axis where form says.
func dftGrad(form func(a Attrs) dftForm) func(GradCtx) error {
	return func(c GradCtx) error {
		g := grads{c}
		dy, x, f := g.Dy(0), g.In(0), form(c.Attrs())
		if dy == 0 || !g.Wants(0) {
			return nil
		}
		rank, err := g.rank(x)
		if err != nil {
			return err
		}
		axis := f.axis
		if !f.attr {
			axis = -2
			if g.In(2) != 0 {
				v, ok := g.Of(g.In(2)).Ints()
				if !ok || len(v) != 1 {
					return Unsupported("no gradient of DFT along an axis that is not constant")
				}
				axis = int(v[0])
			}
		}
		if axis, err = f.at(axis, rank); err != nil {
			return err
		}
		dx := f.adjoint(g, dy, axis, rank)
		dx = g.op("Slice", dx, g.ints(0), g.extent(x, rank-1), g.ints(int64(rank-1))) // the real part, of real input
		g.SetGrad(0, g.fit(dx, axis, g.extent(x, axis)))
		return nil
	}
}

// adjoint returns the gradient of what is transformed, cut or filled up with zeros to the length of the transform.
func (f *dftForm) adjoint(g grads, dy Ref, axis, rank int) Ref {
	n := g.extent(g.In(0), axis)
	if f.parts() == 1 {
		n = g.op("Mul", g.sub(n, g.ints(1)), g.ints(2))
	}
	if length := g.In(1); length != 0 {
		n = g.list(length)
	}
	transform := func(v Ref, half bool) Ref {
		return g.with("DFT", map[string]any{"onesided": half}, v, g.op("Squeeze", n), g.whole(int64(axis)))
	}
	scaled := func(v Ref) Ref { return g.div(v, g.op("CastLike", n, dy)) }
	switch {
	case f.parts() == 1: // half of a spectrum: what has a mirror image counts twice
		dx := transform(dy, true)
		mirrored := g.op("Mod", g.op("Mul", g.upTo(g.extent(dx, axis)), g.whole(2)), n)
		weight := g.op("CastLike", g.add(g.op("Min", mirrored, g.whole(1)), g.whole(1)), dy)
		axes := make([]int64, rank-1-axis)
		for i := range axes {
			axes[i] = int64(i + 1)
		}
		return scaled(g.mul(dx, g.op("Unsqueeze", weight, g.ints(axes...))))
	case f.inverse:
		return scaled(transform(dy, false))
	}
	sign, err := tensor.FromFloat64s(g.Of(dy).DType, tensor.Shape{2}, []float64{1, -1})
	if err != nil {
		return 0
	}
	conjugate := g.Const(sign)
	return g.mul(transform(g.mul(g.fit(dy, axis, n), conjugate), false), conjugate)
}

// list makes a list of int64 of an integer.
func (g grads) list(v Ref) Ref {
	return g.op("Reshape", g.with("Cast", map[string]any{"to": tensor.Int64}, v), g.ints(1))
}

// fit cuts an axis of v to a length, or fills it up with zeros.
func (g grads) fit(v Ref, axis int, length Ref) Ref {
	at := g.ints(int64(axis))
	missing := g.op("Max", g.sub(length, g.extent(v, axis)), g.ints(0))
	v = g.op("Pad", v, g.with("Concat", map[string]any{"axis": 0}, g.ints(0), missing), 0, at)
	return g.op("Slice", v, g.ints(0), length, at)
}

// stftGrad writes STFT as DFT of frames times the window.
var stftGrad = composedGrad(func(g grads) (Ref, error) {
	x, window := g.In(0), g.In(2)
	rank, err := g.rank(x)
	if err != nil {
		return 0, err
	}
	if rank == 2 {
		x = g.op("Unsqueeze", x, g.ints(2))
	}
	step := g.list(g.In(1))
	var n Ref
	if g.In(3) != 0 {
		n = g.list(g.In(3))
	} else {
		n = g.extent(window, 0)
	}
	count := g.add(g.op("Div", g.sub(g.extent(x, 1), n), step), g.ints(1))
	index := g.add(g.op("Unsqueeze", g.op("Mul", g.upTo(count), step), g.ints(1)), g.upTo(n))
	frames := g.with("Gather", map[string]any{"axis": 1}, x, index)
	if window != 0 {
		frames = g.mul(frames, g.op("Unsqueeze", window, g.ints(1)))
	}
	return g.with("DFT", map[string]any{"onesided": g.Attrs().IntOr("onesided", 1)}, frames, 0, g.whole(2)), nil
})
