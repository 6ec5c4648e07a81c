package optim

// AdamCoeffs are the coefficients of Adam and AMSGrad.
type AdamCoeffs struct {
	Rate, L2, Shrink, Scale float64 // Rate: of the step, with the correction of the first moment's bias
	Beta1, Beta2            float64 // decay of the moments
	Root                    float64 // multiplies the root of the second moment: the correction of its bias
	Eps                     float64
}

func (c *AdamCoeffs) pack() coeffs {
	return coeffs{
		float32(c.Rate), float32(c.L2), float32(c.Shrink), float32(c.Beta1), float32(1 - c.Beta1), float32(c.Beta2), float32(1 - c.Beta2),
		float32(c.Root), float32(c.Eps), factor(c.Scale),
	}
}

// Adam is one step of AdamOf in place.
func Adam(w, g, m, v []float32, c AdamCoeffs) {
	n := active.adam.run(c.pack(), w, g, m, v, nil)
	w, g, m, v = w[n:], g[n:], m[n:], v[n:]
	AdamOf(w, m, v, w, g, m, v, c)
}

// AdamOf is one step of Kingma, Ba: Adam: a method for stochastic optimization (2015): d = Scale*g + L2*w,
// m' = Beta1*m + (1-Beta1)*d, v' = Beta2*v + (1-Beta2)*d*d, w' = Shrink*w - Rate*m'/(Root*sqrt(v') + Eps).
func AdamOf[T Number](out, outM, outV, w, g, m, v []T, c AdamCoeffs) {
	rate, l2, shrink, correct, eps, scale := T(c.Rate), T(c.L2), T(c.Shrink), T(c.Root), T(c.Eps), T(factor(c.Scale))
	b1, a1, b2, a2 := T(c.Beta1), T(1-c.Beta1), T(c.Beta2), T(1-c.Beta2)
	n, least := len(out), leastNormal[T]()
	outM, outV, w, g, m, v = outM[:n], outV[:n], w[:n], g[:n], m[:n], v[:n]
	for i := range out {
		x := w[i]
		d := scale*g[i] + l2*x
		first := settle(b1*m[i]+a1*d, least)
		second := settle(b2*v[i]+a2*d*d, least)
		outM[i], outV[i] = first, second
		out[i] = shrink*x - rate*first/(correct*root(second)+eps)
	}
}

// AMSGrad is Adam in place with the largest second moment so far, peak, in the place of the second moment (Reddi, Kale,
// Kumar: On the convergence of Adam and beyond, 2018).
func AMSGrad(w, g, m, v, peak []float32, c AdamCoeffs) {
	k := active.amsgrad.run(c.pack(), w, g, m, v, peak)
	w, g, m, v, peak = w[k:], g[k:], m[k:], v[k:], peak[k:]
	rate, l2, shrink, correct, eps, scale := float32(c.Rate), float32(c.L2), float32(c.Shrink), float32(c.Root), float32(c.Eps), factor(c.Scale)
	b1, a1, b2, a2 := float32(c.Beta1), float32(1-c.Beta1), float32(c.Beta2), float32(1-c.Beta2)
	n := len(w)
	g, m, v, peak = g[:n], m[:n], v[:n], peak[:n]
	for i, x := range w {
		d := scale*g[i] + l2*x
		first := settle(b1*m[i]+a1*d, leastNormal32)
		second := settle(b2*v[i]+a2*d*d, leastNormal32)
		top := max(peak[i], second)
		m[i], v[i], peak[i] = first, second, top
		w[i] = shrink*x - rate*first/(correct*root(top)+eps)
	}
}
