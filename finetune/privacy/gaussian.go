package privacy

import "math"

// gaussianDelta is delta at epsilon >= 0 of a privacy loss that is normal with variance m² and mean m²/2: that of Gaussian
// mechanisms without sampling, whose deviations over sensitivity compose to 1/m. Balle and Wang, "Improving the Gaussian
// Mechanism for Differential Privacy", 2018 (arXiv:1805.06530), theorem 8.
func gaussianDelta(epsilon, m float64) float64 {
	a, b := epsilon/m-m/2, epsilon/m+m/2
	// The second term is exp(epsilon) Q(b), and exp(epsilon) equals the ratio of the densities at a and b.
	return math.Erfc(a/math.Sqrt2)/2 - math.Exp(-a*a/2)/math.Sqrt(2*math.Pi)*mills(b)
}

// gaussianEpsilon is the least epsilon >= 0 with gaussianDelta(epsilon, m) <= delta.
func gaussianEpsilon(delta, m float64) float64 {
	if gaussianDelta(0, m) <= delta {
		return 0
	}
	low, high := 0.0, m*m/2+m
	for gaussianDelta(high, m) > delta {
		low, high = high, 2*high
	}
	for high-low > 1e-12*high {
		middle := low + (high-low)/2
		if gaussianDelta(middle, m) > delta {
			low = middle
		} else {
			high = middle
		}
	}
	return high
}

// mills is the ratio of the upper tail of the normal distribution to its density at x >= 0.
func mills(x float64) float64 {
	if x < 4 {
		return math.Erfc(x/math.Sqrt2) / 2 * math.Sqrt(2*math.Pi) * math.Exp(x*x/2)
	}
	f := x // Laplace's continued fraction x + 1/(x + 2/(x + 3/...)), from the inside
	for k := 100.0; k >= 1; k-- {
		f = x + k/f
	}
	return 1 / f
}
