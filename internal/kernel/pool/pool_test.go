package pool

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/onnxrun/onnxrun/internal/cpu"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
)

func randomGeom(r *rand.Rand, rank int) Geom {
	g := Geom{Planes: 1 + r.IntN(5), Rank: rank}
	for i := range rank {
		for {
			a := window.Attrs{Kernel: []int{1 + r.IntN(6)}, Strides: []int{1 + r.IntN(3)}, Dilations: []int{1 + r.IntN(2)},
				Ceil: r.IntN(2) == 0, AutoPad: window.AutoPad(r.IntN(4))}
			lo := r.IntN(a.Kernel[0])
			a.Pads = []int{lo, r.IntN(a.Kernel[0])}
			x, err := a.Axis(0, 1+r.IntN(30))
			if err == nil && x.Out > 0 {
				g.Axes[i] = x
				break
			}
		}
	}
	return g
}

func close(t *testing.T, what string, got, want []float32) {
	t.Helper()
	for i := range want {
		if d := math.Abs(float64(got[i] - want[i])); !(d <= 1e-5) && got[i] != want[i] {
			t.Fatalf("%s: element %d is %v, want %v", what, i, got[i], want[i])
		}
	}
}

// levels runs f with the features of every kernel row that works here.
func levels(f func(name string)) {
	for _, k := range window.All() {
		undo := cpu.Set(k.Needs)
		f(k.Name)
		undo()
	}
}

func TestFloat32(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for i := range 600 {
		g := randomGeom(r, 1+i%3)
		x := make([]float32, g.Planes*g.InSize())
		for i := range x {
			x[i] = r.Float32() - 0.5
		}
		n := g.Planes * g.OutSize()
		want, got := make([]float32, n), make([]float32, n)
		levels(func(level string) {
			Max(&g, x, want, nil, false, float32(math.Inf(-1)))
			MaxF32(1+i%2, &g, x, got)
			close(t, fmt.Sprintf("%s max %+v", level, g), got, want)
			for _, include := range []bool{false, true} {
				Average(&g, x, want, include)
				AverageF32(1+i%2, &g, x, got, include)
				close(t, fmt.Sprintf("%s average %v %+v", level, include, g), got, want)
			}
		})
	}
}

// TestCovered compares windows that are as large as the planes with the plain loops, and passes over what is no number as they do.
func TestCovered(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 8))
	for i := range 200 {
		g := Geom{Planes: 1 + r.IntN(40), Rank: 1 + i%3}
		for j := range g.Rank {
			n := 1 + r.IntN([]int{200, 20, 7}[i%3])
			g.Axes[j] = window.Axis{In: n, Out: 1, Kernel: n, Stride: 1 + r.IntN(9), Dilation: 1}
		}
		x, nans := make([]float32, g.Planes*g.InSize()), make([]float32, g.Planes*g.InSize())
		for i := range x {
			if x[i] = r.Float32() - 0.5; r.IntN(4) > 0 {
				nans[i] = float32(math.NaN())
			} else {
				nans[i] = x[i]
			}
		}
		want, got := make([]float32, g.Planes), make([]float32, g.Planes)
		levels(func(level string) {
			for what, x := range map[string][]float32{"numbers": x, "few numbers": nans} {
				Max(&g, x, want, nil, false, float32(math.Inf(-1)))
				MaxF32(1+i%2, &g, x, got)
				close(t, fmt.Sprintf("%s max of %s %+v", level, what, g), got, want)
			}
			for _, include := range []bool{false, true} {
				Average(&g, x, want, include)
				AverageF32(1+i%2, &g, x, got, include)
				close(t, fmt.Sprintf("%s average %v %+v", level, include, g), got, want)
			}
		})
	}
}

// TestColumnsFirst compares windows without padding that go down the columns first with the plain loops.
func TestColumnsFirst(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 7))
	taken := 0
	for range 300 {
		g := Geom{Planes: 1 + r.IntN(40), Rank: 2}
		for i := range 2 {
			a := window.Axis{Kernel: 2 + r.IntN(8), Stride: 1 + r.IntN(8), Dilation: 1 + r.IntN(2), Out: 1 + r.IntN(4)}
			a.In = (a.Out-1)*a.Stride + a.Extent() + r.IntN(a.Stride)
			g.Axes[i] = a
		}
		if !columnsFirst(g.axes()) {
			continue
		}
		taken++
		x := make([]float32, g.Planes*g.InSize())
		for i := range x {
			if x[i] = r.Float32() - 0.5; r.IntN(50) == 0 {
				x[i] = lowest
			}
		}
		n := g.Planes * g.OutSize()
		want, got, again := make([]float32, n), make([]float32, n), make([]float32, n)
		levels(func(level string) {
			Max(&g, x, want, nil, false, lowest)
			MaxF32(1, &g, x, got)
			close(t, fmt.Sprintf("%s max %+v", level, g), got, want)
			Average(&g, x, want, false)
			AverageF32(1, &g, x, got, true)
			close(t, fmt.Sprintf("%s average %+v", level, g), got, want)
			if AverageF32(4, &g, x, again, false); !slices.Equal(got, again) {
				t.Fatalf("%s average %+v: 4 threads give other bits than one", level, g)
			}
		})
	}
	if taken < 100 {
		t.Errorf("%d of 300 went down the columns first, want at least 100", taken)
	}
	large := window.Axis{In: 700, Out: 100, Kernel: 7, Stride: 7, Dilation: 1}
	if columnsFirst(window.One, large, large) {
		t.Error("planes of 700x700 go down the columns first, in as much working memory")
	}
}

