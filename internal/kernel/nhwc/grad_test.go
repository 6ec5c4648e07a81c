package nhwc

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/internal/kernel/conv"
	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/mem"
)

// TestGradX compares the gradients of inputs with plain loops on every kernel set.
func TestGradX(t *testing.T) {
	for _, kernels := range gemm.Kernels() {
		undo, _ := gemm.Use(kernels)
		for i, p := range problems() {
			t.Run(fmt.Sprintf("%s/%v", kernels, p), func(t *testing.T) { compareGradX(t, kernels, p.geom(), i) })
		}
		undo()
	}
}

func compareGradX(t *testing.T, kernels string, g conv.Geom, seed int) {
	rng := rand.New(rand.NewPCG(uint64(seed), 7))
	dy, w := randoms(rng, g.Batch*g.OutC*g.OutSize()), randoms(rng, g.OutC*g.InC/g.Groups*g.Taps())
	plan := NewGradXPlan(g)
	ref := run(bind(g.Flipped(), "reference", newTransposedReference(g.Flipped())), w, Args{X: dy}, 1)
	got := run(plan, w, Args{X: dy}, 1)
	if e := farthest(got, ref); e > 1e-4*math.Sqrt(float64(g.OutC/g.Groups*g.Taps())) {
		t.Fatalf("%s, %+v: off by %g", plan.Algorithm(), g, e)
	}
	if kernels == "generic" && plan.Algorithm() == "winograd turned" {
		return // the other parts of it have vectors of another length
	}
	if again := run(plan, w, Args{X: dy}, 3); !slices.Equal(got, again) {
		t.Fatalf("%s, %+v: three threads give other bits", plan.Algorithm(), g)
	}
}

// TestGradWRows does so for more axes than products take.
func TestGradWRows(t *testing.T) {
	axis := [6]int{4, 2, 2, 1, 1, 0}
	compareGradW(t, problem{2, 2, 4, 6, [][6]int{axis, {3, 2, 1, 1, 0, 1}, axis, {5, 3, 1, 2, 2, 2}}}.geom(), 1)
}

// TestGradW compares the gradients of filters with plain loops on every kernel set.
func TestGradW(t *testing.T) {
	for _, kernels := range gemm.Kernels() {
		undo, _ := gemm.Use(kernels)
		for i, p := range problems() {
			t.Run(fmt.Sprintf("%s/%v", kernels, p), func(t *testing.T) { compareGradW(t, p.geom(), i) })
		}
		undo()
	}
}

func compareGradW(t *testing.T, g conv.Geom, seed int) { compareGradPlan(t, NewGradW(g), seed) }

func compareGradPlan(t *testing.T, p *GradW, seed int) {
	g := p.g
	rng := rand.New(rand.NewPCG(uint64(seed), 8))
	x, dy := randoms(rng, g.Batch*g.InC*g.InSize()), randoms(rng, g.Batch*g.OutC*g.OutSize())
	planes, grads := make([]float64, len(x)), make([]float64, len(dy))
	transpose(planes, widened(x), g.Batch, g.InSize(), g.InC)
	transpose(grads, widened(dy), g.Batch, g.OutSize(), g.OutC)
	want := make([]float64, g.OutC*g.InC/g.Groups*g.Taps())
	conv.GradW(&g, planes, grads, want, 1)
	got := runGradW(p, x, dy, 1)
	for i, v := range want {
		if e := math.Abs(v - float64(got[i])); !(e <= 2e-5*math.Sqrt(float64(g.Batch*g.OutSize()))) {
			t.Fatalf("%+v: element %d is %g, want %g", g, i, got[i], v)
		}
	}
	if again := runGradW(p, x, dy, 3); !slices.Equal(got, again) {
		t.Fatalf("%+v: three threads give other bits", g)
	}
}

