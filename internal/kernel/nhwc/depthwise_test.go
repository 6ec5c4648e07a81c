package nhwc

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/onnxrun/onnxrun/internal/cpu"
	"github.com/onnxrun/onnxrun/internal/kernel/depthwise"
)

// TestDepthwise compares with the plain loops for all instruction sets, rows of several blocks, borders of all kinds, and
// several outputs per channel.
func TestDepthwise(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for i := range cases(150) {
		c := 2 + rng.IntN(40)
		p := problem{batch: 1 + rng.IntN(2), groups: c, inC: c, outC: c * []int{1, 1, 1, 2, 3, 8}[rng.IntN(6)]}
		k := []int{3, 5, 7, 2, 1, 9}[rng.IntN(6)]
		for range 1 + rng.IntN(3) {
			d := 1 + rng.IntN(5)/4
			in := max(1, d*(k-1)+1-rng.IntN(k)) + rng.IntN(8)
			p.axes = append(p.axes, [6]int{in, k, 1 + rng.IntN(5)/2, d, k - 1, k - 1 - rng.IntN(k)})
		}
		p.axes[len(p.axes)-1][0] += rng.IntN(60)
		if g := p.geom(); g.OutC*g.OutSize()*g.Taps() > 2e6 {
			continue
		}
		for _, k := range depthwise.All() {
			undo := cpu.Set(k.Needs)
			compare(t, newPlan(p.geom(), "depthwise"), p, i)
			undo()
		}
	}
}

// cases is the number of random problems of a test, less where time is short: on an emulated processor.
func cases(n int) int {
	if testing.Short() {
		return n / 20
	}
	return n
}

// TestDepthwiseSpans compares rows of more taps than kernels slide over, with zeros at the end or without, and gradients of inputs.
func TestDepthwiseSpans(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	for i := range cases(80) {
		c := []int{2 + rng.IntN(40), 128}[i%5/4]
		p := problem{batch: 1 + rng.IntN(2), groups: c, inC: c, outC: c * []int{1, 1, 2, 8}[rng.IntN(4)]}
		for j := range 1 + rng.IntN(3) {
			k := 1 + rng.IntN(4)
			p.axes = append(p.axes[:j:j], [6]int{k + rng.IntN(8), k, 1 + rng.IntN(2), 1, k - 1, rng.IntN(k)})
		}
		k := 8 + rng.IntN(12)
		p.axes[len(p.axes)-1] = [6]int{k + rng.IntN(40), k, 1 + rng.IntN(2), 1, rng.IntN(k), rng.IntN(k)}
		if g := p.geom(); g.OutC*g.OutSize()*g.Taps() > 8e6 {
			continue
		}
		for _, k := range depthwise.All() {
			undo := cpu.Set(k.Needs)
			plan := newPlan(p.geom(), "depthwise by spans")
			if plan == nil {
				t.Fatalf("%v: no plan", p)
			}
			compare(t, plan, p, i)
			undo()
		}
	}
}

// TestDepthwisePairs compares rows of outputs that are computed two by two, with padding on some sides or none.
func TestDepthwisePairs(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 6))
	for i := range cases(60) {
		c := 2 + rng.IntN(70)
		p := problem{batch: 1 + rng.IntN(3), groups: c, inC: c, outC: c}
		for range 2 {
			p.axes = append(p.axes, [6]int{3 + rng.IntN(40), 3, 1, 1, rng.IntN(2), rng.IntN(2)})
		}
		for _, k := range depthwise.All() {
			undo := cpu.Set(k.Needs)
			g := p.geom()
			plan := newPlan(g, "depthwise")
			if d := plan.alg.(*depthwiseConv); d.paired != (k.Pairs != nil && g.Axes[0].Out > 1 && g.Batch*g.Axes[0].Out >= fewRows) {
				t.Errorf("%s, %v: pairs: %v", k.Name, p, d.paired)
			}
			compare(t, plan, p, i)
			undo()
		}
	}
}

// TestDepthwiseSpread compares gradients of inputs where windows of 3 by 3 move by two positions.
func TestDepthwiseSpread(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 6))
	for i := range cases(60) {
		c := 2 + rng.IntN(70)
		p := problem{batch: 1 + rng.IntN(3), groups: c, inC: c, outC: c}
		for range 2 {
			p.axes = append(p.axes, [6]int{2 + rng.IntN(40), 3, 2, 1, rng.IntN(2), 1})
		}
		for _, k := range depthwise.All() {
			undo := cpu.Set(k.Needs)
			g := p.geom()
			if a, ok := NewGradXPlan(g).alg.(*transposedDepthwise); !ok || !a.spreads {
				t.Errorf("%s, %v: no squares of outputs", k.Name, p)
			}
			compareGradX(t, k.Name, g, i)
			undo()
		}
	}
}

// TestDepthwiseCalls cuts channels and blocks of outputs into several calls.
func TestDepthwiseCalls(t *testing.T) {
	p := problem{1, 70, 70, 140, [][6]int{{5, 3, 1, 1, 1, 1}, {70, 3, 1, 1, 1, 1}}}
	for _, kernel := range []int{3, 4} {
		p.axes[1][1] = kernel
		plan := newPlan(p.geom(), "depthwise")
		d := plan.alg.(*depthwiseConv)
		d.panel, d.blocks = 2*d.k.Lanes, 3
		compare(t, plan, p, 1)
	}
}

// TestDepthwiseParts cuts the only row of outputs.
func TestDepthwiseParts(t *testing.T) {
	for _, axis := range [][6]int{{300, 4, 1, 1, 3, 0}, {300, 3, 1, 1, 1, 1}, {301, 5, 2, 1, 2, 2}, {300, 3, 1, 2, 4, 0}} {
		p := problem{1, 24, 24, 48, [][6]int{axis}}
		plan := newPlan(p.geom(), "depthwise")
		if n := len(plan.alg.(*depthwiseConv).parts); n < 2 {
			t.Errorf("%v: %d parts, want several", axis, n)
		}
		compare(t, plan, p, 2)
	}
}

func BenchmarkDepthwise(b *testing.B) {
	for _, s := range [][4]int{ // channels, size, kernel, stride
		{192, 56, 3, 1}, {32, 112, 3, 1}, {96, 112, 3, 2}, {144, 56, 3, 1}, {384, 14, 3, 1}, {960, 7, 3, 1}, {576, 14, 3, 2},
		{240, 28, 5, 1}, {672, 14, 5, 1}, {1152, 7, 5, 1}, {144, 56, 5, 2}, {96, 56, 7, 1}, {768, 7, 7, 1}} {
		p := problem{1, s[0], s[0], s[0], nil}
		for range 2 {
			p.axes = append(p.axes, [6]int{s[1], s[2], s[3], 1, s[2] / 2, s[2] / 2})
		}
		b.Run(fmt.Sprintf("%dx%d/%d@%d", s[2], s[2], s[0], s[1]), func(b *testing.B) {
			g := p.geom()
			plan := newPlan(g, "depthwise")
			rng := rand.New(rand.NewPCG(1, 1))
			a := Args{X: randoms(rng, g.InC*g.InSize()), Y: make([]float32, g.OutC*g.OutSize()), Bias: randoms(rng, g.OutC), Threads: 1}
			a.Filter = plan.Pack(randoms(rng, g.OutC*g.Taps()))
			for b.Loop() {
				plan.Run(&a)
			}
			b.ReportMetric(2*float64(g.OutC*g.OutSize()*g.Taps())*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			b.ReportMetric(0, "ns/op")
		})
	}
}
