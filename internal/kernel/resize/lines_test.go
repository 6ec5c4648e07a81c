package resize

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/onnxrun/onnxrun/internal/kernel/window"
)

// TestLines compares lines that are resampled side by side with single ones, with rows behind them left alone.
func TestLines(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	s := window.GetScratch(0)
	for count := 1; count <= maxLines; count++ {
		spec := Spec{Mode: Mode(1 + r.IntN(2)), Scale: 0.3 + 2*r.Float32(), CubicA: -0.75}
		in := 2 + r.IntN(50)
		out := max(2, int(spec.Scale*float32(in)))
		table := NewTable[float32](&spec, in, out)
		x, want, got := make([]float32, count*in), make([]float32, count*out), make([]float32, count*out)
		for i := range x {
			x[i] = r.Float32()
		}
		from, to := 0, out
		if count == 1 {
			from, to = 1, out-r.IntN(out-1)
		}
		for i := range count {
			table.line(x[i*in:][:in], want[i*out:][:out], from, to)
		}
		table.lines(s, x, got, count, from, to)
		for i := range want {
			if math.Abs(float64(got[i]-want[i])) > 1e-5 {
				t.Fatalf("%d lines of %d to %d: element %d is %v, want %v", count, in, out, i, got[i], want[i])
			}
		}
	}
	s.Release()
}
