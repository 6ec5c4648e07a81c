package privacy

import (
	"fmt"
	"math"
)

// RDP accounts in Rényi differential privacy: Mironov, Talwar and Zhang, "Rényi Differential Privacy of the Sampled Gaussian
// Mechanism", 2019 (arXiv:1908.10530). The zero value has the default orders.
type RDP struct {
	Orders []float64 // the Rényi orders to choose the best of, each above 1; none: DefaultOrders
}

// maxOrder bounds Rényi orders; beyond it the noise that such an order is best for leaves nothing to learn.
const maxOrder = 1e5

// DefaultOrders returns 1.1 to 10.9 by tenths, and 12 to 63.
func DefaultOrders() []float64 {
	var orders []float64
	for i := 1; i < 100; i++ {
		orders = append(orders, 1+float64(i)/10)
	}
	for i := 12; i < 64; i++ {
		orders = append(orders, float64(i))
	}
	return orders
}

// Name is "rdp".
func (RDP) Name() string { return "rdp" }

// Epsilon implements Accountant. From divergence to (epsilon, delta) it goes by theorem 21 of Balle, Barthe, Gaboardi, Hsu and
// Sato, "Hypothesis Testing Interpretations and Rényi Differential Privacy", 2020 (arXiv:1905.09982).
func (a RDP) Epsilon(delta float64, phases ...Phase) (Guarantee, error) {
	used, err := check(delta, phases)
	if err != nil {
		return Guarantee{}, err
	}
	orders := a.Orders
	if len(orders) == 0 {
		orders = DefaultOrders()
	}
	for _, order := range orders {
		if !(order > 1 && order <= maxOrder) {
			return Guarantee{}, fmt.Errorf("privacy: Rényi order %g, want above 1 and at most %g", order, float64(maxOrder))
		}
	}
	if len(used) == 0 {
		return Guarantee{}, nil
	}
	best := Guarantee{Epsilon: math.Inf(1)}
	for _, order := range orders {
		divergence := 0.0
		for _, p := range used {
			divergence += float64(p.Steps) * p.divergence(order)
		}
		epsilon := divergence - (math.Log(delta)+math.Log(order))/(order-1) + math.Log1p(-1/order)
		if epsilon < best.Epsilon {
			best = Guarantee{Epsilon: epsilon, Order: order}
		}
	}
	best.Epsilon = max(best.Epsilon, 0)
	best.Estimate = best.Epsilon
	return best, nil
}

// divergence is the Rényi divergence of one step at an order above 1.
func (p Phase) divergence(order float64) float64 {
	if p.SampleRate == 1 {
		return order / (2 * p.NoiseMultiplier * p.NoiseMultiplier)
	}
	return p.logMoment(order) / (order - 1)
}

// logMoment is log A of section 3.3 of the paper: A = E[(1+Y)^order], where Y = q(exp((2z-1)/2s²) - 1), q is the sample rate, s the
// noise multiplier and z normal with deviation s. Since E[Y] is 0 this is 1 + E[(1+Y)^order - 1 - order·Y], whose terms are
// all positive, so that nothing cancels. The mean is summed by the trapezoidal rule, which converges geometrically for
// analytic integrands: the nearest singularity, where 1+Y is 0, lies pi·s² off the real line, 4·pi steps or more.
// The integrand is a normal density near 0, and exp(order·z/s²) times one, a normal density around order, beyond it.
func (p Phase) logMoment(order float64) float64 {
	const reach = 13 // deviations: what is left out is below exp(-84) of what counts
	s := p.NoiseMultiplier
	h := min(s/3, s*s/4)
	last := math.Ceil(reach * s / h)
	sum := math.Inf(-1)
	add := func(from, to float64) {
		for i := from; i <= to; i++ {
			z := i * h
			sum = logAdd(sum, p.logExcess(order, (2*z-1)/(2*s*s))-z*z/(2*s*s))
		}
	}
	if centre := math.Round(order / h); centre-last > last {
		add(-last, last)
		add(centre-last, centre+last)
	} else {
		add(-last, centre+last)
	}
	sum += math.Log(h / (s * math.Sqrt(2*math.Pi)))
	return logAdd(0, sum)
}

// logExcess is log((1+y)^order - 1 - order·y) for y = q(exp(u) - 1).
func (p Phase) logExcess(order, u float64) float64 {
	y := p.SampleRate * math.Expm1(u)
	if math.Abs(order*y) < 1e-5 { // the difference would lose more digits than the series does
		return math.Log(order * (order - 1) / 2 * y * y * (1 + (order-2)/3*y))
	}
	log := math.Log1p(y)
	if y < 1 {
		return math.Log(math.Expm1(order*log) - order*y)
	}
	if u > 700 { // exp(u) overflows
		log = u + math.Log(p.SampleRate)
	}
	return order*log + math.Log1p((order-1)*math.Exp(-order*log)-order*math.Exp((1-order)*log))
}

// logAdd returns log(exp(a) + exp(b)).
func logAdd(a, b float64) float64 {
	if a < b {
		a, b = b, a
	}
	if math.IsInf(a, 0) {
		return a
	}
	return a + math.Log1p(math.Exp(b-a))
}
