package ops_test

import (
	"math"
	"slices"
	"testing"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// draw runs a random operator of version 22 with a seed, and returns its output as numbers.
func draw(t *testing.T, name string, attrs ops.Attrs, in ...*tensor.Tensor) []float64 {
	t.Helper()
	out, err := ops.Default().Find("", name, 22).Eval(append(attrs, onnx.NewFloat("seed", 7)), 1, in...)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return tensor.Float64s(out[0], out[0].Len())
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

// TestRandomDistributions compares draws of fixed seeds with the distributions they are from: by the test of Kolmogorov and
// Smirnov, whose statistic exceeds 1.95 once in a thousand, and by mean and variance.
func TestRandomDistributions(t *testing.T) {
	const n = 20000
	normal := func(v float64) float64 { return math.Erfc(-(v-2)/3/math.Sqrt2) / 2 }
	uniform := func(v float64) float64 { return (v + 1) / 5 }
	like := tensor.New(tensor.Float32, n)
	for _, c := range []struct {
		name           string
		attrs          ops.Attrs
		in             []*tensor.Tensor
		cdf            func(float64) float64
		mean, variance float64
	}{
		{"RandomNormal", ops.Attrs{onnx.NewInts("shape", n), onnx.NewFloat("mean", 2), onnx.NewFloat("scale", 3)}, nil, normal, 2, 9},
		{"RandomNormalLike", ops.Attrs{onnx.NewFloat("mean", 2), onnx.NewFloat("scale", 3)}, []*tensor.Tensor{like}, normal, 2, 9},
		{"RandomUniform", ops.Attrs{onnx.NewInts("shape", n), onnx.NewFloat("low", -1), onnx.NewFloat("high", 4)}, nil, uniform, 1.5, 25.0 / 12},
		{"RandomUniformLike", ops.Attrs{onnx.NewFloat("low", -1), onnx.NewFloat("high", 4)}, []*tensor.Tensor{like}, uniform, 1.5, 25.0 / 12},
	} {
		for _, d := range []tensor.DType{tensor.Float32, tensor.Float64} {
			attrs := append(slices.Clone(c.attrs), onnx.NewInt("dtype", int64(d)))
			x := draw(t, c.name, attrs, c.in...)
			if got := kolmogorov(x, c.cdf); got > 1.95 {
				t.Errorf("%s of %v: the statistic is %.3f, want below 1.95", c.name, d, got)
			}
			mean, square := 0.0, 0.0
			for _, v := range x {
				mean += v / n
				square += v * v / n
			}
			if variance := square - mean*mean; math.Abs(mean-c.mean) > 0.08 || math.Abs(variance/c.variance-1) > 0.04 {
				t.Errorf("%s of %v: mean %.3f and variance %.3f, want %.3f and %.3f", c.name, d, mean, variance, c.mean, c.variance)
			}
			if again := draw(t, c.name, attrs, c.in...); !slices.Equal(x, again) {
				t.Errorf("%s of %v: one seed gives two streams", c.name, d)
			}
		}
		for _, d := range []tensor.DType{tensor.Float16, tensor.BFloat16} { // rounded, so that values repeat
			attrs := append(slices.Clone(c.attrs), onnx.NewInt("dtype", int64(d)))
			if got := kolmogorov(draw(t, c.name, attrs, c.in...), c.cdf); got > 3 {
				t.Errorf("%s of %v: the statistic is %.3f, want below 3", c.name, d, got)
			}
		}
	}
}

// chiSquare returns the statistic of observed counts against expected probabilities.
func chiSquare(counts []int, p []float64) float64 {
	n, sum := 0, 0.0
	for _, c := range counts {
		n += c
	}
	for i, c := range counts {
		want := float64(n) * p[i]
		sum += (float64(c) - want) * (float64(c) - want) / want
	}
	return sum
}

// TestRandomClasses compares counts of drawn classes with their probabilities: chi-square of 3 and of 1 degrees of freedom
// exceeds 16.3 and 10.8 once in a thousand.
func TestRandomClasses(t *testing.T) {
	p := []float64{0.1, 0.2, 0.3, 0.4}
	logits := tensor.New(tensor.Float32, 1, 4)
	for i, v := range p {
		tensor.Of[float32](logits)[i] = float32(math.Log(v) + 3) // not normalised
	}
	for _, d := range []tensor.DType{tensor.Int32, tensor.Int64} {
		counts := make([]int, 4)
		for _, v := range draw(t, "Multinomial", ops.Attrs{onnx.NewInt("sample_size", 20000), onnx.NewInt("dtype", int64(d))}, logits) {
			counts[int(v)]++
		}
		if got := chiSquare(counts, p); got > 16.3 {
			t.Errorf("Multinomial of %v: counts %v, chi-square %.2f", d, counts, got)
		}
	}
	chance := tensor.New(tensor.Float32, 20000)
	for i := range tensor.Of[float32](chance) {
		tensor.Of[float32](chance)[i] = 0.3
	}
	for _, d := range []tensor.DType{tensor.Float32, tensor.Bool, tensor.Int8, tensor.Uint64, tensor.BFloat16} {
		counts := make([]int, 2)
		for _, v := range draw(t, "Bernoulli", ops.Attrs{onnx.NewInt("dtype", int64(d))}, chance) {
			counts[int(v)]++
		}
		if got := chiSquare(counts, []float64{0.7, 0.3}); got > 10.8 {
			t.Errorf("Bernoulli of %v: counts %v, chi-square %.2f", d, counts, got)
		}
	}
}

// TestDropoutKeeps compares how many elements an unseeded Dropout keeps, and looks for other masks in other runs.
func TestDropoutKeeps(t *testing.T) {
	x := tensor.New(tensor.Float32, 20000)
	for i := range tensor.Of[float32](x) {
		tensor.Of[float32](x)[i] = 1
	}
	in := []*tensor.Tensor{x, tensor.Scalar[float32](0.3), tensor.Scalar(true)}
	run, out := boundOut(t, ops.Default().Find("", "Dropout", 13), nil, in)
	var last []float32
	for range 3 {
		run()
		y, counts := tensor.Of[float32](out[0]), make([]int, 2)
		for _, v := range y {
			switch {
			case v == 0:
				counts[0]++
			case math.Abs(float64(v)-1/0.7) < 1e-6:
				counts[1]++
			default:
				t.Fatalf("an element became %v, want 0 or 1/0.7", v)
			}
		}
		if got := chiSquare(counts, []float64{0.3, 0.7}); got > 15.1 { // once in ten thousand
			t.Errorf("dropped and kept: %v, chi-square %.2f", counts, got)
		}
		if slices.Equal(y, last) {
			t.Error("two runs dropped the same elements")
		}
		last = slices.Clone(y)
	}
}
