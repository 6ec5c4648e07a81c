package finetune

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/tensor"
)

func TestFanOf(t *testing.T) {
	for _, c := range []struct {
		shape   tensor.Shape
		layout  WeightLayout
		in, out int
	}{
		{tensor.Shape{10, 512}, OutIn, 512, 10},
		{tensor.Shape{512, 10}, InOut, 512, 10},
		{tensor.Shape{16, 8, 3, 5}, OutIn, 120, 240},
		{tensor.Shape{16, 8, 3, 5}, InOut, 240, 120},
		{tensor.Shape{7}, OutIn, 0, 0},
	} {
		if f := FanOf(c.shape, c.layout); f.In != c.in || f.Out != c.out {
			t.Errorf("%v: %d in, %d out, want %d and %d", c.shape, f.In, f.Out, c.in, c.out)
		}
	}
}

// TestInitializers has the moments that torch.nn.init documents: the standard deviation, and the bound where there is one.
func TestInitializers(t *testing.T) {
	shape := tensor.Shape{200, 60, 2, 2} // 240 inputs, 800 outputs
	for text, want := range map[string]struct{ mean, std, bound float64 }{
		"zeros":                                  {0, 0, 0},
		"constant:value=-1.5":                    {-1.5, 0, 1.5},
		"uniform":                                {0, 0.1 / math.Sqrt(12), 0.05},
		"uniform:low=1,high=3":                   {2, 2 / math.Sqrt(12), 3},
		"normal":                                 {0, 0.02, 0},
		"normal:mean=1,std=0.5":                  {1, 0.5, 0},
		"xavier-uniform":                         {0, math.Sqrt(2. / 1040), math.Sqrt(6. / 1040)},
		"xavier-normal:gain=2":                   {0, 2 * math.Sqrt(2./1040), 0},
		"kaiming-uniform":                        {0, math.Sqrt(1. / 720), math.Sqrt(1. / 240)},
		"kaiming-uniform:activation=relu":        {0, math.Sqrt(2. / 240), math.Sqrt(6. / 240)},
		"kaiming-normal:fan=out,activation=relu": {0, math.Sqrt(2. / 800), 0},
		"kaiming-normal:activation=tanh":         {0, 5. / 3 / math.Sqrt(240), 0},
		"kaiming-normal:slope=2":                 {0, math.Sqrt(0.4 / 240), 0},
		"orthogonal":                             {0, math.Sqrt(1. / 240), 0},
	} {
		init, err := ParseInitializer(text)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(text, init.Name()) {
			t.Errorf("%q is called %q", text, init.Name())
		}
		w := make([]float32, shape.Len())
		if err := init.Fill(w, FanOf(shape, OutIn), Random{Seed: 1, Stream: 2}); err != nil {
			t.Fatal(err)
		}
		wide := widened(w)
		mean, variance, _ := moments(wide)
		if std := math.Sqrt(variance); math.Abs(mean-want.mean) > 0.02*want.std+1e-9 || math.Abs(std-want.std) > 0.02*want.std+1e-9 {
			t.Errorf("%s: mean %v and deviation %v, want %v and %v", text, mean, std, want.mean, want.std)
		}
		top := max(-slices.Min(wide), slices.Max(wide))
		if want.bound > 0 && (top > want.bound*(1+1e-6) || top < 0.99*want.bound) {
			t.Errorf("%s: up to %v, want %v", text, top, want.bound)
		}
		again, other := make([]float32, len(w)), make([]float32, len(w))
		for _, err := range []error{init.Fill(again, FanOf(shape, OutIn), Random{Seed: 1, Stream: 2}), init.Fill(other, FanOf(shape, OutIn), Random{Seed: 1, Stream: 3})} {
			if err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(w, again) || want.std > 0 && slices.Equal(w, other) {
			t.Errorf("%s: not a function of seed and stream", text)
		}
	}
}

// TestOrthogonal multiplies the matrix with its transpose.
func TestOrthogonal(t *testing.T) {
	for _, shape := range []tensor.Shape{{5, 5}, {3, 8}, {8, 3}, {4, 2, 3}, {1, 4}, {4, 1}, {40, 130}} {
		w := make([]float32, shape.Len())
		if err := (OrthogonalInit{Gain: 2}).Fill(w, FanOf(shape, OutIn), Random{Seed: 4}); err != nil {
			t.Fatal(err)
		}
		rows, cols := shape[0], shape[1:].Len()
		at := func(i, k int) float64 { return float64(w[i*cols+k]) } // vector i, element k
		n, length := rows, cols
		if rows > cols {
			at, n, length = func(i, k int) float64 { return float64(w[k*cols+i]) }, cols, rows
		}
		for i := range n {
			for j := range n {
				dot, want := 0.0, 0.0
				for k := range length {
					dot += at(i, k) * at(j, k)
				}
				if i == j {
					want = 4
				}
				if math.Abs(dot-want) > 1e-5 {
					t.Errorf("%v: vectors %d and %d have product %v, want %v", shape, i, j, dot, want)
				}
			}
		}
	}
}

func TestInitializersRefuse(t *testing.T) {
	for text, want := range map[string]string{
		"":                               "want NAME",
		"ones":                           `unknown name "ones"`,
		"uniform:low=1":                  "high is below low",
		"normal:std=-1":                  "std is",
		"kaiming-normal:fan=middle":      "want one of in, out",
		"kaiming-normal:activation=gelu": "want one of linear",
		"xavier-uniform:gain=0":          "above 0",
		"orthogonal:std=1":               "unknown setting",
	} {
		_, err := ParseInitializer(text)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "finetune: ") {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
	for _, text := range []string{"xavier-normal", "kaiming-uniform", "kaiming-normal:fan=out", "orthogonal"} {
		init, err := ParseInitializer(text)
		if err != nil {
			t.Fatal(err)
		}
		if err := init.Fill(make([]float32, 3), FanOf(tensor.Shape{3}, OutIn), Random{}); err == nil || !strings.Contains(err.Error(), "at least 2 axes") {
			t.Errorf("%s of a vector: got %v", text, err)
		}
	}
	if err := (OrthogonalInit{}).Fill(make([]float32, maxOrthogonal+1), FanOf(tensor.Shape{1, maxOrthogonal + 1}, OutIn), Random{}); err == nil {
		t.Error("a huge matrix was taken apart")
	}
	if _, err := ActivationGain("gelu", 0); err == nil {
		t.Error("gelu has a gain")
	}
}
