package opt_test

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"testing"
	"time"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/internal/measure"
	"github.com/onnxrun/onnxrun/internal/opt"
	"github.com/onnxrun/onnxrun/internal/plan"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// chainForms are groups of x [N, 64]. Names in capital letters are constants that broadcast.
var chainForms = []struct{ name, nodes string }{
	{"2 cheap", "Add x 1 -> a; Mul a 2 -> y"},
	{"2 cheap with rows", "Add x P64 -> a; Mul a Q64 -> y"},
	{"4 cheap with rows", "Sub x P64 -> a; Mul a Q64 -> b; Clip b 0 6 -> c; Add c x -> y"},
	{"1 cheap, 1 dear", "Add x 1 -> a; Tanh a -> y"},
	{"gate", "Sigmoid x -> a; Tanh x -> b; Mul a b -> y"},
	{"8 cheap", "Add x 1 -> a; Mul a 2 -> b; Neg b -> c; Abs c -> d; Sub d x -> e; Clip e 0 6 -> f; Mul f x -> g; Add g x -> y"},
}

// BenchmarkChains compares groups of nodes with one node that runs them block by block: processor time of the least of
// interleaved runs, in ns, and their ratio.
func BenchmarkChains(b *testing.B) {
	for _, form := range chainForms {
		for _, rows := range []int{8, 128, 1024, 4096, 8192, 16384, 32768, 65536} {
			b.Run(fmt.Sprintf("float32/%s/%dx64", form.name, rows), func(b *testing.B) {
				runtime.LockOSThread()
				defer runtime.UnlockOSThread()
				shape := tensor.Shape{1, 1, 1, rows, 64}
				fused, plain := chainRun(b, form.nodes, shape, ""), chainRun(b, form.nodes, shape, "chains")
				least := [2]time.Duration{math.MaxInt64, math.MaxInt64}
				loops := max(1, 1<<16/(rows*64))
				for b.Loop() {
					for i, run := range []func(){fused, plain} {
						run()
						start := measure.ThreadTime()
						for range loops {
							run()
						}
						least[i] = min(least[i], measure.ThreadTime()-start)
					}
				}
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(float64(least[0])/float64(loops), "fused")
				b.ReportMetric(float64(least[1])/float64(loops), "nodes")
				b.ReportMetric(float64(least[0])/float64(least[1]), "ratio")
			})
		}
	}
}

// chainRun returns a function that runs a graph of nodes without one of the passes.
func chainRun(b *testing.B, nodes string, shape tensor.Shape, skip string) func() {
	m := parse("x", nodes)
	// Sizes that are not known are taken to be worth the pass.
	m.Graph.Inputs[0].Type = onnx.NewTensorType(tensor.Float32, onnx.NamedDim("A"), onnx.NamedDim("B"), onnx.NamedDim("C"), onnx.NamedDim("N"), onnx.FixedDim(64))
	g, err := graph.Build(m, ops.Default())
	if err != nil {
		b.Fatal(err)
	}
	if g, err = opt.Apply(g, opt.Options{Skip: []string{skip}}); err != nil {
		b.Fatal(err)
	}
	p, err := plan.Compile(g, plan.Options{})
	if err != nil {
		b.Fatal(err)
	}
	in, out := []*tensor.Tensor{random("x", shape)}, []*tensor.Tensor{new(tensor.Tensor)}
	return func() {
		if err := p.Run(context.Background(), 1, in, out); err != nil {
			b.Fatal(err)
		}
	}
}
