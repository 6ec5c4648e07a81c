package conv

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/onnxrun/onnxrun/internal/cpu"
	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
)

func random(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = r.Float32() - 0.5
	}
	return x
}

func widen(x []float32) []float64 {
	if x == nil {
		return nil
	}
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

func randomGeom(r *rand.Rand, rank int) Geom {
	for {
		groups := 1
		if r.IntN(3) == 0 {
			groups = 1 + r.IntN(5)
		}
		icg, ocg := 1+r.IntN(12), 1+r.IntN(30)
		if r.IntN(3) == 0 {
			icg, ocg = 1, 1+r.IntN(3)
		}
		x, w := []int{1 + r.IntN(2), groups * icg}, []int{groups * ocg, icg}
		var a window.Attrs
		a.AutoPad = window.AutoPad(max(0, r.IntN(10)-6))
		for range rank {
			x = append(x, 1+r.IntN(60>>rank+8))
			w = append(w, 1+r.IntN(4))
			a.Strides = append(a.Strides, 1+r.IntN(3)*r.IntN(2))
			a.Dilations = append(a.Dilations, 1+r.IntN(3)*r.IntN(2))
		}
		for range 2 * rank {
			a.Pads = append(a.Pads, r.IntN(3))
		}
		if r.IntN(3) == 0 {
			clear(a.Pads)
		}
		if r.IntN(4) == 0 || icg == 1 && groups > 1 {
			size := 3
			if rank == 2 && icg == 1 {
				size += 2 * r.IntN(3)
			}
			stride, dilated := 1, false
			if size == 3 {
				stride, dilated = 1+r.IntN(2), r.IntN(3) == 0
			}
			for i := range rank {
				w[2+i] = size
				a.Strides[i], a.Dilations[i] = stride, 1
				if dilated && stride == 1 {
					a.Dilations[i] = 1 + r.IntN(3)
				}
			}
		}
		if g, err := NewGeom(a, groups, x, w); err == nil {
			return g
		}
	}
}

// levels runs f with the features of every set of kernels that works here.
func levels(f func(name string)) {
	for _, k := range window.All() {
		undo := cpu.Set(k.Needs)
		f(k.Name)
		undo()
	}
}

func TestAgainstReference(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	seen := map[string]int{}
	for i := range 300 {
		g := randomGeom(r, 1+i%4)
		p := NewPlan(g)
		seen[p.Algorithm()]++
		n := g.Batch * g.OutC * g.OutSize()
		a := Args{X: random(r, g.Batch*g.InC*g.InSize()), W: random(r, g.OutC*g.InC/g.Groups*g.Taps()), Y: random(r, n), Threads: 1 + i%3}
		if i%2 == 0 {
			a.Bias = random(r, g.OutC)
		}
		if i%5 == 0 {
			a.Residual, a.AddLast = random(r, n), i%10 == 0
		}
		if i%3 == 0 {
			a.Act = gemm.Activation{Kind: []gemm.ActKind{gemm.Relu, gemm.Clip, gemm.LeakyRelu}[i/3%3], Alpha: -0.1, Beta: 0.2}
		}
		want := expected(&g, &a)
		levels(func(level string) {
			p := NewPlan(g)
			p.Run(&a)
			for j, v := range a.Y {
				if !(math.Abs(float64(v)-want[j]) <= 1e-4) {
					t.Fatalf("%s, %s, %+v: element %d is %v, want %v", level, p.Algorithm(), g, j, v, want[j])
				}
			}
		})
	}
	for _, name := range algorithmNames {
		if seen[name] == 0 {
			t.Errorf("algorithm %s was never chosen", name)
		}
	}
}

func expected(g *Geom, a *Args) []float64 {
	y := make([]float64, len(a.Y))
	Reference(g, widen(a.X), widen(a.W), widen(a.Bias), y)
	for i := range y {
		if a.Residual != nil && !a.AddLast {
			y[i] += float64(a.Residual[i])
		}
		v := []float32{float32(y[i])}
		a.Act.Apply(v)
		y[i] = float64(v[0])
		if a.Residual != nil && a.AddLast {
			y[i] += float64(a.Residual[i])
		}
	}
	return y
}

// TestExtremes: attributes that would make frames huge must not.
func TestExtremes(t *testing.T) {
	for _, a := range []window.Attrs{
		{Strides: []int{1 << 30, 1 << 30}},
		{Pads: []int{1 << 20, 0, 1 << 20, 0}, Strides: []int{1 << 20, 1}},
		{Pads: []int{0, 1 << 29, 0, 1 << 29}, Strides: []int{1, 1 << 29}, Dilations: []int{1, 1 << 28}},
		{AutoPad: window.SameUpper, Strides: []int{3, 1 << 30}},
	} {
		g, err := NewGeom(a, 1, []int{1, 2, 5, 4}, []int{3, 2, 2, 2})
		if err != nil {
			t.Fatalf("%+v: %v", a, err)
		}
		args := Args{X: make([]float32, 40), W: make([]float32, 24), Y: make([]float32, 3*g.OutSize())}
		for i := range args.X {
			args.X[i] = float32(i)
		}
		for i := range args.W {
			args.W[i] = 1
		}
		want := make([]float32, len(args.Y))
		Reference(&g, args.X, args.W, nil, want)
		NewPlan(g).Run(&args)
		for i, v := range want {
			if args.Y[i] != v {
				t.Fatalf("%+v: element %d is %v, want %v", g, i, args.Y[i], v)
			}
		}
	}
}

func TestThreadsDoNotMatter(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 7))
	for i := range 40 {
		g := randomGeom(r, 1+i%3)
		p := NewPlan(g)
		a := Args{X: random(r, g.Batch*g.InC*g.InSize()), W: random(r, g.OutC*g.InC/g.Groups*g.Taps()), Y: make([]float32, g.Batch*g.OutC*g.OutSize())}
		p.Run(&a)
		one := append([]float32(nil), a.Y...)
		a.Threads = 4
		p.Run(&a)
		for j := range one {
			if one[j] != a.Y[j] {
				t.Fatalf("%+v: element %d is %v with one thread, %v with four", g, j, one[j], a.Y[j])
			}
		}
	}
}

