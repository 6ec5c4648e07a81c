//go:build !race

// The race detector makes pools forget at random.

package reduce

import "testing"

func TestParallelAllocations(t *testing.T) {
	x, y := make([]float32, 1<<17), make([]float32, 1<<17)
	axis := []bool{true, false, true}
	scratch := make([]float32, 128*32)
	for name, f := range map[string]func(){
		"softmax":       func() { Softmax(y, x, 128, 1024, 2) },
		"layer norm":    func() { LayerNorm(y, x, RowNorm{Rows: 128, Cols: 1024, Eps: 1e-5, Scale: x[:1024]}, 2) },
		"long sum":      func() { Of(Sum, y, x, 1, 1<<17, 1, 2) },
		"sum of axes":   func() { Axes(Mean, y, x, []int{128, 32, 32}, axis, scratch, 2) },
		"log sum exp":   func() { Of(LogSumExp, y, x, 128, 1024, 1, 2) },
		"softmax, axis": func() { SoftmaxAxis(y, x, 1, 128, 1024, 2) },
		"small softmax": func() { Softmax(y, x, 1, 10, 1) },
	} {
		if n := testing.AllocsPerRun(10, f); n > 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}