func TestGlobal(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 5))
	for size := 1; size < 200; size += 7 {
		const planes = 3
		g := Geom{Planes: planes, Rank: 1}
		g.Axes[0] = window.Axis{In: size, Out: 1, Kernel: size, Stride: 1, Dilation: 1}
		x := make([]float32, planes*size)
		for i := range x {
			x[i] = r.Float32() - 0.5
		}
		want, got := make([]float32, planes), make([]float32, planes)
		levels(func(level string) {
			Average(&g, x, want, false)
			GlobalAverageF32(1, planes, size, x, got)
			close(t, level+" average", got, want)
			Max(&g, x, want, nil, false, 0)
			GlobalMaxF32(2, planes, size, x, got)
			close(t, level+" max", got, want)
		})
	}
}

// TestMaxPassesOverNaN compares every algorithm with the maxima of -inf in the place of NaN.
func TestMaxPassesOverNaN(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 9))
	low := float32(math.Inf(-1))
	for i := range 300 {
		g := randomGeom(r, 1+i%3)
		x, clean := make([]float32, g.Planes*g.InSize()), make([]float32, g.Planes*g.InSize())
		for i := range x {
			x[i] = r.Float32() - 0.5
			if clean[i] = x[i]; r.IntN(4) == 0 {
				x[i], clean[i] = float32(math.NaN()), low
			}
		}
		n := g.Planes * g.OutSize()
		want, got, whole := make([]float32, n), make([]float32, n), make([]float32, g.Planes)
		Max(&g, clean, want, nil, false, low)
		Max(&g, x, got, nil, false, low)
		close(t, "plain", got, want)
		levels(func(level string) {
			MaxF32(1, &g, x, got)
			close(t, fmt.Sprintf("%s %+v", level, g), got, want)
			GlobalMaxF32(1, g.Planes, g.InSize(), clean, whole)
			GlobalMaxF32(1, g.Planes, g.InSize(), x, got[:g.Planes])
			close(t, level+" whole planes", got[:g.Planes], whole)
		})
	}
}

func TestMaxIndices(t *testing.T) {
	g := Geom{Planes: 2, Rank: 2}
	a := window.Attrs{Kernel: []int{2, 2}, Strides: []int{2, 2}}
	for i, in := range []int{4, 6} {
		g.Axes[i], _ = a.Axis(i, in)
	}
	x := make([]float32, 2*24)
	for i := range x {
		x[i] = float32(i)
	}
	y, idx := make([]float32, 12), make([]int64, 12)
	Max(&g, x, y, idx, false, 0)
	if idx[0] != 7 || idx[6] != 24+7 {
		t.Errorf("row-major indices: %v", idx)
	}
	Max(&g, x, y, idx, true, 0)
	if idx[0] != 1+4 || idx[1] != 1+3*4 || idx[6] != 24+5 {
		t.Errorf("column-major indices: %v", idx)
	}
}

func TestNoAllocation(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 6))
	g := randomGeom(r, 2)
	x, y := make([]float32, g.Planes*g.InSize()), make([]float32, g.Planes*g.OutSize())
	if n := testing.AllocsPerRun(50, func() { MaxF32(1, &g, x, y); AverageF32(1, &g, x, y, true) }); n > 0 {
		t.Errorf("%v allocations per run, want 0", n)
	}
}

func BenchmarkMaxF32(b *testing.B) {
	g := Geom{Planes: 64, Rank: 2}
	a := window.Attrs{Kernel: []int{3, 3}, Strides: []int{2, 2}, Pads: []int{1, 1, 1, 1}}
	for i := range 2 {
		g.Axes[i], _ = a.Axis(i, 112)
	}
	x, y := make([]float32, g.Planes*g.InSize()), make([]float32, g.Planes*g.OutSize())
	for b.Loop() {
		MaxF32(1, &g, x, y)
	}
	b.ReportMetric(float64(len(x))*float64(b.N)/b.Elapsed().Seconds()/1e9, "Gelem/s")
}

// BenchmarkStrides is the measurement behind columnsFirst: kernels, strides and numbers of outputs along an axis.
func BenchmarkStrides(b *testing.B) {
	for _, c := range [][3]int{{7, 1, 1}, {7, 2, 2}, {9, 1, 4}, {3, 1, 1}, {3, 3, 2}, {3, 3, 9}, {3, 3, 37}, {2, 4, 16}, {5, 3, 12}, {4, 4, 28}, {7, 7, 2}, {7, 7, 16}, {14, 14, 4}} {
		g := Geom{Planes: 64, Rank: 2}
		for i := range 2 {
			g.Axes[i] = window.Axis{In: (c[2]-1)*c[1] + c[0], Out: c[2], Kernel: c[0], Stride: c[1], Dilation: 1}
		}
		x, y := make([]float32, g.Planes*g.InSize()), make([]float32, g.Planes*g.OutSize())
		for i := range x {
			x[i] = float32(i * 7919 % 1021)
		}
		_, h, w := g.axes()
		for kind, what := range []string{kindMax: "max", kindAverage: "average"} {
			for way, run := range map[string]func(){
				"frames":  func() { runFrames(1, &g, Kind(kind), x, y) },
				"columns": func() { runColumns(1, g.Planes, h, w, Kind(kind), x, y) },
			} {
				b.Run(fmt.Sprintf("%s of %d at stride %d, %d outputs, %s", what, c[0], c[1], c[2], way), func(b *testing.B) {
					for b.Loop() {
						run()
					}
					b.ReportMetric(float64(len(x))*float64(b.N)/b.Elapsed().Seconds()/1e9, "Gelem/s")
				})
			}
		}
	}
}