func TestNoAllocation(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 8))
	for _, c := range cases[:6] {
		g := c.geom(t)
		p := NewPlan(g)
		a := Args{X: random(r, g.Batch*g.InC*g.InSize()), W: random(r, g.OutC*g.InC/g.Groups*g.Taps()), Y: make([]float32, g.Batch*g.OutC*g.OutSize())}
		if n := testing.AllocsPerRun(10, func() { p.Run(&a) }); n >= 1 {
			t.Errorf("%s: %v allocations per run, want 0", c.name, n)
		}
	}
}

type benchCase struct {
	name                                    string
	rank, in, inC, outC, kernel, stride, gr int
}

var cases = []benchCase{
	{"1x1_256_256_28", 2, 28, 256, 256, 1, 1, 1},
	{"1x1_64_256_56", 2, 56, 64, 256, 1, 1, 1},
	{"1x1s2_256_512_56", 2, 56, 256, 512, 1, 2, 1},
	{"3x3_64_64_56", 2, 56, 64, 64, 3, 1, 1},
	{"3x3_256_256_14", 2, 14, 256, 256, 3, 1, 1},
	{"3x3_512_512_7", 2, 7, 512, 512, 3, 1, 1},
	{"3x3s2_128_128_56", 2, 56, 128, 128, 3, 2, 1},
	{"7x7s2_3_64_224", 2, 224, 3, 64, 7, 2, 1},
	{"3x3s2_3_32_224", 2, 224, 3, 32, 3, 2, 1},
	{"1x1_16_96_112", 2, 112, 16, 96, 1, 1, 1},
	{"1x1_96_24_56", 2, 56, 96, 24, 1, 1, 1},
	{"1x1_144_32_28", 2, 28, 144, 32, 1, 1, 1},
	{"1x1_384_96_14", 2, 14, 384, 96, 1, 1, 1},
	{"1x1_576_160_7", 2, 7, 576, 160, 1, 1, 1},
	{"1x1_320_1280_7", 2, 7, 320, 1280, 1, 1, 1},
	{"1x1_2048_512_7", 2, 7, 2048, 512, 1, 1, 1},
	{"1x1_1024_256_14", 2, 14, 1024, 256, 1, 1, 1},
	{"1x1_256_64_56", 2, 56, 256, 64, 1, 1, 1},
	{"dw3x3_96_112s2", 2, 112, 96, 96, 3, 2, 96},
	{"dw3x3_32_112", 2, 112, 32, 32, 3, 1, 32},
	{"1x1_960_240_1", 2, 1, 960, 240, 1, 1, 1},
	{"1x1_32_128_1", 2, 1, 32, 128, 1, 1, 1},
	{"3x3_64_64_8", 2, 8, 64, 64, 3, 1, 1},
	{"5x5_1_8_28", 2, 28, 1, 8, 5, 1, 1},
	{"5x5_8_16_14", 2, 14, 8, 16, 5, 1, 1},
	{"dw7x7_96_56", 2, 56, 96, 96, 7, 1, 96},
	{"dw7x7_384_14", 2, 14, 384, 384, 7, 1, 384},
	{"dw1d_k31_512_500", 1, 500, 512, 512, 31, 1, 512},
	{"dw5x5s2_96_56", 2, 56, 96, 96, 5, 2, 96},
	{"grouped3x3_128_32g_56", 2, 56, 128, 128, 3, 1, 32},
	{"grouped1x1_240_3g_28", 2, 28, 240, 240, 1, 1, 3},
	{"16x16s16_3_768_224", 2, 224, 3, 768, 16, 16, 1},
	{"dw3x3_192_56", 2, 56, 192, 192, 3, 1, 192},
	{"dw3x3s2_144_56", 2, 56, 144, 144, 3, 2, 144},
	{"dw3x3_960_7", 2, 7, 960, 960, 3, 1, 960},
	{"dw3x3_576_14", 2, 14, 576, 576, 3, 1, 576},
	{"dw5x5_240_28", 2, 28, 240, 240, 5, 1, 240},
	{"grouped3x3_256_32g_28", 2, 28, 256, 256, 3, 1, 32},
	{"conv1d_k5_256_512", 1, 512, 256, 256, 5, 1, 1},
	{"3d_3x3x3_32_32_16", 3, 16, 32, 32, 3, 1, 1},
}

