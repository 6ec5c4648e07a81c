package batchnorm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/onnxrun/onnxrun/internal/cpu"
)

// variants runs f with each row of kernels that the processor can run.
func variants(t *testing.T, f func(t *testing.T)) {
	before := active
	defer func() { active = before }()
	for _, k := range append([]kernels{generic}, assembly...) {
		t.Run(k.name, func(t *testing.T) {
			if !cpu.Has(k.needs) {
				t.Skipf("batchnorm/%s: needs %v", k.name, k.needs)
			}
			active = &k
			f(t)
		})
	}
}

var shapes = []Shape{{1, 1, 1}, {5, 3, 1}, {300, 16, 1}, {131, 24, 1}, {257, 33, 1}, {140, 70, 1}, {1000, 96, 1}, {2, 1280, 1}, {5000, 40, 1}, {3, 5, 7}, {2, 16, 49}, {1, 4, 1}}

func random(r *rand.Rand, n int, at, scale float32) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = at + scale*float32(r.NormFloat64())
	}
	return x
}

func TestStatistics(t *testing.T) {
	variants(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 2))
		for _, s := range shapes {
			for _, at := range []float32{0, -3, 1000} {
				x := random(r, s.Len(), at, 2)
				mean, variance := make([]float32, s.Channels), make([]float32, s.Channels)
				Statistics(s, x, mean, variance, 1)
				for c := range mean {
					m, v := exactMoments(s, x, c)
					if math.Abs(float64(mean[c])-m) > 4e-6*(2+1e-1*math.Abs(m)) || math.Abs(float64(variance[c])-v) > 2e-5*v+1e-9 {
						t.Fatalf("%v around %v, channel %d: %v and %v, want %v and %v", s, at, c, mean[c], variance[c], m, v)
					}
				}
			}
		}
	})
}

func exactMoments(s Shape, x []float32, c int) (mean, variance float64) {
	n := float64(s.Outer * s.Inner)
	each(s, c, func(i int) { mean += float64(x[i]) / n })
	each(s, c, func(i int) { variance += (float64(x[i]) - mean) * (float64(x[i]) - mean) / n })
	return mean, variance
}

// each calls f with the index of each element of a channel.
func each(s Shape, c int, f func(i int)) {
	for o := range s.Outer {
		for i := range s.Inner {
			f((o*s.Channels+c)*s.Inner + i)
		}
	}
}

var gates = []Gate{Open, {0, float32(math.Inf(1)), 0}, {0, 6, 0}, {0, float32(math.Inf(1)), 0.2}}

// operands returns those of a gradient of random numbers.
func operands(r *rand.Rand, s Shape, gate Gate) *Grad {
	g := &Grad{X: random(r, s.Len(), 1, 2), DY: random(r, s.Len(), 0.1, 1), Gate: gate, DX: make([]float32, s.Len())}
	g.Mean, g.Inv = make([]float32, s.Channels), make([]float32, s.Channels)
	Statistics(s, g.X, g.Mean, g.Inv, 1)
	for c, v := range g.Inv {
		g.Inv[c] = float32(1 / math.Sqrt(float64(v)+1e-5))
	}
	g.Scale, g.Bias = random(r, s.Channels, 1, 0.5), random(r, s.Channels, 0, 1)
	g.DScale, g.DBias = make([]float32, s.Channels), make([]float32, s.Channels)
	return g
}

func TestGradient(t *testing.T) {
	variants(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(3, 4))
		for _, s := range shapes {
			for _, gate := range gates {
				g := operands(r, s, gate)
				Gradient(s, g, 1)
				for c := range s.Channels {
					if err := compare(s, g, c); err != nil {
						t.Fatalf("%v, gate %v, channel %d: %v", s, gate, c, err)
					}
				}
			}
		}
	})
}

