package privacy

import (
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"
)

// record is a line of testdata/opacus.json.
type record struct {
	SampleRate      float64 `json:"sample_rate"`
	NoiseMultiplier float64 `json:"noise_multiplier"`
	Steps           int     `json:"steps"`
	Delta           float64 `json:"delta"`
	RDP             float64 `json:"eps_rdp"`
	Order           float64 `json:"alpha_rdp"`
	PRV             float64 `json:"eps_prv"`
	Estimate        float64 `json:"eps_prv_estimate"`
	Lower           float64 `json:"eps_prv_lower"`
}

func (r record) phase() Phase { return Phase{r.SampleRate, r.NoiseMultiplier, r.Steps} }

func records(t *testing.T) []record {
	t.Helper()
	text, err := os.ReadFile("testdata/opacus.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Cases []record }
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Cases) < 12 {
		t.Fatalf("%d cases", len(file.Cases))
	}
	return file.Cases
}

func epsilon(t *testing.T, a Accountant, delta float64, phases ...Phase) Guarantee {
	t.Helper()
	g, err := a.Epsilon(delta, phases...)
	if err != nil {
		t.Fatalf("%s at %g of %v: %v", a.Name(), delta, phases, err)
	}
	return g
}

// TestOpacus compares both accountants with the recorded results of Opacus.
func TestOpacus(t *testing.T) {
	for _, r := range records(t) {
		if g := epsilon(t, RDP{}, r.Delta, r.phase()); math.Abs(g.Epsilon-r.RDP) > 1e-8*r.RDP || g.Order != r.Order {
			t.Errorf("rdp at %g of %v: %v, want %v at order %v", r.Delta, r.phase(), g, r.RDP, r.Order)
		}
		g := epsilon(t, PRV{}, r.Delta, r.phase())
		if math.Abs(g.Epsilon-r.PRV) > 2e-4*r.PRV {
			t.Errorf("prv at %g of %v: %v, want %v", r.Delta, r.phase(), g, r.PRV)
		}
		if r.Estimate != 0 && (math.Abs(g.Estimate-max(0, r.Estimate)) > 5e-5 || math.Abs(g.Lower-max(0, r.Lower)) > 5e-5) {
			t.Errorf("prv at %g of %v: %v, want estimate %v and lower bound %v", r.Delta, r.phase(), g, r.Estimate, r.Lower)
		}
	}
}

// TestIntegerOrders compares the integral with the binomial sum that it is for integer orders: equation 7 of section 3.3.
func TestIntegerOrders(t *testing.T) {
	for _, q := range []float64{1e-6, 0.001, 0.3, 0.97, 1 - 1e-9} {
		for _, s := range []float64{0.01, 0.3, 1, 20, 1000} {
			for _, order := range []int{2, 3, 7, 40, 300} {
				// The terms 0 and 1 are the first of a binomial sum that is 1, so that the others less 1 is all there is.
				sum, choose := math.Inf(-1), math.Log(float64(order))
				for i := 2; i <= order; i++ {
					choose += math.Log(float64(order-i+1) / float64(i))
					exponent := float64(i*i-i) / (2 * s * s)
					term := choose + float64(i)*math.Log(q) + float64(order-i)*math.Log1p(-q)
					sum = logAdd(sum, term+exponent+math.Log(-math.Expm1(-exponent)))
				}
				want := logAdd(0, sum)
				if got := (Phase{q, s, 1}).logMoment(float64(order)); math.Abs(got-want) > 1e-12+1e-10*want {
					t.Errorf("q %g, s %g, order %d: %g, want %g", q, s, order, got, want)
				}
			}
		}
	}
}

// TestDivergenceBetweenOrders wants the divergence to grow with the order through integers and fractions alike.
func TestDivergenceBetweenOrders(t *testing.T) {
	for _, p := range []Phase{{0.01, 1, 1}, {0.9, 0.4, 1}, {1, 2, 1}, {0.2, 30, 1}} {
		last := 0.0
		for order := 1.01; order < 12; order += 0.07 {
			d := p.divergence(order)
			if !(d > last) {
				t.Fatalf("%v: %g at order %g, %g before", p, d, order, last)
			}
			last = d
		}
	}
}

