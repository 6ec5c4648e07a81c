package conform

import (
	"fmt"
	"math"

	"github.com/onnxrun/onnxrun/tensor"
)

// A Rule says how near an output must come to its reference. Zero fields are not in force; values that are
// no floats must be equal under every rule, but for integers where Abs is at least 1. NaN equals NaN, and infinities are equal by sign.
type Rule struct {
	Rel, Abs  float64 // |got-want| <= Abs + Rel |want|, for each element; in force when one is not zero
	Peak      float64 // max |got-want| <= Peak max |want|
	L2        float64 // the root of the sum of squares of got-want, in that of want
	ShapeOnly bool    // only kind, dtype and shape count: for operators that draw random numbers
}

// DefaultRule returns the rule for an element type of a case that brings none.
func DefaultRule(dtype tensor.DType) Rule {
	switch dtype {
	case tensor.Float16, tensor.BFloat16:
		return Rule{Peak: 2e-2}
	}
	return Rule{Peak: 5e-4}
}

// QuantisedRule is in force for models that compute with quantised activations: there two correct
// implementations round differently.
var QuantisedRule = Rule{L2: 5e-2}

// A Mismatch says where an output departs from its reference.
type Mismatch struct{ Reason string }

// Error returns the reason.
func (m *Mismatch) Error() string { return m.Reason }

func mismatch(format string, args ...any) error { return &Mismatch{fmt.Sprintf(format, args...)} }

// Compare compares a value with its reference. It returns the largest absolute difference of any element,
// in parts of the reference's largest magnitude, and a *Mismatch if the rule does not hold.
func (r Rule) Compare(got, want *tensor.Tensor) (float64, error) {
	if got == nil || want == nil {
		if got == want {
			return 0, nil
		}
		return 0, mismatch("one of output and reference is missing")
	}
	if rows, ok := alignMaps(got, want); ok {
		return r.compareAll(rows[0], rows[1])
	}
	if got.Kind() != want.Kind() {
		return 0, mismatch("kind %v, want %v", got.Kind(), want.Kind())
	}
	switch got.Kind() {
	case tensor.KindTensor:
		return r.compareDense(got, want)
	case tensor.KindMap:
		return r.compareAll(append(got.Elems(), got.Keys()), append(want.Elems(), want.Keys()))
	}
	return r.compareAll(got.Elems(), want.Elems())
}

func (r Rule) compareAll(got, want []*tensor.Tensor) (worst float64, err error) {
	if len(got) != len(want) {
		return 0, mismatch("%d values inside, want %d", len(got), len(want))
	}
	for i := range got {
		d, err := r.Compare(got[i], want[i])
		worst = max(worst, d)
		if err != nil {
			return worst, mismatch("value %d: %v", i, err)
		}
	}
	return worst, nil
}

func (r Rule) compareDense(got, want *tensor.Tensor) (float64, error) {
	if got.DType() != want.DType() {
		return 0, mismatch("dtype %v, want %v", got.DType(), want.DType())
	}
	if !got.Shape().Equal(want.Shape()) {
		return 0, mismatch("shape %v, want %v", []int(got.Shape()), []int(want.Shape()))
	}
	if r.ShapeOnly {
		return 0, nil
	}
	if got.DType() == tensor.String {
		return 0, equalStrings(got.Strings(), want.Strings())
	}
	g, w := values(got), values(want)
	if g == nil || w == nil {
		return 0, equalBytes(got, want)
	}
	if !isFloating(want.DType()) {
		return exact(g, w, r.Abs)
	}
	if want.DType() == tensor.BFloat16 {
		r.Rel = max(r.Rel, 0x1p-6)
		if r.Peak != 0 || r.L2 != 0 {
			r.Rel = 0
		}
	}
	return r.near(g, w)
}

func isFloating(d tensor.DType) bool {
	return d.IsFloat() || d == tensor.Complex64 || d == tensor.Complex128
}

func equalStrings(got, want []string) error {
	for i := range want {
		if got[i] != want[i] {
			return mismatch("element %d is %q, want %q", i, got[i], want[i])
		}
	}
	return nil
}

// exact compares integers, which may differ by slack if that is a whole step.
func exact(got, want []float64, slack float64) (float64, error) {
	if slack < 1 {
		slack = 0
	}
	worst, at := 0.0, -1
	for i := range want {
		if d := math.Abs(got[i] - want[i]); d > worst {
			worst, at = d, i
		}
	}
	if worst > slack {
		return worst, mismatch("element %d is %v, want %v", at, got[at], want[at])
	}
	return 0, nil
}

// near applies the rule to floats.
func (r Rule) near(got, want []float64) (float64, error) {
	d := measure(got, want)
	worst := d.worst
	if d.peak > 0 {
		worst /= d.peak
	}
	switch {
	case d.odd >= 0:
		return worst, mismatch("element %d is %v, want %v", d.odd, got[d.odd], want[d.odd])
	case r.Peak > 0 && d.worst > r.Peak*d.peak:
		return worst, mismatch("element %d is %v, want %v: off by %.3g of the peak %.6g, allowed %.3g", d.at, got[d.at], want[d.at], worst, d.peak, r.Peak)
	case r.L2 > 0 && d.diff2 > r.L2*r.L2*d.want2:
		return worst, mismatch("relative L2 distance %.3g, allowed %.3g", math.Sqrt(d.diff2/d.want2), r.L2)
	case r.Peak > 0 || r.L2 > 0:
		return worst, nil
	}
	for i, w := range want {
		if diff := math.Abs(got[i] - w); !math.IsInf(w, 0) && diff > r.Abs+r.Rel*math.Abs(w) {
			return worst, mismatch("element %d is %v, want %v: off by %.3g, allowed %.3g", i, got[i], w, diff, r.Abs+r.Rel*math.Abs(w))
		}
	}
	return worst, nil
}

// distance sums up how far two lists are apart. odd is the index of a pair of which one is not finite and
// which is not equal, or -1; such pairs and equal infinities take no part in the sums.
type distance struct {
	peak, worst, diff2, want2 float64
	at, odd                   int
}

func measure(got, want []float64) distance {
	d := distance{odd: -1}
	for i, w := range want {
		g := got[i]
		if g == w && !math.IsInf(w, 0) || finite(g) && finite(w) {
			d.peak = max(d.peak, math.Abs(w))
			diff := math.Abs(g - w)
			if diff > d.worst {
				d.worst, d.at = diff, i
			}
			d.diff2 += diff * diff
			d.want2 += w * w
		} else if g != w && !(g != g && w != w) && d.odd < 0 {
			d.odd = i
		}
	}
	return d
}

func finite(x float64) bool { return !math.IsInf(x, 0) && !math.IsNaN(x) }