// compare checks the results of a channel against sums in float64.
func compare(s Shape, g *Grad, c int) error {
	n, mean, inv := float64(s.Outer*s.Inner), float64(g.Mean[c]), float64(g.Inv[c])
	through := func(i int) float64 {
		v := float32((g.X[i]-g.Mean[c])*float32(g.Inv[c]*g.Scale[c])) + g.Bias[c]
		if v > g.Gate.Low && v < g.Gate.High {
			return float64(g.DY[i])
		}
		return float64(g.DY[i]) * float64(g.Gate.Slope)
	}
	var sum, dot, size float64
	each(s, c, func(i int) {
		d := through(i)
		sum, dot, size = sum+d, dot+d*(float64(g.X[i])-mean)*inv, size+math.Abs(d)
	})
	if tol := 1e-6 * (size + 1); math.Abs(float64(g.DBias[c])-sum) > tol || math.Abs(float64(g.DScale[c])-dot) > 4*tol {
		return fmt.Errorf("sums %v and %v, want %v and %v", g.DBias[c], g.DScale[c], sum, dot)
	}
	var err error
	each(s, c, func(i int) {
		h := (float64(g.X[i]) - mean) * inv
		want := float64(g.Scale[c]) * inv * (through(i) - sum/n - h*dot/n)
		if tol := 1e-5 * float64(g.Scale[c]) * inv * (math.Abs(float64(g.DY[i])) + 1); math.Abs(float64(g.DX[i])-want) > math.Abs(tol) {
			err = fmt.Errorf("element %d is %v, want %v", i, g.DX[i], want)
		}
	})
	return err
}

func TestEqualBitsAndInPlace(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, s := range shapes {
		g := operands(r, s, gates[2])
		dy := slices.Clone(g.DY)
		Gradient(s, g, 1)
		want := slices.Clone(g.DX)
		for _, threads := range []int{2, 3, 5} {
			copy(g.DY, dy)
			g.DX = g.DY
			Gradient(s, g, threads)
			if !slices.Equal(g.DX, want) {
				t.Fatalf("%v: %d threads give other bits than one", s, threads)
			}
		}
	}
}

func TestNaNStaysInItsChannel(t *testing.T) {
	variants(t, func(t *testing.T) {
		s := Shape{50, 21, 1}
		x := random(rand.New(rand.NewPCG(7, 8)), s.Len(), 0, 1)
		x[30*21+20] = float32(math.NaN())
		mean, variance := make([]float32, 21), make([]float32, 21)
		Statistics(s, x, mean, variance, 2)
		for c := range mean {
			if nan := math.IsNaN(float64(mean[c])) && math.IsNaN(float64(variance[c])); nan != (c == 20) {
				t.Errorf("channel %d: mean %v, variance %v", c, mean[c], variance[c])
			}
		}
	})
}

// TestNormalize compares with plain loops: with another summand or none, bounds or none, over x, with NaN among the elements.
func TestNormalize(t *testing.T) {
	variants(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(5, 4))
		for _, s := range shapes {
			for i, gate := range gates[:3] {
				g := operands(r, Shape{s.Outer * s.Inner, s.Channels, 1}, gate)
				g.X[r.IntN(len(g.X))] = float32(math.NaN())
				n := Normalization{X: g.X, Mean: g.Mean, Inv: g.Inv, Scale: g.Scale, Bias: g.Bias, Low: gate.Low, High: gate.High, Y: g.DX}
				want := make([]float32, len(g.X))
				for i, v := range g.X {
					c := i % s.Channels
					want[i] = float32((v-g.Mean[c])*float32(g.Inv[c]*g.Scale[c])) + g.Bias[c]
				}
				if i > 0 {
					n.Residual = g.DY
					for i, v := range g.DY {
						want[i] += v
					}
				}
				Normalize(s.Outer*s.Inner, &n, 1)
				over := n
				over.Y = g.X
				Normalize(s.Outer*s.Inner, &over, 3)
				for i, v := range want {
					v = min(max(v, gate.Low), gate.High)
					if y := n.Y[i]; math.Abs(float64(y-v)) > 1e-6*(1+math.Abs(float64(v))) || (y == y) != (v == v) || math.Float32bits(y) != math.Float32bits(over.Y[i]) {
						t.Fatalf("%v, %v: element %d is %v, over x %v, want %v", s, gate, i, y, over.Y[i], v)
					}
				}
			}
		}
	})
}

func BenchmarkGradient(b *testing.B) {
	for _, s := range []Shape{{8 * 56 * 56, 64, 1}, {8 * 56 * 56, 144, 1}, {8 * 7 * 7, 960, 1}} {
		for _, gate := range gates[:2] {
			b.Run(fmt.Sprint(s, gate.Slope), func(b *testing.B) {
				g := operands(rand.New(rand.NewPCG(1, 1)), s, gate)
				b.SetBytes(int64(4 * 5 * s.Len()))
				for b.Loop() {
					Gradient(s, g, 1)
				}
			})
		}
	}
}
