package runtime_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// TestRunIntoOwnInput feeds an output of a size that only its elements tell back as the next input: each run must
// see what the last one left, in tensors that are input and output of one call too.
func TestRunIntoOwnInput(t *testing.T) {
	names := []*onnx.ValueInfo{{Name: "x", Type: &onnx.Type{Kind: onnx.TypeTensor, ElemType: int32(tensor.Float32)}},
		{Name: "keep", Type: &onnx.Type{Kind: onnx.TypeTensor, ElemType: int32(tensor.Bool)}}}
	m := &onnx.Model{IRVersion: 10, Opsets: []onnx.OpsetID{{Version: 21}}, Graph: &onnx.Graph{
		Name: "g", Inputs: names, Outputs: []*onnx.ValueInfo{{Name: "y"}, {Name: "at"}},
		Nodes: []*onnx.Node{
			{OpType: "Compress", Inputs: []string{"x", "keep"}, Outputs: []string{"y"}, Attributes: []*onnx.Attribute{onnx.NewInt("axis", 0)}},
			{OpType: "NonZero", Inputs: []string{"y"}, Outputs: []string{"at"}},
		}}}
	s, err := runtime.OpenBytes(onnx.Encode(m), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	x := tensor.FromSlice([]float32{0, 1, 2, 3, 4, 5, 6, 7}, 8)
	first := x
	outs := map[string]*tensor.Tensor{}
	for round, want := range [][]float32{{0, 2, 3, 5, 6, 7}, {0, 3, 5, 7}, {0, 5}, {0}} {
		n := x.Len()
		keep := make([]bool, n)
		for i, v := range tensor.Of[float32](x) {
			keep[i] = slices.Contains(want, v)
		}
		if err := s.RunInto(context.Background(), map[string]*tensor.Tensor{"x": x, "keep": tensor.FromSlice(keep, n)}, outs); err != nil {
			t.Fatal(err)
		}
		x = outs["y"]
		if got := tensor.Of[float32](x); !slices.Equal(got, want) {
			t.Errorf("round %d: %v, want %v", round, got, want)
		}
		at := tensor.Of[int64](outs["at"])
		for i, p := range at {
			if p != int64(i+1) {
				t.Errorf("round %d: places %v of numbers that are not zero, want 1 to %d", round, at, len(want)-1)
				break
			}
		}
		if len(at) != len(want)-1 {
			t.Errorf("round %d: %d places, want %d", round, len(at), len(want)-1)
		}
	}
	if got := tensor.Of[float32](first); !slices.Equal(got, []float32{0, 1, 2, 3, 4, 5, 6, 7}) {
		t.Errorf("the first input became %v", got)
	}
}

// TestRunIntoSeveral makes several outputs of one node whose sizes only its elements tell, in tensors of all sizes: none may
// take the place of another.
func TestRunIntoSeveral(t *testing.T) {
	names := []string{"counts", "inverse", "first", "y"}
	m := &onnx.Model{IRVersion: 10, Opsets: []onnx.OpsetID{{Version: 21}}, Graph: &onnx.Graph{
		Name:   "g",
		Inputs: []*onnx.ValueInfo{{Name: "x", Type: &onnx.Type{Kind: onnx.TypeTensor, ElemType: int32(tensor.Int64)}}},
		Nodes: []*onnx.Node{
			{OpType: "Unique", Inputs: []string{"x"}, Outputs: []string{"y", "first", "inverse", "counts"}},
			{OpType: "Unsqueeze", Inputs: []string{"first", "zero"}, Outputs: []string{"column"}},
		},
		Initializers: []*onnx.TensorProto{tensor.NewProto("zero", tensor.FromSlice([]int64{0}, 1))},
	}}
	for _, n := range append(names, "column") {
		m.Graph.Outputs = append(m.Graph.Outputs, &onnx.ValueInfo{Name: n})
	}
	s, err := runtime.OpenBytes(onnx.Encode(m), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	into := map[string]*tensor.Tensor{}
	for round, x := range [][]int64{{5, 5, 3, 5, 3, 9, 9, 9}, {1, 2, 3, 4, 5, 6, 7, 8}, {7, 7, 7}, {8, 6, 8, 6, 1}} {
		in := map[string]*tensor.Tensor{"x": tensor.FromSlice(x, len(x))}
		want, err := s.Run(context.Background(), in)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.RunInto(context.Background(), in, into); err != nil {
			t.Fatal(err)
		}
		for name, w := range want {
			if got, w := tensor.Of[int64](into[name]), tensor.Of[int64](w); !slices.Equal(got, w) {
				t.Errorf("round %d: %s is %v, want %v", round, name, got, w)
			}
		}
	}
}

// TestNoWideRows opens a model with an operator of graph passes that would write to its own input: it is refused.
func TestNoWideRows(t *testing.T) {
	m := &onnx.Model{IRVersion: 10, Opsets: []onnx.OpsetID{{Version: 21}, {Domain: "onnxrun", Version: 1}}, Graph: &onnx.Graph{
		Name:    "g",
		Inputs:  []*onnx.ValueInfo{{Name: "x", Type: &onnx.Type{Kind: onnx.TypeTensor, ElemType: int32(tensor.Float32)}}},
		Outputs: []*onnx.ValueInfo{{Name: "y"}},
		Nodes: []*onnx.Node{{Name: "place", Domain: "onnxrun", OpType: "Place", Inputs: []string{"x", "x"}, Outputs: []string{"y"},
			Attributes: []*onnx.Attribute{onnx.NewInt("into", 1), onnx.NewInt("row", 8), onnx.NewInt("at", 1<<40)}}},
	}}
	_, err := runtime.OpenBytes(onnx.Encode(m), nil)
	if err == nil || !strings.Contains(err.Error(), `node "place"`) {
		t.Errorf("error %v, want one about the node", err)
	}
}