// TestPhases wants the same of steps that are counted in parts, and something between of mixed ones.
func TestPhases(t *testing.T) {
	for _, a := range []Accountant{RDP{}, PRV{}} {
		weak, strong := Phase{0.05, 2, 30}, Phase{0.05, 0.8, 30}
		whole := weak
		whole.Steps = 90
		part := weak
		part.Steps = 60
		if got, want := epsilon(t, a, 1e-5, weak, part), epsilon(t, a, 1e-5, whole); math.Abs(got.Epsilon-want.Epsilon) > 1e-6*want.Epsilon {
			t.Errorf("%s in parts: %v, want %v", a.Name(), got, want)
		}
		low, mixed := epsilon(t, a, 1e-5, weak, weak), epsilon(t, a, 1e-5, weak, strong)
		if high := epsilon(t, a, 1e-5, strong, strong); !(low.Epsilon < mixed.Epsilon && mixed.Epsilon < high.Epsilon) {
			t.Errorf("%s mixed: %v, want between %v and %v", a.Name(), mixed, low, high)
		}
		if g := epsilon(t, a, 1e-5); g != (Guarantee{}) {
			t.Errorf("%s of nothing: %v", a.Name(), g)
		}
		if g := epsilon(t, a, 1e-5, Phase{0.1, 1, 0}); g != (Guarantee{}) {
			t.Errorf("%s of no steps: %v", a.Name(), g)
		}
	}
	// Without sampling the loss is normal, and known; next to a phase that hardly counts it is composed numerically.
	exact := epsilon(t, PRV{}, 1e-6, Phase{1, 4, 20})
	if got := epsilon(t, PRV{}, 1e-6, Phase{1, 4, 12}, Phase{1, 4, 8}, Phase{1e-9, 5, 1}); math.Abs(got.Estimate-exact.Estimate) > 1e-4 {
		t.Errorf("composed numerically: %v, want %v", got, exact)
	}
}

// TestBounds wants bounds in order, and that of RDP above the estimate of PRV, over the whole range of settings, the extremes
// included, within the bounded number of points.
func TestBounds(t *testing.T) {
	if testing.Short() {
		t.Skip("large transforms: not with -short")
	}
	for _, p := range []Phase{
		{0.001, 0.5, 1e5}, {1, 0.5, 1e5}, {0.3, 0.01, 10}, {1e-6, MaxNoiseMultiplier, 1e6}, {0.02, 1, 1},
	} {
		for _, delta := range []float64{1e-8, 0.5} {
			rdp, prv := epsilon(t, RDP{}, delta, p), epsilon(t, PRV{}, delta, p)
			if !(prv.Lower <= prv.Estimate && prv.Estimate <= prv.Epsilon && prv.Estimate <= rdp.Epsilon+1e-6) {
				t.Errorf("%v at %g: prv %v, rdp %v", p, delta, prv, rdp)
			}
		}
	}
}

func TestNoiseMultiplier(t *testing.T) {
	for _, a := range []Accountant{RDP{}, PRV{}} {
		for _, target := range []float64{0.3, 2, 30} {
			for _, p := range []Phase{{1, 0, 3}, {0.01, 0, 500}} {
				noise, err := NoiseMultiplier(a, target, 1e-5, p)
				if err != nil {
					t.Fatal(err)
				}
				p.NoiseMultiplier = noise
				if got := epsilon(t, a, 1e-5, p).Epsilon; got > target || got < target*(1-2e-4) {
					t.Errorf("%s, %v: epsilon %g, want %g", a.Name(), p, got, target)
				}
				p.NoiseMultiplier *= 1 - 2e-5
				if got := epsilon(t, a, 1e-5, p).Epsilon; got <= target {
					t.Errorf("%s, %v: less noise is enough: %g for %g", a.Name(), p, got, target)
				}
			}
		}
	}
	if noise, err := NoiseMultiplier(RDP{}, 1e9, 1e-5, Phase{0.1, 0, 1}); err != nil || noise != MinNoiseMultiplier {
		t.Errorf("a budget that is not used up: %g, %v", noise, err)
	}
}

