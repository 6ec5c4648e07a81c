package runtime_test

import (
	"context"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// available returns the bytes of memory that are free to use, 0 where nothing tells.
func available() int {
	b, _ := os.ReadFile("/proc/meminfo")
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) >= 2 && f[0] == "MemAvailable:" {
			n, _ := strconv.Atoi(f[1])
			return n << 10
		}
	}
	return 0
}

// TestTensorAbove2GiB makes a tensor of more elements than an int32 counts, changes one behind that bound and
// finds it again by position, by value and by slice.
func TestTensorAbove2GiB(t *testing.T) {
	if testing.Short() || available() < 8<<30 {
		t.Skipf("tensor above 2 GiB: skipped in short mode and below 8 GiB of free memory (%d MiB here)", available()>>20)
	}
	const at = 1<<31 + 5
	ints := func(name string, v ...int64) *onnx.TensorProto { return tensor.NewProto(name, tensor.FromSlice(v)) }
	node := func(op, out string, ins ...string) *onnx.Node {
		return &onnx.Node{OpType: op, Inputs: ins, Outputs: []string{out}}
	}
	with := func(n *onnx.Node, a ...*onnx.Attribute) *onnx.Node { n.Attributes = a; return n }
	out := func(name string, d tensor.DType) *onnx.ValueInfo {
		return &onnx.ValueInfo{Name: name, Type: &onnx.Type{Kind: onnx.TypeTensor, ElemType: int32(d)}}
	}
	index := ints("index", at)
	index.Dims = []int64{1, 1}
	seven := tensor.NewProto("", tensor.FromSlice([]uint8{7}))
	m := &onnx.Model{IRVersion: 8, Opsets: []onnx.OpsetID{{Version: 17}}, Graph: &onnx.Graph{
		Name:    "large",
		Inputs:  []*onnx.ValueInfo{{Name: "n", Type: onnx.NewTensorType(tensor.Int64, onnx.FixedDim(1))}},
		Outputs: []*onnx.ValueInfo{out("size", tensor.Int64), out("where", tensor.Int64), out("around", tensor.Uint8), out("picked", tensor.Uint8), out("most", tensor.Uint8)},
		Initializers: []*onnx.TensorProto{index, tensor.NewProto("nine", tensor.FromSlice([]uint8{9})),
			ints("from", at-1), ints("to", at+2), ints("picks", at, -1)},
		Nodes: []*onnx.Node{
			with(node("ConstantOfShape", "x", "n"), onnx.NewTensor("value", seven)),
			node("Size", "size", "x"),
			node("ScatterND", "y", "x", "index", "nine"),
			with(node("ArgMax", "where", "y"), onnx.NewInt("axis", 0), onnx.NewInt("keepdims", 0)),
			node("Slice", "around", "y", "from", "to"),
			node("Gather", "picked", "y", "picks"),
			with(node("ReduceMax", "most", "y"), onnx.NewInt("keepdims", 0)),
		},
	}}
	s, err := runtime.OpenBytes(onnx.Encode(m), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	got, err := s.Run(context.Background(), map[string]*tensor.Tensor{"n": tensor.FromSlice([]int64{1<<31 + 64})})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]float64{"size": {1<<31 + 64}, "where": {at}, "around": {7, 9, 7}, "picked": {9, 7}, "most": {9}} {
		v := tensor.Float64s(got[name], len(want))
		for i := range want {
			if len(v) != len(want) || v[i] != want[i] {
				t.Errorf("%s is %v, want %v", name, v, want)
				break
			}
		}
	}
}
