package opt_test

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/internal/opt"
	"github.com/onnxrun/onnxrun/internal/plan"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// chainInput are the inputs of random chains: name, and the dimensions, each a symbol or 1.
var chainShapes = []struct {
	name string
	dims []string
}{
	{"whole", []string{"N", "C", "H", "W"}}, {"other", []string{"N", "C", "H", "W"}}, {"row", []string{"W"}},
	{"rows", []string{"H", "W"}}, {"column", []string{"H", "1"}}, {"channel", []string{"C", "1", "1"}},
	{"image", []string{"N", "1", "1", "1"}}, {"plane", []string{"1", "C", "1", "W"}}, {"scalar", []string{"1"}},
}

// randomChain makes a model of elementwise nodes over the inputs above.
func randomChain(r *rand.Rand, nodes int) *onnx.Model {
	g := &onnx.Graph{Name: "chain"}
	floats, bools := []string{}, []string{}
	for _, in := range chainShapes {
		var dims []onnx.Dim
		for _, d := range in.dims {
			if d == "1" {
				dims = append(dims, onnx.FixedDim(1))
			} else {
				dims = append(dims, onnx.NamedDim(d))
			}
		}
		g.Inputs = append(g.Inputs, &onnx.ValueInfo{Name: in.name, Type: onnx.NewTensorType(tensor.Float32, dims...)})
		floats = append(floats, in.name)
	}
	for name, v := range map[string]float32{"low": -0.5, "high": 1.5, "two": 2} {
		g.Initializers = append(g.Initializers, tensor.NewProto(name, tensor.Scalar(v)))
	}
	pick := func(list []string) string { return list[max(r.IntN(len(list)), r.IntN(len(list)))] }
	for i := range nodes {
		y := fmt.Sprint("v", i)
		n := &onnx.Node{Outputs: []string{y}}
		unary := []string{"Abs", "Neg", "Relu", "Sigmoid", "Tanh", "Exp", "Erf", "Floor", "Softplus", "HardSwish", "Selu", "LeakyRelu", "Sqrt", "Log", "Atan", "Celu", "Shrink"}
		binary := []string{"Add", "Sub", "Mul", "Div", "Max", "Min", "Pow", "PRelu", "Sum", "Mean"}
		switch k := r.IntN(20); {
		case k < 6:
			n.OpType, n.Inputs = unary[r.IntN(len(unary))], []string{pick(floats)}
		case k == 6:
			n.OpType, n.Inputs = "Clip", []string{pick(floats), "low", "high"}
		case k == 7:
			n.OpType, n.Inputs = "Clip", []string{pick(floats), "", "high"}
		case k == 8:
			n.OpType, n.Inputs = []string{"Greater", "Less", "Equal"}[r.IntN(3)], []string{pick(floats), pick(floats)}
		case k == 9 && len(bools) > 0:
			n.OpType, n.Inputs = []string{"And", "Or", "Xor"}[r.IntN(3)], []string{pick(bools), pick(bools)}
		case k == 10 && len(bools) > 0:
			n.OpType, n.Inputs = "Not", []string{pick(bools)}
		case k <= 12 && len(bools) > 0:
			n.OpType, n.Inputs = "Where", []string{pick(bools), pick(floats), pick(floats)}
		case k == 13 && len(bools) > 0:
			n.OpType, n.Inputs, n.Attributes = "Cast", []string{pick(bools)}, []*onnx.Attribute{onnx.NewInt("to", int64(tensor.Float32))}
		case k == 14:
			n.OpType, n.Inputs = "Pow", []string{pick(floats), "two"}
		default:
			n.OpType, n.Inputs = binary[r.IntN(len(binary))], []string{"whole", pick(floats)}
			if n.OpType != "PRelu" {
				n.Inputs[0] = pick(floats)
			}
		}
		g.Nodes = append(g.Nodes, n)
		if slices.Contains([]string{"Greater", "Less", "Equal", "And", "Or", "Xor", "Not"}, n.OpType) {
			bools = append(bools, y)
		} else {
			floats = append(floats, y)
		}
	}
	last := floats[len(floats)-1]
	g.Nodes = append(g.Nodes, &onnx.Node{OpType: "Add", Inputs: []string{last, "whole"}, Outputs: []string{"y"}})
	g.Outputs = []*onnx.ValueInfo{{Name: "y", Type: &onnx.Type{Kind: onnx.TypeTensor, ElemType: int32(tensor.Float32)}}}
	return &onnx.Model{IRVersion: 8, Opsets: []onnx.OpsetID{{Version: 18}}, Graph: g}
}

