package optim

// SGDCoeffs are the coefficients of SGD.
type SGDCoeffs struct {
	Rate, L2, Shrink, Scale float64
}

// SGD is one step of SGDOf in place.
func SGD(w, g []float32, c SGDCoeffs) {
	n := active.sgd.run(coeffs{float32(c.Rate), float32(c.L2), float32(c.Shrink), scaleAt: factor(c.Scale)}, w, g, nil, nil, nil)
	w, g = w[n:], g[n:]
	SGDOf(w, w, g, c)
}

// SGDOf is gradient descent: w' = Shrink*w - Rate*(Scale*g + L2*w).
func SGDOf[T Number](out, w, g []T, c SGDCoeffs) {
	rate, l2, shrink, scale := T(c.Rate), T(c.L2), T(c.Shrink), T(factor(c.Scale))
	w, g = w[:len(out)], g[:len(out)]
	for i := range out {
		x := w[i]
		out[i] = shrink*x - rate*(scale*g[i]+l2*x)
	}
}

// MomentumCoeffs are the coefficients of Momentum.
type MomentumCoeffs struct {
	Rate, L2, Shrink, Scale float64
	Keep                    float64 // of the old buffer
	Take                    float64 // of the gradient: 1 without dampening, and in the first step
	Nesterov                bool
}

// Momentum is one step of MomentumOf in place.
func Momentum(w, g, b []float32, c MomentumCoeffs) {
	ofD, ofB := c.look()
	n := active.momentum.run(coeffs{
		float32(c.Rate), float32(c.L2), float32(c.Shrink), float32(c.Keep), float32(c.Take), float32(ofD), float32(ofB),
		scaleAt: factor(c.Scale),
	}, w, g, b, nil, nil)
	w, g, b = w[n:], g[n:], b[n:]
	MomentumOf(w, b, w, g, b, c)
}

// look returns the parts of the gradient and of the buffer in the step.
func (c *MomentumCoeffs) look() (ofD, ofB float64) {
	if c.Nesterov {
		return 1, c.Keep
	}
	return 0, 1
}

// MomentumOf is gradient descent with momentum: d = Scale*g + L2*w, b' = Keep*b + Take*d, and w' = Shrink*w - Rate*b', or with
// Nesterov's look ahead Shrink*w - Rate*(d + Keep*b').
func MomentumOf[T Number](out, outB, w, g, b []T, c MomentumCoeffs) {
	rate, l2, shrink, keep, take := T(c.Rate), T(c.L2), T(c.Shrink), T(c.Keep), T(c.Take)
	partD, partB := c.look()
	ofD, ofB, scale := T(partD), T(partB), T(factor(c.Scale))
	least := leastNormal[T]()
	outB, w, g, b = outB[:len(out)], w[:len(out)], g[:len(out)], b[:len(out)]
	for i := range out {
		x := w[i]
		d := scale*g[i] + l2*x
		m := settle(keep*b[i]+take*d, least)
		outB[i] = m
		out[i] = shrink*x - rate*(ofD*d+ofB*m)
	}
}
