package privacy

import (
	"fmt"
	"math"
	"math/cmplx"

	"gonum.org/v1/gonum/dsp/fourier"
)

// PRV accounts by the distribution of the privacy loss, composed numerically: Gopi, Lee and Wutschitz, "Numerical Composition of
// Differential Privacy", 2021 (arXiv:2106.02848). The zero value has the default errors. Its bounds are tighter than those
// of RDP by more than the errors unless epsilon is tiny; a call takes up to about a second.
type PRV struct {
	EpsilonError float64 // what the bounds are apart from the estimate, above 0 and below 1; 0 is 0.01
	DeltaError   float64 // probability that is set aside for the discretisation, below delta; 0 is a thousandth of delta
}

// maxMesh bounds the points of a discretised loss. Where the errors ask for more, EpsilonError grows with the mesh; up to a
// million steps it stays below one per cent of epsilon.
const maxMesh = 1 << 21

// Name is "prv".
func (PRV) Name() string { return "prv" }

// Epsilon implements Accountant. Where delta is so small that rounding errors of the transform reach it, it is an error.
func (a PRV) Epsilon(delta float64, phases ...Phase) (Guarantee, error) {
	used, err := check(delta, phases)
	if err != nil {
		return Guarantee{}, err
	}
	if a.EpsilonError == 0 {
		a.EpsilonError = 0.01
	}
	if a.DeltaError == 0 {
		a.DeltaError = delta / 1000
	}
	if !(a.EpsilonError > 0 && a.EpsilonError < 1) {
		return Guarantee{}, fmt.Errorf("privacy: epsilon error %g, want above 0 and below 1", a.EpsilonError)
	}
	if !(a.DeltaError > 0 && a.DeltaError < delta) {
		return Guarantee{}, fmt.Errorf("privacy: delta error %g, want above 0 and below delta %g", a.DeltaError, delta)
	}
	if len(used) == 0 {
		return Guarantee{}, nil
	}
	epsilon, epsilonError, err := a.inverse(used)
	if err != nil {
		return Guarantee{}, err
	}
	return Guarantee{
		Epsilon:  max(0, epsilon(delta-a.DeltaError)+epsilonError),
		Estimate: max(0, epsilon(delta)),
		Lower:    max(0, epsilon(delta+a.DeltaError)-epsilonError),
	}, nil
}

// inverse returns epsilon as a function of delta, and its error.
func (a PRV) inverse(phases []Phase) (epsilon func(delta float64) float64, epsilonError float64, err error) {
	precision := 0.0 // sum of the inverse variances of unsampled phases
	for _, p := range phases {
		if p.SampleRate < 1 {
			return a.compose(phases)
		}
		precision += float64(p.Steps) / (p.NoiseMultiplier * p.NoiseMultiplier)
	}
	return func(delta float64) float64 { return gaussianEpsilon(delta, math.Sqrt(precision)) }, a.EpsilonError, nil
}

// compose is inverse for phases of which one samples.
func (a PRV) compose(phases []Phase) (epsilon func(delta float64) float64, epsilonError float64, err error) {
	size, mesh, epsilonError, err := a.domain(phases)
	if err != nil {
		return nil, 0, err
	}
	if noise := roundingError(size); a.DeltaError < noise {
		return nil, 0, fmt.Errorf("privacy: delta error %g for a delta that is too small, want at least %.2g, the rounding error of %d points",
			a.DeltaError, noise, size)
	}
	fft := fourier.NewFFT(size)
	var product, spectrum []complex128
	shift := 0.0
	for _, p := range phases {
		pmf, s := p.discretise(size, mesh)
		shift += float64(p.Steps) * s
		spectrum = fft.Coefficients(spectrum, pmf)
		total := real(spectrum[0]) // 1 but for rounding, which the power would magnify
		for i, c := range spectrum {
			spectrum[i] = power(c/complex(total, 0), p.Steps)
		}
		if product == nil {
			product, spectrum = spectrum, nil
			continue
		}
		for i, c := range spectrum {
			product[i] *= c
		}
	}
	pmf := fft.Sequence(nil, product)
	for i := range pmf {
		pmf[i] /= float64(size)
	}
	return func(delta float64) float64 { return invert(pmf, mesh, shift, delta) }, epsilonError, nil
}

// roundingError is what the rounding of a transform of so many probabilities adds up to in a tail.
func roundingError(size int) float64 { return math.Sqrt(float64(size)) * 0x1p-53 }

// power is c^n for |c| <= 1 + rounding.
func power(c complex128, n int) complex128 {
	r, angle := cmplx.Polar(c)
	return cmplx.Rect(math.Pow(r, float64(n)), math.Remainder(angle*float64(n), 2*math.Pi))
}

// domain chooses how far losses are followed and how finely: remark 5.6 of the paper, with tails bounded by RDP and three to
// spare; the mesh is that of theorem 5.5, the number of points even and quick to transform.
func (a PRV) domain(phases []Phase) (size int, mesh, epsilonError float64, err error) {
	steps := 0
	for _, p := range phases {
		steps += p.Steps
	}
	all, err := RDP{}.Epsilon(a.DeltaError/4, phases...)
	limit := max(all.Epsilon, a.EpsilonError)
	for _, p := range phases {
		if err != nil {
			break
		}
		var one Guarantee
		p.Steps = 1
		one, err = RDP{}.Epsilon(a.DeltaError/(8*float64(steps)), p)
		limit = max(limit, one.Epsilon)
	}
	limit += 3
	perMesh := math.Sqrt(float64(steps) * math.Log(12/a.DeltaError) / 2)
	mesh = a.EpsilonError / perMesh
	if points := 2 * limit / mesh; points < maxMesh {
		return transformSize(int(points) + 2), mesh, a.EpsilonError, err
	}
	mesh = 2 * limit / maxMesh
	return maxMesh, mesh, mesh * perMesh, err
}

// transformSize is a number not below n, and above it by less than a fourth, that is quick to transform: a power of 2 times 8, 9,
// 10, 12 or 15. (Numbers of more than 13 factors 2, 3, 4 and 5 are too much for the transform.)
func transformSize(n int) int {
	best := math.MaxInt
	for _, size := range []int{8, 9, 10, 12, 15} {
		for size < n || size%2 != 0 {
			size *= 2
		}
		best = min(best, size)
	}
	return best
}

// invert returns the epsilon at which a loss that is i*mesh + shift with probability pmf[i] (index as in discretise) has delta =
// E[max(0, 1 - exp(epsilon - loss))]. It goes down from the greatest loss to the first at which delta is too great.
func invert(pmf []float64, mesh, shift, delta float64) float64 {
	size := len(pmf)
	decay := math.Exp(-mesh)
	var above, weighted float64 // sums over losses from t up of the probability, and of it times exp(t - loss)
	t := shift
	for i := size/2 - 1; i >= -size/2; i-- {
		v := pmf[(i+size)%size]
		nextAbove, nextWeighted := above+v, weighted*decay+v
		if nextAbove-nextWeighted > delta {
			break // between this loss and the one above, delta is above - exp(epsilon - t) weighted
		}
		above, weighted, t = nextAbove, nextWeighted, float64(i)*mesh+shift
	}
	return t + math.Log((above-delta)/weighted)
}
