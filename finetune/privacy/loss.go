package privacy

import "math"

// This file is the privacy loss random variable of one step, for a record that is there against one that is not: T =
// log(1-q+q exp(W/s)), where W is normal with deviation 1 around 1/2s with probability q and around -1/2s otherwise. Gopi,
// Lee and Wutschitz, "Numerical Composition of Differential Privacy", 2021 (arXiv:2106.02848), proposition B.1.

// loss is T as a function of W.
func (p Phase) loss(w float64) float64 {
	u := w / p.NoiseMultiplier
	if u > 700 { // exp(u) would overflow
		return u + math.Log(p.SampleRate)
	}
	return math.Log1p(p.SampleRate * math.Expm1(u))
}

// quantity is W where the loss is t; -Inf where no loss is as low.
func (p Phase) quantity(t float64) float64 {
	if t > 700 {
		return p.NoiseMultiplier * (t - math.Log(p.SampleRate))
	}
	y := math.Expm1(t) / p.SampleRate
	if y <= -1 {
		return math.Inf(-1)
	}
	return p.NoiseMultiplier * math.Log1p(y)
}

// tail is the probability that the loss is above t, or with side -1 that it is at most t, with full relative precision.
func (p Phase) tail(t, side float64) float64 {
	w, half := p.quantity(t), 1/(2*p.NoiseMultiplier)
	q := p.SampleRate
	return (q*math.Erfc(side*(w-half)/math.Sqrt2) + (1-q)*math.Erfc(side*(w+half)/math.Sqrt2)) / 2
}

// mean is the mean of the loss given that it is between -limit and limit: by the trapezoidal rule over W, which converges
// geometrically as in logMoment.
func (p Phase) mean(limit float64) float64 {
	s, q := p.NoiseMultiplier, p.SampleRate
	half := 1 / (2 * s)
	const reach = 13
	h := min(1.0/16, s/4)
	var sum, mass float64
	for i := -reach / h; i <= reach/h; i++ {
		density := math.Exp(-i * h * i * h / 2)
		for _, part := range [2]struct{ weight, centre float64 }{{q, half}, {1 - q, -half}} {
			if t := p.loss(part.centre + i*h); math.Abs(t) <= limit {
				sum += part.weight * density * t
				mass += part.weight * density
			}
		}
	}
	return sum / mass
}

// discretise returns the probabilities that the loss rounds to i*mesh, at index i where i >= 0 and size+i elsewhere, given that it
// is between -size/2 and size/2 meshes, and what must be added to the values for the mean to be that of the loss.
func (p Phase) discretise(size int, mesh float64) (pmf []float64, shift float64) {
	const reach = 39 // deviations: beyond, the density is 0
	pmf = make([]float64, size)
	half := 1 / (2 * p.NoiseMultiplier)
	first := int(max(float64(-size/2), math.Floor(p.loss(-half-reach)/mesh)))
	last := int(min(float64(size/2-1), math.Ceil(p.loss(half+reach)/mesh)))
	side := -1.0
	before := p.tail((float64(first)-0.5)*mesh, side)
	var mass, mean float64
	for i := first; i <= last; i++ {
		end := (float64(i) + 0.5) * mesh
		after := p.tail(end, side)
		v := side * (before - after)
		before = after
		if side < 0 && after > 0.5 { // from here on, the upper tail is the one that keeps its digits
			side = 1
			before = p.tail(end, side)
		}
		pmf[(i+size)%size] = v
		mass += v
		mean += v * float64(i) * mesh
	}
	for i := range pmf {
		pmf[i] /= mass
	}
	return pmf, p.mean((float64(size/2)+0.5)*mesh) - mean/mass
}
