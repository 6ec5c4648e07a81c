package optim

// SGDCoeffs are the coefficients of SGD.
type SGDCoeffs struct {
	Rate, L2, Shrink float64
}

// SGD is gradient descent: w' = Shrink*w - Rate*(g + L2*w).
func SGD[T Number](out, w, g []T, c SGDCoeffs) {
	rate, l2, shrink := T(c.Rate), T(c.L2), T(c.Shrink)
	w, g = w[:len(out)], g[:len(out)]
	for i := range out {
		x := w[i]
		out[i] = shrink*x - rate*(g[i]+l2*x)
	}
}

// MomentumCoeffs are the coefficients of Momentum.
type MomentumCoeffs struct {
	Rate, L2, Shrink float64
	Keep             float64 // of the old buffer
	Take             float64 // of the gradient: 1 without dampening, and in the first step
	Nesterov         bool
}

// Momentum is gradient descent with momentum: d = g + L2*w, b' = Keep*b + Take*d, and w' = Shrink*w - Rate*b', or with
// Nesterov's look ahead Shrink*w - Rate*(d + Keep*b').
func Momentum[T Number](out, outB, w, g, b []T, c MomentumCoeffs) {
	rate, l2, shrink, keep, take := T(c.Rate), T(c.L2), T(c.Shrink), T(c.Keep), T(c.Take)
	ofD, ofB := T(0), T(1)
	if c.Nesterov {
		ofD, ofB = 1, keep
	}
	outB, w, g, b = outB[:len(out)], w[:len(out)], g[:len(out)], b[:len(out)]
	for i := range out {
		x := w[i]
		d := g[i] + l2*x
		m := keep*b[i] + take*d
		outB[i] = m
		out[i] = shrink*x - rate*(ofD*d+ofB*m)
	}
}