func (c benchCase) geom(tb testing.TB) Geom {
	a := window.Attrs{}
	x, w := []int{1, c.inC}, []int{c.outC, c.inC / c.gr}
	for range c.rank {
		x, w = append(x, c.in), append(w, c.kernel)
		a.Strides = append(a.Strides, c.stride)
	}
	for range 2 * c.rank {
		a.Pads = append(a.Pads, c.kernel/2)
	}
	g, err := NewGeom(a, c.gr, x, w)
	if err != nil {
		tb.Fatal(err)
	}
	return g
}

func BenchmarkF32(b *testing.B) {
	r := rand.New(rand.NewPCG(5, 9))
	for _, level := range window.All()[1:] {
		undo := cpu.Set(level.Needs)
		for _, c := range cases {
			b.Run(fmt.Sprintf("%s/%s", c.name, level.Name), func(b *testing.B) {
				g := c.geom(b)
				p := NewPlan(g)
				a := Args{X: random(r, g.Batch*g.InC*g.InSize()), W: random(r, g.OutC*g.InC/g.Groups*g.Taps()),
					Y: make([]float32, g.Batch*g.OutC*g.OutSize()), Threads: 1}
				for b.Loop() {
					p.Run(&a)
				}
				flop := 2 * float64(len(a.Y)) * float64(g.InC/g.Groups*g.Taps())
				b.ReportMetric(flop*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
		undo()
	}
}
