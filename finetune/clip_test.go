package finetune

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestClip has the values of torch.nn.utils.clip_grad_norm_ and clip_grad_value_ (PyTorch 2.15).
func TestClip(t *testing.T) {
	for _, c := range []struct {
		clip Clip
		norm float64
		want [][]float32
	}{
		{Clip{}, 13, [][]float32{{3, -4}, {12, 0}}},
		{Clip{Norm: 20}, 13, [][]float32{{3, -4}, {12, 0}}},
		{Clip{Norm: 1}, 13, [][]float32{{0.230769217, -0.307692289}, {0.923076868, 0}}},
		{Clip{Value: 3.5}, 13, [][]float32{{3, -3.5}, {3.5, 0}}},
		{Clip{Norm: 1, Value: 0.25}, 13, [][]float32{{0.230769217, -0.25}, {0.25, 0}}},
	} {
		grads := [][]float32{{3, -4}, {12, 0}}
		norm, finite := c.clip.Apply(grads, 1)
		if norm != c.norm || !finite {
			t.Errorf("%+v: norm %v, %v, want %v", c.clip, norm, finite, c.norm)
		}
		for i, g := range grads {
			for k := range g {
				if math.Abs(float64(g[k]-c.want[i][k])) > 1e-7 {
					t.Errorf("%+v: got %v, want %v", c.clip, grads, c.want)
				}
			}
		}
	}
}

func TestClipNotFinite(t *testing.T) {
	for _, odd := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		grads := [][]float32{{3, 4}, {float32(odd), 0}}
		if _, finite := (Clip{Norm: 1, Value: 1}).Apply(grads, 1); finite || grads[0][0] != 3 {
			t.Errorf("%v: finite %v, %v", odd, finite, grads)
		}
	}
	if norm, finite := (Clip{Norm: 1}).Apply([][]float32{{math.MaxFloat32, math.MaxFloat32}}, 1); !finite || math.IsInf(norm, 0) {
		t.Errorf("large gradients have norm %v", norm)
	}
	if norm, finite := (Clip{Norm: 1}).Apply(nil, 2); norm != 0 || !finite {
		t.Error("no gradients")
	}
}

// TestClipThreads compares bits over numbers of threads.
func TestClipThreads(t *testing.T) {
	r := Random{Seed: 1}
	gradients := func() [][]float32 {
		out := [][]float32{make([]float32, 3*cutLength+5), {}, make([]float32, 7)}
		for i, g := range out {
			for k := range g {
				g[k] = float32(r.Normal(uint64(i*len(out[0]) + k)))
			}
		}
		return out
	}
	want := gradients()
	norm, _ := Clip{Norm: 1, Value: 0.01}.Apply(want, 1)
	for _, threads := range []int{2, 3, 8} {
		got := gradients()
		if n, _ := (Clip{Norm: 1, Value: 0.01}).Apply(got, threads); n != norm || !reflect.DeepEqual(got, want) {
			t.Errorf("%d threads: norm %v, want %v", threads, n, norm)
		}
	}
	if after := GradientNorm(want, 1); after > 1 {
		t.Errorf("the norm is %v after it was bounded by 1", after)
	}
}

func TestParseClip(t *testing.T) {
	for text, want := range map[string]Clip{
		"": {}, "1": {Norm: 1}, "0.5": {Norm: 0.5}, "norm=2": {Norm: 2}, "value=0.1": {Value: 0.1}, "norm=1, value=0.1": {Norm: 1, Value: 0.1},
	} {
		if got, err := ParseClip(text); err != nil || got != want {
			t.Errorf("%q: got %+v, %v, want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{"x", "0", "-1", "norm=0", "norm=1,norm=2", "size=1", "norm=1,2", ",", "norm=inf"} {
		if _, err := ParseClip(text); err == nil || !strings.HasPrefix(err.Error(), `finetune: clip "`+text+`"`) {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

func TestAccumulator(t *testing.T) {
	a := NewAccumulator(2, 1)
	for range 2 {
		for _, g := range [][][]float32{{{1, 2}, {3}}, {{5, 6}, {7}}} {
			if err := a.Add(g, float64(g[0][0])); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 { // asking twice does not divide twice
			got := a.Mean()
			if !slices.EqualFunc(got[0], []float32{26. / 6, 32. / 6}, close32) || !slices.EqualFunc(got[1], []float32{38. / 6}, close32) {
				t.Errorf("got %v", got)
			}
		}
		a.Reset()
	}
	if err := a.Add([][]float32{{1, 2}}, 1); err == nil {
		t.Error("too few gradients were taken")
	}
	if err := a.Add([][]float32{{1, 2}, {1, 2}}, 1); err == nil {
		t.Error("a gradient of another length was taken")
	}
}

func close32(a, b float32) bool { return math.Abs(float64(a-b)) <= 1e-6*(1+math.Abs(float64(b))) }

func TestEMA(t *testing.T) {
	const d = 0.75
	w := []float64{1, 3, -2, 5}
	plain, corrected := []float32{10}, []float32{10}
	sum := 0.0 // of a moving average that starts at zero
	want := 10.0
	for i, v := range w {
		EMA{Decay: d}.Update(plain, []float32{float32(v)}, i+1)
		EMA{Decay: d, Correct: true}.Update(corrected, []float32{float32(v)}, i+1)
		want = d*want + (1-d)*v
		sum = d*sum + (1-d)*v
		unbiased := sum / (1 - math.Pow(d, float64(i+1)))
		if !close32(plain[0], float32(want)) || !close32(corrected[0], float32(unbiased)) {
			t.Errorf("step %d: %v and %v, want %v and %v", i+1, plain[0], corrected[0], want, unbiased)
		}
	}
}
