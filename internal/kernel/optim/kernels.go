package optim

import "github.com/onnxrun/onnxrun/internal/cpu"

// coeffs are the coefficients of a step as the generator of _asm numbers them: the rate, L2, Shrink, what follows in
// the comments there, and, at scaleAt, what the gradient is multiplied by.
type coeffs = [10]float32

const scaleAt = 9

// A stepFunc moves n elements, a multiple of 8, of a parameter w with its gradient and up to three states. It gives the
// bits of the plain loop.
type stepFunc func(w, grad, s0, s1, s2 *float32, n int, c coeffs)

// A sumFunc returns eight sums of squares of n elements, a multiple of 8: lane k is of those whose index is k modulo 8.
type sumFunc func(x *float32, n int) (lanes [8]float64)

// A variant is one row of the table of variants.
type variant struct {
	name  string
	needs cpu.Feature

	sgd, momentum, adam, amsgrad, adagrad, rmsprop, centered, lion stepFunc
	approach, addScaled                                            stepFunc // with scale alone
	sumSquares                                                     sumFunc
}

// active is the variant in use; without functions it is the plain loops.
var active = choose()

func choose() (v variant) {
	for _, row := range assembly {
		if cpu.Has(row.needs) {
			v = row
		}
	}
	return v
}

// run does what it can of a step and returns how many elements that was. All slices but absent states have the length of w.
func (f stepFunc) run(c coeffs, w, g, s0, s1, s2 []float32) int {
	n := len(w) &^ 7
	if f == nil || n == 0 {
		return 0
	}
	for lo := 0; lo < n; lo += callLength {
		hi := min(lo+callLength, n)
		f(&w[lo], &g[lo:hi][0], first(s0, lo, hi), first(s1, lo, hi), first(s2, lo, hi), hi-lo, c)
	}
	return n
}

// callLength bounds the elements of a call, which Go cannot interrupt: some 50 microseconds.
const callLength = 1 << 15

// first points to the first of the elements from lo to hi, if there is such a state.
func first(s []float32, lo, hi int) *float32 {
	if s == nil {
		return nil
	}
	return &s[lo:hi][0]
}