// TestParameters names each parameter that is out of range.
func TestParameters(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		a     Accountant
		delta float64
		p     Phase
		want  string
	}{
		{RDP{}, 0, Phase{0.1, 1, 1}, "delta 0"}, {PRV{}, 1, Phase{0.1, 1, 1}, "delta 1"}, {PRV{}, nan, Phase{0.1, 1, 1}, "delta NaN"},
		{RDP{}, 1e-5, Phase{0, 1, 1}, "sample rate 0"}, {PRV{}, 1e-5, Phase{1.01, 1, 1}, "sample rate 1.01"},
		{RDP{}, 1e-5, Phase{nan, 1, 1}, "sample rate NaN"}, {PRV{}, 1e-5, Phase{0.1, 0, 1}, "noise multiplier 0"},
		{RDP{}, 1e-5, Phase{0.1, -1, 1}, "noise multiplier -1"}, {RDP{}, 1e-5, Phase{0.1, inf, 1}, "noise multiplier +Inf"},
		{RDP{}, 1e-5, Phase{0.1, 1, -1}, "-1 steps"}, {PRV{}, 1e-5, Phase{0.1, 1, math.MaxInt}, "steps"},
		{RDP{Orders: []float64{2, 1}}, 1e-5, Phase{0.1, 1, 1}, "order 1"}, {RDP{Orders: []float64{inf}}, 1e-5, Phase{0.1, 1, 1}, "order +Inf"},
		{PRV{EpsilonError: -1}, 1e-5, Phase{0.1, 1, 1}, "epsilon error -1"}, {PRV{DeltaError: 1e-5}, 1e-5, Phase{0.1, 1, 1}, "delta error 1e-05"},
		{PRV{}, 1e-13, Phase{0.1, 1, 1}, "rounding error"},
	} {
		if g, err := c.a.Epsilon(c.delta, c.p); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s at %g of %v: %v, %v, want an error with %q", c.a.Name(), c.delta, c.p, g, err, c.want)
		}
	}
	for _, c := range []struct {
		target, delta float64
		want          string
	}{{0, 1e-5, "epsilon 0"}, {inf, 1e-5, "epsilon +Inf"}, {nan, 1e-5, "epsilon NaN"}, {1, 2, "delta 2"}, {0.05, 1e-5, "no noise"}} {
		if noise, err := NoiseMultiplier(RDP{}, c.target, c.delta, Phase{0.1, 0, 10}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("noise for %v: %g, %v", c, noise, err)
		}
	}
	if _, err := NewAccountant("gdp"); err == nil || !strings.Contains(err.Error(), `"gdp"`) {
		t.Errorf("accountant gdp: %v", err)
	}
	for _, a := range []Accountant{RDP{}, PRV{}} {
		if got, err := NewAccountant(a.Name()); err != nil || got.Name() != a.Name() {
			t.Errorf("accountant %s: %v, %v", a.Name(), got, err)
		}
	}
}

// TestMills compares both ways of the ratio where they meet, and the far tail with its series.
func TestMills(t *testing.T) {
	for _, x := range []float64{4, 5, 6, 10} {
		want := math.Erfc(x/math.Sqrt2) / 2 * math.Sqrt(2*math.Pi) * math.Exp(x*x/2)
		if got := mills(x); math.Abs(got/want-1) > 1e-12 {
			t.Errorf("mills(%g) = %g, want %g", x, got, want)
		}
	}
	if got, want := mills(1e6), 1e-6*(1-1e-12); math.Abs(got/want-1) > 1e-15 {
		t.Errorf("mills(1e6) = %g, want %g", got, want)
	}
}

func TestTransformSize(t *testing.T) {
	for n := 2; n < 3000; n++ {
		size := transformSize(n)
		if size < n || size%2 != 0 || n > 16 && size > n+n/4 {
			t.Fatalf("%d points for %d", size, n)
		}
	}
}
