package opt

import (
	"fmt"
	"testing"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/internal/plan"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// TestLifetimes compares what is in use at once with what the planner lays out, before and after values are made again.
func TestLifetimes(t *testing.T) {
	for _, inside := range []bool{false, true} {
		for _, skip := range []string{"recompute", ""} {
			g, err := graph.Build(models["recompute"](), ops.Default())
			if err != nil {
				t.Fatal(err)
			}
			if g, err = Apply(g, Options{Inside: inside, Skip: []string{skip}}); err != nil {
				t.Fatal(err)
			}
			p, err := plan.Compile(g, plan.Options{Inside: inside, Threads: 1})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.Need(); err != nil {
				t.Fatal(err)
			}
			m := Memory{Inside: inside, Scratch: p.Scratch()}
			l := newLifetimes(g, m)
			if got, want := l.live[l.peak], p.Memory()[0].Live; got != want {
				t.Errorf("inside %v, without %q: %d bytes in use at once, the planner has %d", inside, skip, got, want)
			}
			before := l.live[l.peak]
			if Recompute(g, 1, m) {
				if after := newLifetimes(g, m); after.live[after.peak] >= before {
					t.Errorf("inside %v: %d bytes after %d", inside, after.live[after.peak], before)
				}
			}
		}
	}
}

// TestRecomputeBeforeChange makes a value again whose input is written over before the value is read: in front of that.
func TestRecomputeBeforeChange(t *testing.T) {
	m := ParseModel("x", "MatMul x x -> d; Exp x -> a; MatMul x a -> b; MatMul b a -> g; MatMul d d -> r")
	m.Graph.Inputs[0].Type = onnx.NewTensorType(tensor.Float32, Fixed(128, 128)...)
	typ := m.Graph.Inputs[0].Type
	m.Graph.Outputs = []*onnx.ValueInfo{{Name: "r", Type: typ}, {Name: "g", Type: typ}}
	g, err := graph.Build(m, ops.Default())
	if err != nil {
		t.Fatal(err)
	}
	if g, err = Apply(g, Options{Off: true}); err != nil {
		t.Fatal(err)
	}
	take := &ops.Op{Domain: "onnxrun", Name: "Take", Since: 1, Flags: ops.Random | ops.Changes}
	Deliver(g, nil, []Delivery{{Output: 1, Changes: g.Inputs[0], Op: take}})
	l := newLifetimes(g, Memory{Inside: true})
	before := l.live[l.peak]
	if !Recompute(g, 1, Memory{Inside: true}) {
		t.Fatal("nothing was made again")
	}
	l = newLifetimes(g, Memory{Inside: true})
	if after := l.live[l.peak]; after >= before {
		t.Errorf("%d bytes in use at once, %d before", after, before)
	}
	changed := false
	for _, n := range g.Nodes {
		if changed = changed || n.Op == take; changed && n.In[0] == g.Inputs[0] {
			t.Error("an input is read after it was changed")
		}
	}
}

// TestRecomputeMoves lets a value that waits at the peak be made after it instead of twice: what it is made of is there anyway.
func TestRecomputeMoves(t *testing.T) {
	m := ParseModel("x", "Sin x -> a; MatMul a x -> d; Concat a a a a axis=0 -> four; MatMul four a -> s; MatMul d d -> e; Concat e s axis=0 -> y")
	m.Graph.Inputs[0].Type = onnx.NewTensorType(tensor.Float32, Fixed(256, 256)...)
	g, err := graph.Build(m, ops.Default())
	if err != nil {
		t.Fatal(err)
	}
	if g, err = Apply(g, Options{Off: true}); err != nil {
		t.Fatal(err)
	}
	l, nodes := newLifetimes(g, Memory{}), len(g.Nodes)
	before := l.live[l.peak]
	if !Recompute(g, 1, Memory{}) {
		t.Fatal("no value moves")
	}
	if l = newLifetimes(g, Memory{}); l.live[l.peak] >= before || len(g.Nodes) != nodes {
		t.Errorf("%d bytes in use at once, %d before, with %d nodes, %d before", l.live[l.peak], before, len(g.Nodes), nodes)
	}
}

// TestSavedMemory compares what is in use at once where values wait as bfloat16 and as float32.
func TestSavedMemory(t *testing.T) {
	text := "Identity x -> a0"
	for i := range 8 {
		text += fmt.Sprintf("; MatMul a%d a%[1]d -> b%[1]d; Sin b%[1]d -> a%d", i, i+1)
	}
	var peaks [2]int
	for i := range peaks {
		m := differentiated(text+"; MatMul a8 a8 -> r", "r")
		g, err := graph.Build(m, ops.Default())
		if err != nil {
			t.Fatal(err)
		}
		if g, err = Apply(g, Options{HalfSaved: i == 1}); err != nil {
			t.Fatal(err)
		}
		l := newLifetimes(g, Memory{})
		peaks[i] = l.live[l.peak]
	}
	if peaks[1] > peaks[0]*3/4 {
		t.Errorf("%d bytes in use at once, %d with float32", peaks[1], peaks[0])
	}
}
