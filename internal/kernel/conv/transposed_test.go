package conv

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
)

func randomTransposed(r *rand.Rand, rank int) Geom {
	for {
		groups := 1 + r.IntN(3)*r.IntN(2)
		x, w := []int{1 + r.IntN(2), groups * (1 + r.IntN(9))}, []int{0, 1 + r.IntN(9)}
		if r.IntN(3) == 0 {
			w[1] = 1 + r.IntN(3)
		}
		w[0] = x[1]
		var a window.Attrs
		var pad []int
		for range rank {
			x = append(x, 1+r.IntN(40>>rank+4))
			w = append(w, 1+r.IntN(4))
			s := 1 + r.IntN(3)
			a.Strides = append(a.Strides, s)
			a.Dilations = append(a.Dilations, 1+r.IntN(3)*r.IntN(2))
			pad = append(pad, r.IntN(s))
		}
		for range 2 * rank {
			a.Pads = append(a.Pads, r.IntN(4)*r.IntN(2))
		}
		a.AutoPad = window.AutoPad(max(0, r.IntN(10)-6))
		if g, err := NewTransposedGeom(a, groups, pad, nil, x, w); err == nil {
			return g
		}
	}
}

func TestTransposed(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 1))
	for i := range 200 {
		g := randomTransposed(r, 1+i%3)
		p := NewTransposed(g)
		w := random(r, g.InC*g.OutC/g.Groups*g.Taps())
		a := Args{X: random(r, g.Batch*g.InC*g.InSize()), W: make([]float32, len(w)), Y: make([]float32, g.Batch*g.OutC*g.OutSize()), Threads: 1 + i%2}
		if i%2 == 0 {
			a.Bias = random(r, g.OutC)
		}
		if i%3 == 0 {
			a.Act = gemm.Activation{Kind: gemm.LeakyRelu, Alpha: 0.1}
		}
		want := make([]float64, len(a.Y))
		ReferenceTransposed(&g, widen(a.X), widen(w), widen(a.Bias), want)
		levels(func(level string) {
			p.Pack(a.W, w)
			p.Run(&a)
			for j, v := range a.Y {
				x := []float32{float32(want[j])}
				a.Act.Apply(x)
				if !(math.Abs(float64(v-x[0])) <= 1e-4) {
					t.Fatalf("%s, %+v: element %d is %v, want %v", level, g, j, v, x[0])
				}
			}
		})
	}
}

func TestReferenceTransposed(t *testing.T) {
	// A 2x2 kernel of stride 2 repeats every input in a 2x2 block.
	g, err := NewTransposedGeom(window.Attrs{Strides: []int{2, 2}}, 1, nil, nil, []int{1, 1, 2, 2}, []int{1, 1, 2, 2})
	if err != nil {
		t.Fatal(err)
	}
	y := make([]float64, 16)
	ReferenceTransposed(&g, []float64{1, 2, 3, 4}, []float64{1, 1, 1, 1}, []float64{10}, y)
	for i, v := range y {
		if want := 11 + float64(i/8*2+i%4/2); v != want {
			t.Errorf("element %d is %v, want %v", i, v, want)
		}
	}
}

func TestOutputShape(t *testing.T) {
	for _, c := range []struct {
		auto         window.AutoPad
		want, lo, hi int
	}{{window.NotSet, 8, 1, 0}, {window.SameUpper, 8, 0, 1}, {window.SameLower, 8, 1, 0}, {window.NotSet, 9, 0, 0}} {
		a := window.Attrs{AutoPad: c.auto, Strides: []int{2}}
		g, err := NewTransposedGeom(a, 1, nil, []int{c.want}, []int{1, 1, 4}, []int{1, 1, 3})
		if x := g.Axes[0]; err != nil || x.Lo != c.lo || x.Hi != c.hi || x.Out != c.want {
			t.Errorf("%+v: got %+v, %v", c, x, err)
		}
	}
}

func BenchmarkTransposed(b *testing.B) {
	r := rand.New(rand.NewPCG(6, 2))
	for _, c := range []struct{ inC, outC, size, kernel, stride, pad, groups int }{
		{64, 64, 28, 4, 2, 1, 1}, {128, 64, 32, 2, 2, 0, 1}, {256, 128, 16, 3, 2, 1, 1}, {64, 64, 28, 4, 2, 1, 64}, {21, 21, 32, 16, 8, 4, 21}, {64, 3, 64, 4, 2, 1, 1},
	} {
		b.Run(fmt.Sprintf("%d_%d_%d_k%ds%dg%d", c.inC, c.outC, c.size, c.kernel, c.stride, c.groups), func(b *testing.B) {
			a := window.Attrs{Strides: []int{c.stride, c.stride}, Pads: []int{c.pad, c.pad, c.pad, c.pad}}
			g, err := NewTransposedGeom(a, c.groups, nil, nil, []int{1, c.inC, c.size, c.size}, []int{c.inC, c.outC / c.groups, c.kernel, c.kernel})
			if err != nil {
				b.Fatal(err)
			}
			p := NewTransposed(g)
			w := random(r, c.inC*c.outC/c.groups*g.Taps())
			args := Args{X: random(r, c.inC*g.InSize()), W: make([]float32, len(w)), Y: make([]float32, c.outC*g.OutSize()), Threads: 1}
			p.Pack(args.W, w)
			for b.Loop() {
				p.Run(&args)
			}
			b.ReportMetric(2*float64(len(w)*g.InSize())*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		})
	}
}
