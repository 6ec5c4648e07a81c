package privacy

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"
)

// fixed returns the source of a key that is 0, 1, 2...
func fixed(t testing.TB) *Source {
	t.Helper()
	key := make([]byte, KeySize)
	for i := range key {
		key[i] = byte(i)
	}
	s, err := NewSource(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// kolmogorov returns the greatest distance between the distribution of x and cdf, times the root of the number.
func kolmogorov(x []float64, cdf func(float64) float64) float64 {
	x = slices.Sorted(slices.Values(x))
	n, worst := float64(len(x)), 0.0
	for i, v := range x {
		p := cdf(v)
		worst = max(worst, math.Abs(p-float64(i)/n), math.Abs(p-float64(i+1)/n))
	}
	return worst * math.Sqrt(n)
}

func normalCDF(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }

// TestNormalDistribution compares draws of several streams with the normal distribution: by the test of Kolmogorov and Smirnov,
// whose statistic exceeds 1.95 once in a thousand, and by moments, within four of their standard errors.
func TestNormalDistribution(t *testing.T) {
	const n = 200000
	x := make([]float64, n)
	for stream := range uint64(4) {
		fixed(t).Normals(x, stream)
		if got := kolmogorov(x, normalCDF); got > 1.95 {
			t.Errorf("stream %d: the statistic is %.3f, want below 1.95", stream, got)
		}
		// Moments of the normal distribution are 0, 1, 0, 3, 0, 15; those of twice the power give their errors.
		want := []float64{1, 0, 1, 0, 3, 0, 15, 0, 105, 0, 945, 0, 10395}
		for power := 1; power <= 6; power++ {
			sum := 0.0
			for _, v := range x {
				sum += math.Pow(v, float64(power)) / n
			}
			deviation := math.Sqrt((want[2*power] - want[power]*want[power]) / n)
			if math.Abs(sum-want[power]) > 4*deviation {
				t.Errorf("stream %d: moment %d is %g, want %g by %g", stream, power, sum, want[power], deviation)
			}
		}
		product := 0.0 // of neighbours, whose mean has the error of one moment
		for i := range x[1:] {
			product += x[i] * x[i+1] / n
		}
		if math.Abs(product) > 4/math.Sqrt(n) {
			t.Errorf("stream %d: neighbours correlate by %g", stream, product)
		}
	}
}

// TestNormalTail counts draws beyond some places, the tail of the ziggurat among them: binomial counts, within four deviations.
func TestNormalTail(t *testing.T) {
	const n = 4000000
	x := make([]float64, n)
	fixed(t).Normals(x, 99)
	for _, place := range []float64{1, 2, 3, 3.5, zigguratEdge, 3.8, 4.2, 4.8} {
		above, below := 0.0, 0.0
		for _, v := range x {
			if v > place {
				above++
			} else if v < -place {
				below++
			}
		}
		want := n * normalCDF(-place)
		for side, got := range []float64{above, below} {
			if math.Abs(got-want) > 4*math.Sqrt(want) {
				t.Errorf("%g beyond %g on side %d, want %g", got, place, side, want)
			}
		}
	}
}

// TestNormalLayers counts draws between the quantiles of 256 equal shares, where a wrong layer of the ziggurat would show: a
// chi-square of 255 degrees of freedom exceeds 330.5 once in a thousand.
func TestNormalLayers(t *testing.T) {
	const n = 1 << 20
	x := make([]float64, n)
	fixed(t).Normals(x, 7)
	counts := make([]float64, 256)
	for _, v := range x {
		counts[min(255, int(256*normalCDF(v)))]++
	}
	sum := 0.0
	for _, c := range counts {
		sum += (c - n/256) * (c - n/256) / (n / 256)
	}
	if sum > 330.5 {
		t.Errorf("chi-square %.1f, want below 330.5", sum)
	}
}

// TestZigguratArea wants all layers to have one area, the lowest with the tail, and the top one to reach 1.
func TestZigguratArea(t *testing.T) {
	tail := math.Sqrt(math.Pi/2) * math.Erfc(zigguratEdge/math.Sqrt2)
	base := ziggurat[0]
	if got := base.inner*math.Exp(-base.inner*base.inner/2) + tail; math.Abs(got/zigguratArea-1) > 1e-10 {
		t.Errorf("lowest layer: area %g, want %g", got, zigguratArea)
	}
	for i, layer := range ziggurat[1:] {
		if got := layer.unit * 0x1p53 * (layer.high - layer.low); math.Abs(got/zigguratArea-1) > 1e-6 {
			t.Errorf("layer %d: area %g, want %g", i+1, got, zigguratArea)
		}
	}
	if top := ziggurat[255]; top.high < 1-1e-9 || top.inner != 0 {
		t.Errorf("top layer %+v", top)
	}
}

func TestSourceStreams(t *testing.T) {
	s := fixed(t)
	x, y := make([]float64, 1000), make([]float64, 10)
	s.Normals(x, 3)
	s.Normals(y, 3)
	if !slices.Equal(x[:10], y) {
		t.Error("one stream gives two sequences")
	}
	for _, other := range []uint64{2, 4, 1 << 32, 3 << 8} {
		s.Normals(y, other)
		if y[0] == x[0] || y[1] == x[1] {
			t.Errorf("streams 3 and %d begin alike", other)
		}
	}
	z := make([]float32, 1000)
	for i := range z {
		z[i] = float32(i)
	}
	s.AddNormals(z, 2.5, 3)
	for i, v := range z {
		if want := float32(float64(i) + 2.5*x[i]); v != want {
			t.Fatalf("element %d is %g, want %g", i, v, want)
		}
	}
}

func TestSourceKeys(t *testing.T) {
	a, err := NewSource(nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := NewSource(nil)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(a.Key(), b.Key()) || len(a.Key()) != KeySize {
		t.Errorf("keys %x and %x", a.Key(), b.Key())
	}
	again, err := NewSource(a.Key())
	if err != nil {
		t.Fatal(err)
	}
	x, y := make([]float64, 5), make([]float64, 5)
	a.Normals(x, 1)
	again.Normals(y, 1)
	if !slices.Equal(x, y) {
		t.Error("one key gives two sequences")
	}
	if b.Normals(y, 1); slices.Equal(x, y) {
		t.Error("two keys give one sequence")
	}
	if _, err := NewSource(make([]byte, 16)); err == nil || !strings.Contains(err.Error(), "key of 16 bytes") {
		t.Errorf("a short key: %v", err)
	}
}

// TestSample wants sizes of samples to be binomial, members to be in order, and their places to be uniform.
func TestSample(t *testing.T) {
	const n, rounds, rate = 500, 2000, 0.03
	s := fixed(t)
	var places []float64
	var sum, square float64
	for stream := range uint64(rounds) {
		members, err := s.Sample(n, rate, stream)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.IsSorted(members) || len(slices.Compact(slices.Clone(members))) != len(members) {
			t.Fatalf("members %v", members)
		}
		sum += float64(len(members)) / rounds
		square += float64(len(members)*len(members)) / rounds
		for _, m := range members {
			places = append(places, float64(m)+float64(stream)/rounds)
		}
	}
	variance := n * rate * (1 - rate)
	if got := square - sum*sum; math.Abs(sum-n*rate) > 4*math.Sqrt(variance/rounds) || math.Abs(got/variance-1) > 4*math.Sqrt(2.0/rounds) {
		t.Errorf("sizes of mean %g and variance %g, want %g and %g", sum, got, n*rate, variance)
	}
	if got := kolmogorov(places, func(v float64) float64 { return v / n }); got > 1.95 {
		t.Errorf("the statistic of the places is %.3f, want below 1.95", got)
	}
	for rate, want := range map[float64]int{0: 0, 1: n} {
		if members, err := s.Sample(n, rate, 1); err != nil || len(members) != want {
			t.Errorf("rate %g: %d members, %v", rate, len(members), err)
		}
	}
	for _, rate := range []float64{-0.1, 1.1, math.NaN()} {
		if _, err := s.Sample(n, rate, 1); err == nil {
			t.Errorf("rate %g was taken", rate)
		}
	}
}

// TestNormalsInBulk wants normals to be those that are drawn one by one.
func TestNormalsInBulk(t *testing.T) {
	s := fixed(t)
	for _, n := range []int{1, 511, 512, 513, 100000} {
		x := make([]float64, n)
		s.Normals(x, 5)
		w := s.words(5, purposeNormals)
		for i, v := range x {
			if want := w.normal(); v != want {
				t.Fatalf("normal %d of %d is %g, want %g", i, n, v, want)
			}
		}
	}
}

func BenchmarkNormals(b *testing.B) {
	s, x := fixed(b), make([]float64, 1<<16)
	b.SetBytes(int64(8 * len(x)))
	for i := 0; b.Loop(); i++ {
		s.Normals(x, uint64(i))
	}
}

func BenchmarkAddNormals(b *testing.B) {
	s, x := fixed(b), make([]float32, 1<<16)
	for i := 0; b.Loop(); i++ {
		s.AddNormals(x, 0.5, uint64(i))
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(x)), "ns/parameter")
}
