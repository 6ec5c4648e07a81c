package finetune

import (
	"fmt"
	"math"
	"strings"

	"github.com/onnxrun/onnxrun/internal/kernel/optim"
	"github.com/onnxrun/onnxrun/internal/par"
)

// A Clip bounds gradients. The zero value bounds nothing.
type Clip struct {
	Norm  float64 // most that the Euclidean norm of all gradients together may be; 0: no limit
	Value float64 // most that the magnitude of an element may be, after Norm; 0: no limit
}

// clipEps is what PyTorch's clip_grad_norm_ adds to the norm that it divides by.
const clipEps = 1e-6

// Apply bounds gradients in place. It returns their norm before, and false if an element is infinite or not a number: then
// it changes nothing. The norm is a sum in float64 whose order depends on the lengths only; threads is how many goroutines
// may work on it.
func (c Clip) Apply(grads [][]float32, threads int) (norm float64, finite bool) {
	norm = GradientNorm(grads, threads)
	if math.IsInf(norm, 0) || math.IsNaN(norm) {
		return norm, false
	}
	factor := float32(c.factor(norm))
	if factor < 1 || c.Value > 0 {
		bound := func(g []float32) {
			if factor < 1 {
				optim.Scale(g, factor)
			}
			if c.Value > 0 {
				optim.Clamp(g, float32(c.Value))
			}
		}
		cut := &cutting{cut: cuts(grads), do: func(_ int, g []float32) { bound(g) }}
		par.Run(threads, len(cut.cut), cut)
	}
	return norm, true
}

// factor is what gradients of a norm are multiplied by, above 0 and at most 1.
func (c Clip) factor(norm float64) float64 {
	if c.Norm == 0 {
		return 1
	}
	return max(min(1, c.Norm/(norm+clipEps)), math.SmallestNonzeroFloat32)
}

// GradientNorm is the Euclidean norm of all gradients together; see Clip.Apply.
func GradientNorm(grads [][]float32, threads int) float64 {
	cut := &cutting{cut: cuts(grads)}
	sums := make([]float64, len(cut.cut))
	cut.do = func(i int, g []float32) { sums[i] = optim.SumSquares(g) }
	par.Run(threads, len(sums), cut)
	sum := 0.0
	for _, s := range sums {
		sum += s
	}
	return math.Sqrt(sum)
}

// cutLength is the number of elements in a piece of work.
const cutLength = 1 << 15

// cuts returns the pieces of several slices.
func cuts(slices [][]float32) [][]float32 {
	out := make([][]float32, 0, len(slices))
	for _, s := range slices {
		for len(s) > cutLength {
			out = append(out, s[:cutLength:cutLength])
			s = s[cutLength:]
		}
		out = append(out, s)
	}
	return out
}

// A cutting does something with every piece of several slices.
type cutting struct {
	cut [][]float32
	do  func(i int, piece []float32)
}

// Chunk implements par.Task.
func (c *cutting) Chunk(i int) { c.do(i, c.cut[i]) }

// ParseClip reads the text form of a bound of gradients: norm=1, value=0.5, both with a comma, or a number alone, which
// bounds the norm. An empty text bounds nothing.
func ParseClip(text string) (Clip, error) {
	c := Clip{}
	if strings.TrimSpace(text) == "" {
		return c, nil
	}
	settings := text
	if !strings.Contains(text, "=") {
		settings = "norm=" + text
	}
	s, err := parseSettings("clip", "clip:"+settings)
	if err != nil {
		return c, fmt.Errorf("finetune: clip %q: want norm=NUMBER or value=NUMBER", text)
	}
	s.text = text
	s.positive("norm", &c.Norm)
	s.positive("value", &c.Value)
	return c, s.finish()
}
