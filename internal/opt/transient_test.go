package opt_test

import (
	"context"
	"slices"
	"testing"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/internal/opt"
	"github.com/onnxrun/onnxrun/internal/plan"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// TestLean compares programs that keep packed forms of their weights with those that make them, and the filters that passes
// derive, in each run: the bits are the same, and the store has no more than asked for.
func TestLean(t *testing.T) {
	const normalised = "Conv image K5x4x3x3 -> c; BatchNormalization c G5 B5 M5 V5 -> "
	for _, c := range []struct {
		name, input, nodes string
		shape              []int64
		derived, packs     int
	}{
		{"filter", "image", "Conv image K5x4x3x3 -> y", nil, 0, 0},
		{"derived filter", "image", normalised + "y", nil, 1, 0},
		{"transposed", "image", "ConvTranspose image K4x5x3x3 -> c; BatchNormalization c G5 B5 M5 V5 -> y", nil, 1, 0},
		{"two derived filters", "image", normalised + "n; Relu n -> r; Conv r L3x5x1x1 -> d; BatchNormalization d E3 F3 Q3 P3 -> y", nil, 2, 0},
		{"product of many rows", "x", "MatMul x W8x5 -> y", []int64{4, 50, 8}, 0, 0},
		{"product of few rows", "x", "MatMul x W8x5 -> y", []int64{4, 5, 8}, 0, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := opt.ParseModel(c.input, c.nodes)
			if c.shape != nil {
				m.Graph.Inputs[0].Type = onnx.NewTensorType(tensor.Float32, opt.Fixed(c.shape...)...)
			}
			want, _, _ := runLean(t, m, false)
			got, derived, packs := runLean(t, m, true)
			if derived != c.derived || packs != c.packs {
				t.Errorf("%d derived filters and %d packed forms, want %d and %d", derived, packs, c.derived, c.packs)
			}
			if !slices.Equal(got, want) {
				t.Error("the results differ")
			}
		})
	}
}

func runLean(t *testing.T, m *onnx.Model, lean bool) (y []float32, derived, packs int) {
	t.Helper()
	g, err := graph.Build(m, ops.Default())
	if err != nil {
		t.Fatal(err)
	}
	if g, err = opt.Apply(g, opt.Options{}); err != nil {
		t.Fatal(err)
	}
	if lean {
		opt.Transient(g)
	}
	for _, n := range g.Nodes {
		if n.Type == "Derived" {
			derived++
		}
	}
	store := plan.NewStore(nil)
	p, err := plan.Compile(g, plan.Options{Weights: store, Lean: lean, Once: true})
	if err != nil {
		t.Fatal(err)
	}
	shape, _ := g.Inputs[0].Static()
	out := new(tensor.Tensor)
	for range 2 {
		if err := p.Run(context.Background(), 1, []*tensor.Tensor{random("input", shape)}, []*tensor.Tensor{out}); err != nil {
			t.Fatal(err)
		}
	}
	return tensor.Of[float32](out), derived, store.Packs()
}

// TestDerivedStaysAway runs programs whose kernels have packed the weights that passes derived: nothing reads these any more, which
// would bring their elements back.
func TestDerivedStaysAway(t *testing.T) {
	for _, nodes := range []string{"MatMul x W8x5 -> p; Mul p S5 -> y", "MatMul x W8x5 -> p; Add p B5 -> b; Mul b S5 -> y"} {
		m := opt.ParseModel("x", nodes)
		g, err := graph.Build(m, ops.Default())
		if err != nil {
			t.Fatal(err)
		}
		if g, err = opt.Apply(g, opt.Options{}); err != nil {
			t.Fatal(err)
		}
		p, err := plan.Compile(g, plan.Options{Weights: plan.NewStore(nil), Once: true, Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		found, read := 0, 0
		for _, n := range g.Nodes {
			for _, v := range n.In {
				if v != nil && v.Derived != nil && v.Const.Rank() == 2 {
					found++
					v.Const.ResetTo(tensor.Deferred(make([]float32, v.Const.Len()), v.Const.Shape().Clone(), func() { read++ }))
				}
			}
		}
		out := []*tensor.Tensor{new(tensor.Tensor)}
		if err := p.Run(context.Background(), 1, []*tensor.Tensor{tensor.New(tensor.Float32, 2, 3, 8)}, out); err != nil {
			t.Fatal(err)
		}
		if found != 1 || read > 0 {
			t.Errorf("%s: of %d derived weights the elements were asked for %d times while running", nodes, found, read)
		}
	}
}
