package opt

import (
	"testing"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/internal/plan"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// TestSpans: layers of many steps take less memory when their spans run again, and the lifetimes stay those of the planner. What a
// layer keeps is written to, so its gradient does not run again. Layers of few steps stay as they are.
func TestSpans(t *testing.T) {
	for steps, want := range map[int]bool{128: true, 4: false} {
		m := ParseModel("x", "LSTM x W1x128x8 R1x128x32 hidden_size=32 -> q; Mul q q -> r")
		m.Graph.Inputs[0].Type = onnx.NewTensorType(tensor.Float32, Fixed(int64(steps), 16, 8)...)
		m.Opsets = append(m.Opsets, onnx.OpsetID{Domain: "ai.onnx.preview.training", Version: 1})
		m.Graph.Nodes = append(m.Graph.Nodes, &onnx.Node{OpType: "Gradient", Domain: "ai.onnx.preview.training", Inputs: []string{"x"}, Outputs: []string{"y"},
			Attributes: []*onnx.Attribute{onnx.NewStrings("xs", "x"), onnx.NewString("y", "r")}})
		g, err := graph.Build(m, ops.Default())
		if err != nil {
			t.Fatal(err)
		}
		if g, err = Apply(g, Options{}); err != nil {
			t.Fatal(err)
		}
		before, _ := liveIn(t, g)
		found, err := Spans(g)
		if err != nil || found != want {
			t.Fatalf("%d steps: %v, %v", steps, found, err)
		}
		if after, planned := liveIn(t, g); after != planned || found && after > before*2/3 {
			t.Errorf("%d steps: %d bytes in use at once, the planner has %d, before %d", steps, after, planned, before)
		}
		if again, err := Spans(g); again || err != nil {
			t.Errorf("%d steps: a second time %v, %v", steps, again, err)
		}
		r := newRecomputer(g, Memory{})
		r.dear = true
		for _, n := range g.Nodes {
			if _, ok := r.cost(n); n.Type == "RNNGrad" && ok == found {
				t.Errorf("%d steps: the gradient may run again: %v", steps, ok)
			}
		}
	}
}

// liveIn returns the bytes in use at once as lifetimes and the planner have them.
func liveIn(t *testing.T, g *graph.Graph) (ours, planned int) {
	t.Helper()
	p, err := plan.Compile(g, plan.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Need(); err != nil {
		t.Fatal(err)
	}
	l := newLifetimes(g, Memory{Scratch: p.Scratch()})
	return l.live[l.peak], p.Memory()[0].Live
}
