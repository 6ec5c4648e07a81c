package nhwc

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/onnxrun/onnxrun/internal/kernel/conv"
	"github.com/onnxrun/onnxrun/internal/kernel/direct"
	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
)

// newPlan makes the plan of a named algorithm, nil if it does not take g.
func newPlan(g conv.Geom, name string) *Plan {
	for _, c := range choices {
		if c.name != name {
			continue
		}
		if a := c.make(g); a != nil {
			return bind(g, c.name, a)
		}
	}
	return nil
}

// problem is a geometry in short: spatial axes are in, kernel, stride, dilation, lo and hi padding.
type problem struct {
	batch, groups, inC, outC int
	axes                     [][6]int
}

func (p problem) geom() conv.Geom {
	g := conv.Geom{Batch: p.batch, Groups: p.groups, InC: p.inC, OutC: p.outC, Rank: len(p.axes)}
	for i, a := range p.axes {
		x := window.Axis{In: a[0], Kernel: a[1], Stride: a[2], Dilation: a[3], Lo: a[4], Hi: a[5]}
		x.Out = (x.In+x.Lo+x.Hi-x.Dilation*(x.Kernel-1)-1)/x.Stride + 1
		g.Axes[i] = x
	}
	return g
}

// problems reach every algorithm, tile height, tail and border there is.
func problems() []problem {
	list := []problem{
		{1, 1, 3, 32, [][6]int{{17, 3, 2, 1, 1, 1}, {19, 3, 2, 1, 1, 1}}},
		{1, 1, 3, 64, [][6]int{{30, 7, 2, 1, 3, 3}, {31, 7, 2, 1, 3, 3}}},
		{2, 1, 16, 24, [][6]int{{7, 1, 1, 1, 0, 0}, {9, 1, 1, 1, 0, 0}}},
		{1, 1, 24, 40, [][6]int{{8, 1, 2, 1, 0, 0}, {9, 1, 2, 1, 0, 0}}},
		{1, 1, 32, 33, [][6]int{{9, 3, 1, 1, 1, 1}, {11, 3, 1, 1, 1, 1}}},
		{1, 1, 16, 16, [][6]int{{13, 3, 1, 2, 2, 2}, {12, 3, 1, 2, 2, 2}}},
		{2, 1, 32, 24, [][6]int{{19, 3, 1, 1, 1, 1}, {22, 3, 1, 1, 0, 2}}},
		{2, 1, 20, 17, [][6]int{{9, 5, 1, 1, 2, 2}, {8, 5, 1, 1, 2, 2}}},
		{1, 1, 5, 7, [][6]int{{9, 3, 1, 1, 0, 2}, {8, 2, 3, 1, 1, 0}}},
		{1, 4, 32, 32, [][6]int{{9, 3, 1, 1, 1, 1}, {7, 3, 1, 1, 1, 1}}},
		{1, 3, 48, 96, [][6]int{{18, 3, 1, 1, 1, 1}, {17, 3, 1, 1, 1, 1}}},
		{1, 32, 32, 32, [][6]int{{14, 3, 1, 1, 1, 1}, {15, 3, 1, 1, 1, 1}}},
		{2, 19, 19, 19, [][6]int{{9, 5, 2, 1, 2, 2}, {10, 5, 2, 1, 2, 2}}},
		{1, 16, 16, 16, [][6]int{{12, 7, 1, 1, 3, 3}, {13, 7, 1, 1, 3, 3}}},
		{2, 40, 40, 40, [][6]int{{12, 9, 1, 1, 4, 4}, {20, 9, 1, 1, 4, 4}}},
		{1, 16, 16, 32, [][6]int{{12, 3, 1, 2, 2, 2}, {13, 3, 1, 1, 1, 1}}},
		{1, 1, 32, 48, [][6]int{{40, 2, 1, 4, 4, 0}}},
		{3, 40, 40, 40, [][6]int{{30, 3, 2, 1, 1, 1}, {41, 3, 2, 1, 1, 1}}},
		{1, 24, 24, 24, [][6]int{{5, 3, 1, 1, 1, 1}, {6, 2, 1, 2, 1, 1}, {7, 3, 2, 1, 1, 1}}},
		{2, 1, 12, 16, [][6]int{{33, 3, 1, 1, 1, 1}}},
		{1, 1, 4, 8, [][6]int{{5, 3, 1, 1, 1, 1}, {6, 3, 1, 1, 1, 1}, {7, 3, 1, 1, 1, 1}}},
		{1, 1, 64, 3, [][6]int{{12, 9, 1, 1, 4, 4}, {13, 9, 1, 1, 4, 4}}},
		{2, 3, 36, 36, [][6]int{{14, 3, 1, 1, 1, 1}, {15, 3, 1, 1, 1, 1}}},
		{1, 2, 24, 12, [][6]int{{20, 3, 2, 1, 1, 1}, {21, 3, 2, 1, 1, 1}}},
		{1, 1, 70, 40, [][6]int{{10, 3, 1, 8, 8, 8}, {9, 3, 1, 6, 6, 6}}},
		{2, 1, 64, 2, [][6]int{{2, 3, 2, 1, 1, 1}, {2, 3, 1, 1, 1, 1}}},
		{2, 1, 80, 33, [][6]int{{3, 3, 1, 2, 2, 2}, {4, 1, 1, 1, 0, 0}, {5, 3, 1, 3, 3, 3}}},
		{1, 1, 32, 32, [][6]int{{5, 3, 1, 1, 1, 1}, {14, 3, 1, 1, 1, 1}, {15, 3, 1, 1, 1, 1}}},
		{2, 1, 32, 40, [][6]int{{4, 3, 1, 2, 2, 1}, {14, 3, 1, 1, 1, 1}, {12, 3, 1, 1, 1, 1}}},
		{2, 1, 64, 32, [][6]int{{3, 1, 1, 1, 0, 0}, {14, 3, 1, 1, 1, 1}, {13, 3, 1, 1, 1, 1}}},
		{2, 1, 1, 16, [][6]int{{16, 9, 1, 1, 4, 4}, {15, 9, 1, 1, 4, 4}, {20, 1, 1, 1, 0, 0}}},
		{1, 1, 3, 24, [][6]int{{13, 3, 2, 1, 1, 1}, {9, 2, 1, 1, 1, 0}, {5, 1, 1, 1, 0, 0}}},
		{1, 1, 3, 1, [][6]int{{70, 3, 1, 1, 1, 1}, {90, 3, 1, 1, 1, 1}}},
		{2, 1, 32, 48, [][6]int{{34, 4, 2, 1, 1, 1}, {32, 4, 2, 1, 1, 1}}},
		{2, 1, 6, 80, [][6]int{{17, 3, 2, 1, 1, 1}, {19, 3, 2, 1, 1, 1}}},
		{1, 2, 10, 96, [][6]int{{17, 3, 2, 1, 1, 1}, {29, 3, 2, 1, 1, 1}}},
		{2, 9, 18, 18, [][6]int{{9, 3, 1, 1, 1, 1}, {31, 3, 2, 1, 1, 1}}},
		{1, 5, 20, 20, [][6]int{{12, 3, 2, 1, 1, 0}, {17, 3, 2, 1, 0, 1}}},
		{2, 13, 104, 104, [][6]int{{15, 3, 2, 1, 1, 1}, {16, 3, 2, 1, 1, 1}}},
		{1, 5, 40, 40, [][6]int{{8, 5, 1, 2, 4, 4}, {130, 3, 1, 1, 2, 2}}},
		{1, 3, 48, 48, [][6]int{{21, 3, 2, 1, 1, 1}, {20, 3, 2, 1, 1, 1}}},
		{2, 2, 32, 32, [][6]int{{40, 3, 1, 1, 1, 1}}},
		{3, 1, 200, 23, [][6]int{{1, 1, 1, 1, 0, 0}, {1, 1, 1, 1, 0, 0}}},
		{1, 1, 64, 64, [][6]int{{1, 1, 1, 1, 0, 0}}},
		{2, 1, 1203, 2, [][6]int{{1, 1, 1, 1, 0, 0}, {1, 1, 1, 1, 0, 0}, {1, 1, 1, 1, 0, 0}}},
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 40 {
		list = append(list, randomProblem(rng))
	}
	return list
}

func randomProblem(rng *rand.Rand) problem {
	groups := []int{1, 1, 1, 2, 4, 0}[rng.IntN(6)]
	icg, ocg := 1+rng.IntN(40), 1+rng.IntN(40)
	p := problem{batch: 1 + rng.IntN(2)}
	if groups == 0 {
		groups, icg, ocg = 1+rng.IntN(40), 1, 1+rng.IntN(2)
	}
	p.groups, p.inC, p.outC = groups, groups*icg, groups*ocg
	for range 1 + rng.IntN(2) {
		k, d := 1+rng.IntN(4), 1+rng.IntN(2)
		in := d*(k-1) + 1 + rng.IntN(12)
		p.axes = append(p.axes, [6]int{in, k, 1 + rng.IntN(3), d, rng.IntN(k), rng.IntN(k)})
	}
	return p
}

func randoms(rng *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	return x
}

var activations = []gemm.Activation{{}, {Kind: gemm.Relu}, {Kind: gemm.HardSwish}, {Kind: gemm.Clip, Alpha: -1, Beta: 1}}

// TestAlgorithms compares every algorithm that takes a geometry with the plain loops, with and without bias, residual
// and activation, at one and three threads, whose results are equal to the last bit, and among pixels that have more channels.
func TestAlgorithms(t *testing.T) {
	used := map[string]int{}
	for i, p := range problems() {
		for _, c := range choices {
			if c.name == "reference" {
				continue
			}
			plan := newPlan(p.geom(), c.name)
			if plan == nil {
				continue
			}
			used[c.name]++
			t.Run(fmt.Sprintf("%s/%v", c.name, p), func(t *testing.T) { compare(t, plan, p, i) })
		}
	}
	for _, c := range choices {
		if c.name == "slides" && sliding() == nil {
			t.Logf("nhwc/slides: this build on this processor has no kernels for it")
			continue
		}
		if c.name != "reference" && c.name != "nothing" && used[c.name] == 0 { // TestEmpty reaches that
			t.Errorf("no problem reaches %q", c.name)
		}
	}
}

func compare(t *testing.T, plan *Plan, p problem, seed int) {
	g := p.geom()
	rng := rand.New(rand.NewPCG(uint64(seed), 3))
	x, w := randoms(rng, g.Batch*g.InC*g.InSize()), randoms(rng, g.OutC*g.InC/g.Groups*g.Taps())
	bias, residual := randoms(rng, g.OutC), randoms(rng, g.Batch*g.OutC*g.OutSize())
	want := bind(g, "reference", newReference(g))
	scale, shift := randoms(rng, g.OutC), randoms(rng, g.OutC)
	for k := range 7 {
		a := Args{X: x, Act: activations[(seed+k)%len(activations)], AddLast: k == 3 || k == 5}
		if k > 0 {
			a.Bias = bias
		}
		if k > 1 && k < 6 {
			a.Residual = residual
		}
		if k > 3 {
			a.Scale, a.Shift = scale, shift
		}
		ref := run(want, w, a, 1)
		got := run(plan, w, a, 1)
		if e := farthest(got, ref); e > 1e-4*math.Sqrt(float64(g.InC/g.Groups*g.Taps())) {
			t.Fatalf("%+v, case %d: off by %g", g, k, e)
		}
		if again := run(plan, w, a, 3); !slices.Equal(got, again) {
			t.Fatalf("%+v, case %d: three threads give other bits", g, k)
		}
		for _, other := range []int{0, 2} {
			if e := farthest(runWide(t, plan, w, a, other), ref); e > 1e-4*math.Sqrt(float64(g.InC/g.Groups*g.Taps())) {
				t.Fatalf("%+v, case %d: off by %g among wide pixels", g, k, e)
			}
		}
	}
}

// run runs the plan in memory full of NaN, to show what is read before it is written.
func run(p *Plan, w []float32, a Args, threads int) []float32 {
	nan := float32(math.NaN())
	a.Filter, a.Threads = new(Filter), threads
	p.PackInto(a.Filter, w, slices.Repeat([]float32{nan}, p.FilterLen()), threads)
	a.Y = slices.Repeat([]float32{nan}, p.g.Batch*p.g.OutC*p.g.OutSize())
	a.Scratch = slices.Repeat([]float32{nan}, p.Scratch())
	p.Run(&a)
	return a.Y
}

func farthest(a, b []float32) float64 {
	worst := 0.0
	for i := range a {
		d := math.Abs(float64(a[i]) - float64(b[i]))
		if !(d <= worst) {
			worst = d
		}
	}
	return worst
}

// TestVectorsOverGo sees that no direct convolution goes by the kernels in Go where the machine has others.
func TestVectorsOverGo(t *testing.T) {
	all := direct.All()
	if len(all) == 1 {
		t.Skip("direct: this build on this processor has only the kernels in Go")
	}
	for c := 1; c <= 64; c++ {
		for _, groups := range []int{1, 3} {
			g := problem{1, groups, c * groups, c * groups, [][6]int{{20, 3, 1, 1, 1, 1}, {20, 3, 1, 1, 1, 1}}}.geom()
			if d, ok := newDirect(g).(*directConv); ok && d.single.lanes < all[1].Lanes {
				t.Errorf("%d groups of %d channels: vectors of %d", groups, c, d.single.lanes)
			}
		}
	}
}

// TestSqueezed compares the plans of geometries with axes of one position with the plain loops.
func TestSqueezed(t *testing.T) {
	one, padded := [6]int{1, 1, 1, 1, 0, 0}, [6]int{1, 1, 2, 1, 1, 0}
	for i, c := range []struct {
		p    problem
		rank int
	}{
		{problem{1, 1, 16, 40, [][6]int{{50, 5, 1, 1, 2, 2}, one}}, 1},
		{problem{2, 24, 24, 24, [][6]int{one, {31, 3, 2, 1, 1, 1}, one}}, 1},
		{problem{1, 1, 16, 16, [][6]int{{20, 3, 1, 1, 1, 1}, one, {30, 3, 1, 1, 1, 1}}}, 2},
		{problem{1, 1, 5, 6, [][6]int{padded, {9, 3, 1, 1, 1, 1}}}, 2},
		{problem{3, 1, 5, 6, [][6]int{one, one}}, 2},
	} {
		if s := squeezed(c.p.geom()); s.Rank != c.rank {
			t.Errorf("%v: %d axes, want %d", c.p, s.Rank, c.rank)
		}
		compare(t, NewPlan(c.p.geom()), c.p, i)
	}
}

// TestReached compares the plans of geometries some of whose kernel elements see only padding with the plain loops.
func TestReached(t *testing.T) {
	for i, c := range []struct {
		p    problem
		kept []int
	}{
		{problem{1, 1, 16, 40, [][6]int{{6, 3, 1, 6, 6, 6}, {7, 3, 1, 9, 9, 9}}}, []int{4}},
		{problem{2, 1, 70, 20, [][6]int{{1, 3, 1, 1, 1, 1}, {9, 5, 1, 1, 2, 2}}}, []int{5, 6, 7, 8, 9}},
		{problem{1, 20, 20, 20, [][6]int{{5, 3, 1, 3, 3, 3}, {4, 3, 1, 4, 4, 4}}}, []int{1, 4, 7}},
		{problem{1, 2, 8, 12, [][6]int{{4, 5, 2, 4, 8, 8}}}, []int{2}},
		{problem{1, 1, 5, 6, [][6]int{{16, 3, 1, 24, 20, 24}}}, nil},
		{problem{1, 1, 5, 6, [][6]int{{9, 3, 1, 1, 1, 1}}}, nil},
	} {
		if _, kept := reached(c.p.geom()); !slices.Equal(kept, c.kept) {
			t.Errorf("%v: elements %v, want %v", c.p, kept, c.kept)
		}
		compare(t, NewPlan(c.p.geom()), c.p, i)
	}
}
