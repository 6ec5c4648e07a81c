package nhwc

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/onnxrun/onnxrun/internal/kernel/conv"
	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
)

// transposedProblem is a transposed convolution: x [n, c, in...] and w [c, oc/groups, kernel...] in ONNX's order.
type transposedProblem struct {
	x, w   []int
	groups int
	attrs  window.Attrs
	outPad []int
}

func (p transposedProblem) geom(t *testing.T) conv.Geom {
	g, err := conv.NewTransposedGeom(p.attrs, p.groups, p.outPad, nil, p.x, p.w)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func transposedProblems() []transposedProblem {
	list := []transposedProblem{
		{x: []int{2, 40, 1, 1}, w: []int{40, 24, 4, 4}, groups: 1},
		{x: []int{1, 20, 5, 4}, w: []int{20, 7, 4, 4}, groups: 1, attrs: window.Attrs{Strides: []int{2, 2}, Pads: []int{1, 1, 1, 1}}},
		{x: []int{2, 16, 9, 7}, w: []int{16, 33, 2, 2}, groups: 1, attrs: window.Attrs{Strides: []int{2, 2}}},
		{x: []int{1, 12, 6, 5}, w: []int{12, 3, 3, 3}, groups: 3, attrs: window.Attrs{Strides: []int{2, 2}, Pads: []int{1, 1, 1, 1}}, outPad: []int{1, 1}},
		{x: []int{1, 8, 9}, w: []int{8, 3, 5}, groups: 1, attrs: window.Attrs{Strides: []int{3}, Dilations: []int{2}, Pads: []int{2, 1}}},
		{x: []int{1, 5, 4, 3}, w: []int{5, 6, 1, 2}, groups: 1, attrs: window.Attrs{Strides: []int{3, 4}}},
		{x: []int{1, 4, 3, 4, 3}, w: []int{4, 5, 3, 2, 3}, groups: 1, attrs: window.Attrs{Strides: []int{2, 1, 2}}},
		{x: []int{1, 3, 30, 20}, w: []int{3, 16, 3, 3}, groups: 1, attrs: window.Attrs{Pads: []int{1, 1, 1, 1}}},
		{x: []int{2, 35, 9, 7}, w: []int{35, 1, 3, 3}, groups: 35, attrs: window.Attrs{Strides: []int{2, 2}, Pads: []int{1, 1, 1, 1}}, outPad: []int{1, 0}},
		{x: []int{1, 16, 2, 5, 4}, w: []int{16, 1, 2, 3, 5}, groups: 16, attrs: window.Attrs{Strides: []int{1, 3, 2}, Dilations: []int{2, 1, 2}, Pads: []int{0, 2, 1, 1, 0, 3}}},
		{x: []int{2, 16, 5, 14}, w: []int{16, 24, 3, 2}, groups: 1, attrs: window.Attrs{Strides: []int{3, 2}}},
		{x: []int{1, 9, 3, 2, 13}, w: []int{9, 40, 2, 3, 2}, groups: 1, attrs: window.Attrs{Strides: []int{2, 3, 2}}},
		{x: []int{1, 20, 16}, w: []int{20, 8, 2}, groups: 1, attrs: window.Attrs{Strides: []int{2}}},
		{x: []int{2, 32, 17, 19}, w: []int{32, 48, 4, 4}, groups: 1, attrs: twice},
		{x: []int{1, 2, 2, 2, 2, 2}, w: []int{2, 2, 2, 2, 2, 2}, groups: 1},
	}
	rng := rand.New(rand.NewPCG(5, 6))
	for range 30 {
		p := transposedProblem{groups: 1 + rng.IntN(2)}
		p.x, p.w = []int{1 + rng.IntN(2), p.groups * (1 + rng.IntN(20))}, []int{0, 1 + rng.IntN(20)}
		p.w[0] = p.x[1]
		for range 1 + rng.IntN(2) {
			k := 1 + rng.IntN(4)
			p.x, p.w = append(p.x, 2+rng.IntN(8)), append(p.w, k)
			p.attrs.Strides, p.attrs.Dilations = append(p.attrs.Strides, 1+rng.IntN(4)), append(p.attrs.Dilations, 1+rng.IntN(3))
			p.attrs.Pads = append(p.attrs.Pads, rng.IntN(min(2, k)), rng.IntN(min(2, k)))
		}
		list = append(list, p)
	}
	return list
}

// TestTransposed compares the algorithms for transposed convolutions with plain loops on every kernel set.
func TestTransposed(t *testing.T) {
	used := map[string]int{}
	for _, kernels := range gemm.Kernels() {
		undo, _ := gemm.Use(kernels)
		for i, p := range transposedProblems() {
			g := p.geom(t)
			for _, c := range transposedChoices {
				a := c.make(g)
				if a == nil {
					continue
				}
				used[c.name]++
				t.Run(fmt.Sprintf("%s/%s/%v", kernels, c.name, p), func(t *testing.T) {
					compareTransposed(t, bind(g, c.name, a), i)
				})
			}
		}
		undo()
	}
	for _, c := range transposedChoices {
		if used[c.name] == 0 && c.name != "nothing" { // TestEmpty reaches that
			t.Errorf("no problem reaches %q", c.name)
		}
	}
}

func compareTransposed(t *testing.T, plan *Plan, seed int) {
	g := plan.g
	rng := rand.New(rand.NewPCG(uint64(seed), 3))
	x, w := randoms(rng, g.Batch*g.InC*g.InSize()), randoms(rng, g.InC*g.OutC/g.Groups*g.Taps())
	for k := range 2 {
		a := Args{X: x, Act: activations[(seed+k)%len(activations)]}
		if k > 0 {
			a.Bias = randoms(rng, g.OutC)
		}
		ref := run(bind(g, "transposed reference", newTransposedReference(g)), w, a, 1)
		got := run(plan, w, a, 1)
		if e := farthest(got, ref); e > 1e-4*math.Sqrt(float64(g.InC/g.Groups*g.Taps())) {
			t.Fatalf("%+v, case %d: off by %g", g, k, e)
		}
		if again := run(plan, w, a, 3); !slices.Equal(got, again) {
			t.Fatalf("%+v, case %d: three threads give other bits", g, k)
		}
	}
}

// BenchmarkConvTranspose reports GFLOP/s of one thread, counted as one multiplication and addition for each input and
// kernel element.
func BenchmarkConvTranspose(b *testing.B) {
	for _, p := range transposedBenchmarks {
		g, err := conv.NewTransposedGeom(p.attrs, 1, nil, nil, p.x, p.w)
		if err != nil {
			b.Fatal(err)
		}
		plan := NewTransposedPlan(g)
		b.Run(fmt.Sprintf("%v/%v", p.x, p.w), func(b *testing.B) {
			benchConv(b, plan, 2*float64(g.Batch*g.InSize()*g.InC)*float64(g.OutC*g.Taps()))
		})
	}
}

// transposedBenchmarks are layers of a generator of pictures and of a network for segmentation.
var transposedBenchmarks = []transposedProblem{
	{x: []int{1, 100, 1, 1}, w: []int{100, 512, 4, 4}},
	{x: []int{1, 512, 4, 4}, w: []int{512, 256, 4, 4}, attrs: twice},
	{x: []int{1, 256, 8, 8}, w: []int{256, 128, 4, 4}, attrs: twice},
	{x: []int{1, 128, 16, 16}, w: []int{128, 64, 4, 4}, attrs: twice},
	{x: []int{1, 64, 32, 32}, w: []int{64, 3, 4, 4}, attrs: twice},
	{x: []int{1, 64, 28, 28}, w: []int{64, 64, 4, 4}, attrs: twice},
	{x: []int{1, 64, 32, 32}, w: []int{64, 32, 2, 2}, attrs: window.Attrs{Strides: []int{2, 2}}},
	{x: []int{1, 32, 64, 64}, w: []int{32, 16, 2, 2}, attrs: window.Attrs{Strides: []int{2, 2}}},
}

var twice = window.Attrs{Strides: []int{2, 2}, Pads: []int{1, 1, 1, 1}}