// TestGradWinograd compares the gradients of windows of 2×2 and 3×3 with plain loops on every kernel set, in one block and in several.
func TestGradWinograd(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	for _, kernels := range gemm.Kernels() {
		undo, _ := gemm.Use(kernels)
		for i := range 24 {
			taps := 2 + i/12
			p := problem{batch: 1 + rng.IntN(3), groups: 1, inC: 8 * (1 + rng.IntN(9)), outC: 8 * (1 + rng.IntN(9))}
			for range 2 {
				stride := 1 + rng.IntN(3)
				k, dilation := taps*stride-rng.IntN(stride), 1
				if stride == 1 {
					dilation += rng.IntN(2)
				}
				p.axes = append(p.axes, [6]int{k*dilation + rng.IntN(25), k, stride, dilation, rng.IntN(k), rng.IntN(k)})
			}
			t.Run(fmt.Sprintf("%s/%v", kernels, p), func(t *testing.T) {
				g := p.geom()
				alg := layOutGradTiled(g, taps)
				if i%2 == 0 {
					alg.block = 1 + rng.IntN(alg.tiles)
				}
				compareGradPlan(t, &GradW{g, "winograd", alg}, i)
			})
		}
		undo()
	}
}

// runGradW runs in memory full of NaN, to show what is read before it is written.
func runGradW(p *GradW, x, dy []float32, threads int) []float32 {
	g, nan := p.g, float32(math.NaN())
	a := GradWArgs{X: x, Dy: dy, Threads: threads}
	a.Dw = slices.Repeat([]float32{nan}, g.OutC*g.InC/g.Groups*g.Taps())
	a.Scratch = slices.Repeat([]float32{nan}, p.Scratch())
	p.Run(&a)
	return a.Dw
}

