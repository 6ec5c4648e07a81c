package finetune

import (
	"context"
	"math"

	"gonum.org/v1/gonum/floats"
)

// An lbfgs minimises a smooth function by the limited-memory method of Liu and Nocedal (On the limited memory BFGS method
// for large scale optimization, 1989). Algorithms and constants are those of Nocedal, Wright: Numerical optimization (2nd
// edition, 2006).
type lbfgs struct {
	f          func(x, grad []float64) float64 // writes the gradient
	iterations int
	tolerance  float64 // of the largest element of the gradient

	x, grad, direction []float64
	value              float64
	s, y               [][]float64 // the last steps, and the differences of gradients they made
	nextX, nextGrad    []float64   // of the line search
}

const (
	lbfgsMemory      = 10
	lineEvaluations  = 30
	decreaseShare    = 1e-4  // c1 of the Wolfe conditions
	curvatureShare   = 0.9   // c2
	roundingOfValues = 1e-15 // share of the value that is no difference
)

// run goes from x, which it changes, to a minimum. It reports the number of steps and whether it got as near as asked, or
// as rounding lets it.
func (m *lbfgs) run(ctx context.Context, x []float64) (steps int, converged bool, err error) {
	n := len(x)
	m.x, m.grad, m.direction = x, make([]float64, n), make([]float64, n)
	m.nextX, m.nextGrad = make([]float64, n), make([]float64, n)
	m.value = m.f(m.x, m.grad)
	for ; steps < m.iterations; steps++ {
		if err := ctx.Err(); err != nil {
			return steps, false, err
		}
		if floats.Norm(m.grad, math.Inf(1)) <= m.tolerance {
			return steps, true, nil
		}
		m.aim()
		first := 1.0
		if len(m.s) == 0 {
			first = min(1, 1/floats.Norm(m.grad, 1))
		}
		value, ok := m.search(first)
		if !ok && len(m.s) > 0 { // the memory may be what is wrong
			m.s, m.y = nil, nil
			m.aim()
			value, ok = m.search(min(1, 1/floats.Norm(m.grad, 1)))
		}
		if !ok {
			return steps, !math.IsNaN(m.value), nil
		}
		m.step(value)
	}
	return steps, floats.Norm(m.grad, math.Inf(1)) <= m.tolerance, nil
}

// aim sets the direction by the two loops of algorithm 7.4.
func (m *lbfgs) aim() {
	q := m.direction
	floats.ScaleTo(q, -1, m.grad)
	k := len(m.s)
	alpha := make([]float64, k)
	for i := k - 1; i >= 0; i-- {
		alpha[i] = floats.Dot(m.s[i], q) / floats.Dot(m.s[i], m.y[i])
		floats.AddScaled(q, -alpha[i], m.y[i])
	}
	if k > 0 {
		s, y := m.s[k-1], m.y[k-1]
		floats.Scale(floats.Dot(s, y)/floats.Dot(y, y), q)
	}
	for i := range k {
		beta := floats.Dot(m.y[i], q) / floats.Dot(m.s[i], m.y[i])
		floats.AddScaled(q, alpha[i]-beta, m.s[i])
	}
}

// step moves to what the line search found and remembers the way.
func (m *lbfgs) step(value float64) {
	s, y := make([]float64, len(m.x)), make([]float64, len(m.x))
	if len(m.s) == lbfgsMemory {
		s, y = m.s[0], m.y[0]
		m.s, m.y = append(m.s[:0], m.s[1:]...), append(m.y[:0], m.y[1:]...)
	}
	floats.SubTo(s, m.nextX, m.x)
	floats.SubTo(y, m.nextGrad, m.grad)
	if floats.Dot(s, y) > 0 {
		m.s, m.y = append(m.s, s), append(m.y, y)
	}
	copy(m.x, m.nextX)
	copy(m.grad, m.nextGrad)
	m.value = value
}

// A linePoint is a step length with the value and slope there.
type linePoint struct{ at, value, slope float64 }

// search looks for a step that meets the strong Wolfe conditions (algorithm 3.5), and leaves the point in nextX and
// nextGrad. It reports false if it finds no step that is better at all.
func (m *lbfgs) search(first float64) (value float64, ok bool) {
	start := linePoint{0, m.value, floats.Dot(m.grad, m.direction)}
	if !(start.slope < 0) {
		return 0, false
	}
	before, at := start, first
	for i := range lineEvaluations {
		p := m.point(at)
		switch {
		case m.tooHigh(p, start) || i > 0 && p.value >= before.value:
			return m.zoom(start, before, p)
		case math.Abs(p.slope) <= -curvatureShare*start.slope:
			return p.value, true
		case p.slope >= 0:
			return m.zoom(start, p, before)
		}
		before, at = p, 2*at
	}
	return before.value, true
}

// zoom narrows the interval between a good point and another one (algorithm 3.6).
func (m *lbfgs) zoom(start, low, high linePoint) (value float64, ok bool) {
	for range lineEvaluations {
		p := m.point(cubicMinimum(low, high))
		switch {
		case m.tooHigh(p, start) || p.value > low.value:
			high = p
		case math.Abs(p.slope) <= -curvatureShare*start.slope:
			return p.value, true
		default:
			if p.slope*(high.at-low.at) >= 0 {
				high = low
			}
			low = p
		}
	}
	if low.at == 0 {
		return 0, false
	}
	return m.point(low.at).value, true
}

// tooHigh reports that the value falls by less than the first Wolfe condition wants, and not just by rounding.
func (m *lbfgs) tooHigh(p, start linePoint) bool {
	return !(p.value <= start.value+decreaseShare*p.at*start.slope+roundingOfValues*math.Abs(start.value))
}

func (m *lbfgs) point(at float64) linePoint {
	floats.AddScaledTo(m.nextX, m.x, at, m.direction)
	value := m.f(m.nextX, m.nextGrad)
	return linePoint{at, value, floats.Dot(m.nextGrad, m.direction)}
}

// cubicMinimum is the minimum of the cubic through two points (equation 3.59), or their middle where that lies too near to one
// of them.
func cubicMinimum(a, b linePoint) float64 {
	middle := (a.at + b.at) / 2
	d1 := a.slope + b.slope - 3*(a.value-b.value)/(a.at-b.at)
	root := d1*d1 - a.slope*b.slope
	if !(root >= 0) {
		return middle
	}
	d2 := math.Copysign(math.Sqrt(root), b.at-a.at)
	at := b.at - (b.at-a.at)*(b.slope+d2-d1)/(b.slope-a.slope+2*d2)
	margin := 0.1 * math.Abs(b.at-a.at)
	if lo, hi := min(a.at, b.at)+margin, max(a.at, b.at)-margin; !(at >= lo && at <= hi) {
		return middle
	}
	return at
}