// chainTensors are inputs for sizes, with some numbers that are not finite.
func chainTensors(r *rand.Rand, sizes map[string]int) (in []*tensor.Tensor) {
	for _, c := range chainShapes {
		var shape tensor.Shape
		for _, d := range c.dims {
			shape = append(shape, max(1, sizes[d]))
		}
		v := make([]float32, shape.Len())
		for i := range v {
			if v[i] = float32(r.NormFloat64()); r.IntN(50) == 0 {
				v[i] = []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), 0}[r.IntN(4)]
			}
		}
		in = append(in, tensor.FromSlice(v, shape...))
	}
	return in
}

func compiled(t *testing.T, m *onnx.Model, skip ...string) (*plan.Program, int) {
	t.Helper()
	g, err := graph.Build(m, ops.Default())
	if err != nil {
		t.Fatal(err)
	}
	if g, err = opt.Apply(g, opt.Options{Skip: skip}); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, node := range g.Nodes {
		if node.Type == "Elementwise" {
			n++
		}
	}
	p, err := plan.Compile(g, plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return p, n
}

// TestChains compares random graphs with and without the pass: not a bit may change, for any sizes and threads.
func TestChains(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	sizes := []map[string]int{
		{"N": 1, "C": 1, "H": 1, "W": 1}, {"N": 2, "C": 3, "H": 5, "W": 7}, {"N": 2, "C": 3, "H": 30, "W": 700},
		{"N": 1, "C": 2, "H": 9, "W": 5000}, {"N": 3, "C": 64, "H": 40, "W": 6}, {"N": 2, "C": 5, "H": 1, "W": 3000}, {"N": 40, "C": 300, "H": 7, "W": 1},
		{"N": 1, "C": 3, "H": 1100, "W": 1300}, // long blocks, for some graphs
	}
	found := 0
	for i := range 60 {
		m := randomChain(r, 2+r.IntN(14))
		plain, _ := compiled(t, m, "chains")
		fused, n := compiled(t, m)
		found += n
		if i == 4 {
			sizes = sizes[:len(sizes)-1]
		}
		for _, s := range sizes {
			in := chainTensors(r, s)
			want, got, two := new(tensor.Tensor), new(tensor.Tensor), new(tensor.Tensor)
			for _, run := range []struct {
				p       *plan.Program
				threads int
				out     *tensor.Tensor
			}{{plain, 1, want}, {fused, 1, got}, {fused, 2, two}} {
				if err := run.p.Run(context.Background(), run.threads, in, []*tensor.Tensor{run.out}); err != nil {
					t.Fatal(err)
				}
			}
			if !bytes.Equal(got.Bytes(), want.Bytes()) || !bytes.Equal(two.Bytes(), want.Bytes()) {
				for _, n := range m.Graph.Nodes {
					t.Log(n.OpType, n.Inputs, n.Outputs)
				}
				t.Fatalf("sizes %v: results differ", s)
			}
		}
	}
	if found < 10 {
		t.Errorf("%d chains in 60 graphs", found)
	}
}

func TestChainsAllocateNothing(t *testing.T) {
	m := parse("x", "Mul x P8 -> a; Sigmoid a -> b; Sub b x -> c; Tanh c -> y")
	p, n := compiled(t, m)
	if n != 0 { // 48 elements
		t.Errorf("%d chains of few elements", n)
	}
	r := rand.New(rand.NewPCG(1, 1))
	p, n = compiled(t, randomChain(r, 12))
	in, out := chainTensors(r, map[string]int{"N": 2, "C": 3, "H": 30, "W": 70}), []*tensor.Tensor{new(tensor.Tensor)}
	run := func() {
		if err := p.Run(context.Background(), 1, in, out); err != nil {
			t.Fatal(err)
		}
	}
	run()
	if a := testing.AllocsPerRun(20, run); n == 0 || a >= 1 {
		t.Errorf("%d chains, %v allocations in a run", n, a)
	}
}