func widened(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

// TestGradBoth compares both gradients of depthwise convolutions, in memory full of NaN, with what either plan computes alone: in one band of
// rows and several, with the input's gradient written around the caches, too.
func TestGradBoth(t *testing.T) {
	for i, c := range []struct{ batch, channels, high, wide, kernel, stride, lo, hi int }{
		{4, 32, 9, 11, 3, 1, 1, 1}, {5, 40, 14, 13, 3, 1, 1, 1}, {9, 17, 7, 7, 3, 1, 1, 1}, {4, 128, 60, 40, 3, 1, 1, 1}, {8, 16, 12, 30, 5, 1, 2, 2},
		{4, 24, 13, 13, 7, 1, 3, 3}, {4, 32, 20, 9, 3, 1, 0, 0}, {6, 64, 1, 12, 3, 1, 1, 1}, {4, 33, 21, 24, 3, 1, 1, 0}, {4, 48, 2, 3, 3, 1, 1, 1},
		{12, 96, 5, 5, 5, 1, 2, 2}, {4, 32, 20, 18, 3, 2, 1, 1}, {8, 48, 15, 13, 3, 2, 1, 1}, {4, 144, 56, 56, 3, 2, 1, 1}, {5, 40, 14, 17, 3, 2, 0, 1},
		{4, 17, 8, 8, 3, 2, 0, 0}, {6, 64, 2, 9, 3, 2, 1, 0}, {4, 32, 21, 16, 5, 2, 2, 2}, {4, 24, 13, 14, 7, 2, 3, 3}, {9, 16, 1, 30, 3, 2, 1, 1},
		{4, 512, 5, 21, 3, 1, 1, 1}, {4, 512, 6, 37, 3, 2, 1, 1}, {4, 64, 3, 2, 3, 1, 1, 1}, {4, 64, 2, 2, 3, 2, 1, 0},
	} {
		axis := func(n int) [6]int { return [6]int{n, c.kernel, c.stride, 1, c.lo, c.hi} }
		g := problem{c.batch, c.channels, c.channels, c.channels, [][6]int{axis(c.high), axis(c.wide)}}.geom()
		b := NewGradBoth(g)
		if b == nil {
			t.Fatalf("%+v: two passes", g)
		}
		rng, nan := rand.New(rand.NewPCG(uint64(i), 10)), float32(math.NaN())
		x, dy, w := randoms(rng, g.Batch*g.InC*g.InSize()), randoms(rng, g.Batch*g.OutC*g.OutSize()), randoms(rng, g.OutC*g.Taps())
		wantX, wantW := run(NewGradXPlan(g), w, Args{X: dy}, 1), runGradW(NewGradW(g), x, dy, 1)
		var first []float32
		for _, threads := range []int{1, 3} {
			for _, b.stream = range []bool{false, g.InC%16 == 0} {
				a := GradBothArgs{X: x, Dy: dy, W: w, Dw: slices.Repeat([]float32{nan}, len(w)), Scratch: slices.Repeat([]float32{nan}, b.Scratch()), Threads: threads}
				a.Dx = mem.Floats(len(x))
				for i := range a.Dx {
					a.Dx[i] = nan
				}
				b.Run(&a)
				if !slices.Equal(a.Dx, wantX) {
					t.Fatalf("%+v, %d threads, streaming %v: the gradient of the input is %v, want %v", g, threads, b.stream, a.Dx, wantX)
				}
				if e := farthest(a.Dw, wantW); e > 1e-5*math.Sqrt(float64(g.Batch*g.OutSize())) {
					t.Fatalf("%+v, %d threads: the gradient of the filter is off by %g", g, threads, e)
				}
				if first == nil {
					first = a.Dw
				}
				if !slices.Equal(a.Dw, first) {
					t.Fatalf("%+v: %d threads give other bits", g, threads)
				}
			}
		}
	}
}

// TestGradWNaN looks for NaN in the gradients of channels that see none.
func TestGradWNaN(t *testing.T) {
	nan := float32(math.NaN())
	for i, p := range problems() {
		g := p.geom()
		if g.Batch*g.OutSize() == 0 {
			continue
		}
		rng := rand.New(rand.NewPCG(uint64(i), 9))
		x, dy := randoms(rng, g.Batch*g.InC*g.InSize()), randoms(rng, g.Batch*g.OutC*g.OutSize())
		icg, ocg, taps := g.InC/g.Groups, g.OutC/g.Groups, g.Taps()
		group := rng.IntN(g.Groups)
		ci, co := rng.IntN(icg), rng.IntN(ocg)
		for n := range g.Batch * g.InSize() {
			x[n*g.InC+group*icg+ci] = nan
		}
		dy[rng.IntN(g.Batch*g.OutSize())*g.OutC+group*ocg+co] = nan
		for j, v := range runGradW(NewGradW(g), x, dy, 1) {
			oc, ic := j/taps/icg, j/taps%icg
			if v != v && oc != group*ocg+co && (oc/ocg != group || ic != ci) {
				t.Fatalf("%+v: NaN at %d", g, j)
			}
		}
	}
}

// TestGradWinogradChoice holds the choice to what was measured: kernels of 4 at stride 2 go by transforms in all directions,
// filters of few tiles by products.
func TestGradWinogradChoice(t *testing.T) {
	defer withCosts(&halves)()
	g := problem{2, 1, 32, 48, [][6]int{{34, 4, 2, 1, 1, 1}, {32, 4, 2, 1, 1, 1}}}.geom()
	for _, got := range []string{NewPlan(g).Algorithm(), NewGradXPlan(g).Algorithm(), NewGradW(g).Algorithm()} {
		if !strings.HasSuffix(got, "winograd") {
			t.Errorf("algorithm %q, want transforms", got)
		}
	}
	for _, c := range []struct {
		p    problem
		want string
	}{
		{square(16, 1, 256, 512, 8, 4, 2, 1), "products"}, // 16 tiles
		{square(1, 1, 512, 512, 7, 3, 1, 1), "products"},  // 4 tiles
		{square(8, 1, 512, 512, 7, 3, 1, 1), "winograd"},
		{square(8, 1, 64, 64, 56, 3, 1, 1), "winograd"},
		{square(8, 1, 16, 16, 56, 3, 1, 1), "winograd"},
	} {
		if got := NewGradW(c.p.geom()).Algorithm(); got != c.want {
			t.Errorf("%v: algorithm %q, want %s", c.p, got, c.want)
		}
	}
}

// TestGradAllocations looks for allocations in steady state.
func TestGradAllocations(t *testing.T) {
	for i, p := range problems() {
		g := p.geom()
		rng := rand.New(rand.NewPCG(uint64(i), 10))
		w, toX := randoms(rng, g.OutC*g.InC/g.Groups*g.Taps()), NewGradXPlan(g)
		a := Args{X: randoms(rng, g.Batch*g.OutC*g.OutSize()), Y: make([]float32, g.Batch*g.InC*g.InSize()), Filter: new(Filter), Scratch: make([]float32, toX.Scratch())}
		room := make([]float32, toX.FilterLen())
		x := allocations(10, func() {
			toX.PackInto(a.Filter, w, room, 1)
			toX.Run(&a)
		})
		toW := NewGradW(g)
		b := GradWArgs{X: a.Y, Dy: a.X, Dw: w, Scratch: make([]float32, toW.Scratch())}
		if n := x + allocations(10, func() { toW.Run(&b) }); n > 0 && !raceEnabled {
			t.Errorf("%s and %s of %+v: %v allocations", toX.Algorithm(), toW.Algorithm(), g, n)
		}
	}
}
