package optim

// AdagradCoeffs are the coefficients of Adagrad.
type AdagradCoeffs struct {
	Rate, L2, Shrink, Scale float64
	Eps                     float64
	Initial                 float64 // added to every sum of squares
}

// Adagrad is one step of AdagradOf in place.
func Adagrad(w, g, h []float32, c AdagradCoeffs) {
	n := active.adagrad.run(coeffs{float32(c.Rate), float32(c.L2), float32(c.Shrink), float32(c.Eps), float32(c.Initial), scaleAt: factor(c.Scale)}, w, g, h, nil, nil)
	w, g, h = w[n:], g[n:], h[n:]
	AdagradOf(w, h, w, g, h, c)
}

// AdagradOf is one step of Duchi, Hazan, Singer: Adaptive subgradient methods (2011): d = Scale*g + L2*w, h' = h + d*d,
// w' = Shrink*w - Rate*d/(sqrt(h' + Initial) + Eps).
func AdagradOf[T Number](out, outH, w, g, h []T, c AdagradCoeffs) {
	rate, l2, shrink, eps, initial, scale := T(c.Rate), T(c.L2), T(c.Shrink), T(c.Eps), T(c.Initial), T(factor(c.Scale))
	least := leastNormal[T]()
	outH, w, g, h = outH[:len(out)], w[:len(out)], g[:len(out)], h[:len(out)]
	for i := range out {
		x := w[i]
		d := scale*g[i] + l2*x
		sum := settle(h[i]+d*d, least)
		outH[i] = sum
		out[i] = shrink*x - rate*d/(root(sum+initial)+eps)
	}
}

// RMSpropCoeffs are the coefficients of RMSprop.
type RMSpropCoeffs struct {
	Rate, L2, Shrink, Scale float64
	Alpha                   float64 // decay of the mean square
	Eps                     float64
	Keep                    float64 // of the momentum buffer
}

func (c *RMSpropCoeffs) pack() coeffs {
	return coeffs{
		float32(c.Rate), float32(c.L2), float32(c.Shrink), float32(c.Eps), float32(c.Alpha), float32(1 - c.Alpha), float32(c.Keep),
		scaleAt: factor(c.Scale),
	}
}

// RMSprop is one step in place of Hinton's method (lecture 6e of Neural Networks for Machine Learning, 2012): d = Scale*g + L2*w,
// v = Alpha*v + (1-Alpha)*d*d, b = Keep*b + d/(sqrt(v) + Eps), w = Shrink*w - Rate*b.
func RMSprop(w, g, v, b []float32, c RMSpropCoeffs) {
	n := active.rmsprop.run(c.pack(), w, g, v, b, nil)
	w, g, v, b = w[n:], g[n:], v[n:], b[n:]
	rate, l2, shrink, eps := float32(c.Rate), float32(c.L2), float32(c.Shrink), float32(c.Eps)
	alpha, rest, keep, scale := float32(c.Alpha), float32(1-c.Alpha), float32(c.Keep), factor(c.Scale)
	g, v, b = g[:len(w)], v[:len(w)], b[:len(w)]
	for i, x := range w {
		d := scale*g[i] + l2*x
		square := settle(alpha*v[i]+rest*d*d, leastNormal32)
		move := settle(keep*b[i]+d/(root(square)+eps), leastNormal32)
		v[i], b[i] = square, move
		w[i] = shrink*x - rate*move
	}
}

// CenteredRMSprop is RMSprop with the variance of the gradient in the place of its mean square: a is the mean,
// a = Alpha*a + (1-Alpha)*d.
func CenteredRMSprop(w, g, v, a, b []float32, c RMSpropCoeffs) {
	k := active.centered.run(c.pack(), w, g, v, a, b)
	w, g, v, a, b = w[k:], g[k:], v[k:], a[k:], b[k:]
	rate, l2, shrink, eps := float32(c.Rate), float32(c.L2), float32(c.Shrink), float32(c.Eps)
	alpha, rest, keep, scale := float32(c.Alpha), float32(1-c.Alpha), float32(c.Keep), factor(c.Scale)
	n := len(w)
	g, v, a, b = g[:n], v[:n], a[:n], b[:n]
	for i, x := range w {
		d := scale*g[i] + l2*x
		square := settle(alpha*v[i]+rest*d*d, leastNormal32)
		mean := settle(alpha*a[i]+rest*d, leastNormal32)
		move := settle(keep*b[i]+d/(root(max(square-mean*mean, 0))+eps), leastNormal32)
		v[i], a[i], b[i] = square, mean, move
		w[i] = shrink*x - rate*move
	}
}
