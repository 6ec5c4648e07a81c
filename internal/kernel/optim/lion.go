package optim

import "math"

// LionCoeffs are the coefficients of Lion.
type LionCoeffs struct {
	Rate, L2, Shrink, Scale float64
	Beta1, Beta2            float64 // decay of the momentum in the step, and in what is kept of it
}

// Lion is one step in place of Chen et al.: Symbolic discovery of optimization algorithms (2023): d = Scale*g + L2*w,
// w = Shrink*w - Rate*sign(Beta1*m + (1-Beta1)*d), m = Beta2*m + (1-Beta2)*d. The sign of zero is zero.
func Lion(w, g, m []float32, c LionCoeffs) {
	n := active.lion.run(coeffs{
		float32(c.Rate), float32(c.L2), float32(c.Shrink), float32(c.Beta1), float32(1 - c.Beta1), float32(c.Beta2), float32(1 - c.Beta2),
		scaleAt: factor(c.Scale),
	}, w, g, m, nil, nil)
	w, g, m = w[n:], g[n:], m[n:]
	size, l2, shrink, scale := math.Float32bits(float32(c.Rate)), float32(c.L2), float32(c.Shrink), factor(c.Scale)
	b1, a1, b2, a2 := float32(c.Beta1), float32(1-c.Beta1), float32(c.Beta2), float32(1-c.Beta2)
	g, m = g[:len(w)], m[:len(w)]
	for i, x := range w {
		d := scale*g[i] + l2*x
		towards := b1*m[i] + a1*d
		m[i] = settle(b2*m[i]+a2*d, leastNormal32)
		bits := math.Float32bits(towards)
		nonzero := uint32(int32(bits<<1|-(bits<<1)) >> 31) // all ones or none
		step := math.Float32frombits((bits&signBit | size) & nonzero)
		w[i] = shrink*x - step
	}
}

// signBit is the sign of a float32.
const signBit = 1 << 31
