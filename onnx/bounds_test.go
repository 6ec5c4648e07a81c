package onnx_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// chain appends a chain of n Relu nodes to the graph of a model.
func chain(m *onnx.Model, n int) *onnx.Model {
	last := "x"
	for i := range n {
		next := "v" + strconv.Itoa(i)
		m.Graph.Nodes = append(m.Graph.Nodes, &onnx.Node{OpType: "Relu", Inputs: []string{last}, Outputs: []string{next}})
		last = next
	}
	return m
}

// large returns valid models, and invalid ones that take long to see through.
func large() map[string]*onnx.Model {
	opsets := chain(small(), 50000)
	for i := range 200000 {
		opsets.Opsets = append(opsets.Opsets, onnx.OpsetID{Domain: "d" + strconv.Itoa(i), Version: 1})
	}
	nested := small()
	many := make([]string, 200000)
	for i := range many {
		many[i] = "x"
	}
	inner := &onnx.Graph{Name: "g0", Outputs: []*onnx.ValueInfo{{Name: "z0"}},
		Nodes: []*onnx.Node{{OpType: "Sum", Inputs: many, Outputs: []string{"z0"}}}}
	for i := range 100 {
		z := "z" + strconv.Itoa(i+1)
		inner = &onnx.Graph{Name: "g" + z, Outputs: []*onnx.ValueInfo{{Name: z}}, Nodes: []*onnx.Node{{OpType: "If", Inputs: []string{"c"}, Outputs: []string{z},
			Attributes: []*onnx.Attribute{onnx.NewGraph("then_branch", inner), onnx.NewGraph("else_branch", &onnx.Graph{Name: "e",
				Nodes: []*onnx.Node{{OpType: "Identity", Inputs: []string{"x"}, Outputs: []string{"e" + z}}}, Outputs: []*onnx.ValueInfo{{Name: "e" + z}}})}}}}
	}
	nested.Graph.Inputs = append(nested.Graph.Inputs, &onnx.ValueInfo{Name: "c", Type: onnx.NewTensorType(tensor.Bool)})
	nested.Graph.Nodes = append(nested.Graph.Nodes, inner.Nodes...)
	calls := small()
	calls.Opsets = append(calls.Opsets, onnx.OpsetID{Domain: "f", Version: 1})
	for i := range 100000 { // functions that call the next one, in the order that looks deepest
		calls.Functions = append(calls.Functions, &onnx.Function{Domain: "f", Name: strconv.Itoa(i), Inputs: []string{"a"}, Outputs: []string{"b"},
			Opsets: calls.Opsets, Nodes: []*onnx.Node{{Domain: "f", OpType: strconv.Itoa(i + 1), Inputs: []string{"a"}, Outputs: []string{"b"}}}})
	}
	return map[string]*onnx.Model{"chain": chain(small(), 200000), "opsets": opsets, "nested": nested, "calls": calls}
}

// TestCheckBounds: decoding and checking take at most a few seconds whatever the model, and memory in
// proportion to it.
func TestCheckBounds(t *testing.T) {
	for name, m := range large() {
		b := onnx.Encode(m)
		start := time.Now()
		_, total := heap(func() any {
			back, err := onnx.Decode(b)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			found := onnx.Check(back)
			if valid := name != "calls"; valid != (len(found) == 0) {
				t.Errorf("%s: %v", name, found[:min(len(found), 3)])
			}
			return back
		})
		took := time.Since(start)
		t.Logf("%s: %d KB, %v, %d MB allocated", name, len(b)>>10, took, total>>20)
		if took > 5*time.Second || total > 256<<20 {
			t.Errorf("%s: %v and %d MB for %d KB", name, took, total>>20, len(b)>>10)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	msg := onnx.Encode(chain(small(), 10000))
	b.SetBytes(int64(len(msg)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := onnx.Decode(msg); err != nil {
			b.Fatal(err)
		}
	}
}
