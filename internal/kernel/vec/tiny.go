package vec

import "math"

// Subnormal numbers cost some processors more than a hundred cycles, where they are made and wherever they are read. Functions that
// tend to zero, other than Exp, therefore end where the normal numbers do.

const (
	leastNormal = 0x1p-126
	// leastTerm is the least exponential that a softmax takes account of: a normal number when divided by a sum of up to MaxRow others.
	// Kernels that count powers of two from there take no account of those up to a square root of two above, either.
	leastTerm = leastNormal * MaxRow
	// leastShare is the least probability that the gradient of a loss takes account of, far below what matters beside that of the label, and far
	// enough from the least normal number for the products that the gradient goes through: a batch that is known by heart has no others.
	leastShare = 0x1p-60
	// siluEnd is where SiLU ends on the negative side, at -5e-18: far below what matters beside ordinary values, and far enough from the
	// least normal number for another such factor, as where a map goes through SiLU and the gates of a squeeze-and-excitation.
	siluEnd = 43.5
)

// normal returns v as float32, or 0 if that were subnormal.
func normal(v float64) float32 {
	if f := float32(v); f >= leastNormal || f <= -leastNormal || f != f {
		return f
	}
	return 0
}

// term returns exp(x) for the sum of a softmax.
func term(x float32) float64 {
	if e := math.Exp(float64(x)); e >= leastTerm || e != e {
		return e
	}
	return 0
}

func expTermGo(dst, x []float32, _, _ float32) {
	for i := range dst {
		dst[i] = float32(term(x[i]))
	}
}
