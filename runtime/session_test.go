package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// perceptron returns the bytes of a model y = Relu(x W + b) V with x [batch, 8], and a hidden value "h".
func perceptron(t testing.TB) []byte {
	t.Helper()
	rng := rand.New(rand.NewPCG(3, 4))
	weights := func(name string, dims ...int) *onnx.TensorProto {
		v := make([]float32, tensor.Shape(dims).Len())
		for i := range v {
			v[i] = float32(rng.NormFloat64())
		}
		return tensor.NewProto(name, tensor.FromSlice(v, dims...))
	}
	f32 := func(name string, dims ...onnx.Dim) *onnx.ValueInfo {
		return &onnx.ValueInfo{Name: name, Type: onnx.NewTensorType(tensor.Float32, dims...)}
	}
	m := &onnx.Model{IRVersion: 8, Opsets: []onnx.OpsetID{{Version: 17}}, Graph: &onnx.Graph{
		Name:         "perceptron",
		Inputs:       []*onnx.ValueInfo{f32("x", onnx.NamedDim("batch"), onnx.FixedDim(8))},
		Outputs:      []*onnx.ValueInfo{f32("y", onnx.NamedDim("batch"), onnx.FixedDim(3))},
		Initializers: []*onnx.TensorProto{weights("W", 8, 16), weights("b", 16), weights("V", 16, 3)},
		Nodes: []*onnx.Node{
			{Name: "product", OpType: "MatMul", Inputs: []string{"x", "W"}, Outputs: []string{"xW"}},
			{Name: "bias", OpType: "Add", Inputs: []string{"xW", "b"}, Outputs: []string{"a"}},
			{Name: "relu", OpType: "Relu", Inputs: []string{"a"}, Outputs: []string{"h"}},
			{Name: "head", OpType: "MatMul", Inputs: []string{"h", "V"}, Outputs: []string{"y"}},
		},
	}}
	return onnx.Encode(m)
}

func open(t testing.TB, o *runtime.Options) *runtime.Session {
	t.Helper()
	s, err := runtime.OpenBytes(perceptron(t), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func batch(n int) map[string]*tensor.Tensor {
	v := make([]float32, n*8)
	for i := range v {
		v[i] = float32(math.Sin(float64(i)))
	}
	return map[string]*tensor.Tensor{"x": tensor.FromSlice(v, n, 8)}
}

func TestRunAtManyBatchSizes(t *testing.T) {
	fast, plain := open(t, nil), open(t, &runtime.Options{NoOptimize: true, Threads: 1})
	for _, n := range []int{1, 7, 2, 0, 64, 3} {
		got, err := fast.Run(context.Background(), batch(n))
		if err != nil {
			t.Fatal(err)
		}
		want, err := plain.Run(context.Background(), batch(n))
		if err != nil {
			t.Fatal(err)
		}
		if !got["y"].Shape().Equal(tensor.Shape{n, 3}) {
			t.Fatalf("shape %v for batch %d", got["y"].Shape(), n)
		}
		for i, w := range tensor.Of[float32](want["y"]) {
			if g := tensor.Of[float32](got["y"])[i]; math.Abs(float64(g-w)) > 1e-4 {
				t.Fatalf("batch %d: element %d is %v, want %v", n, i, g, w)
			}
		}
	}
}

func TestRunIntoAllocatesNothing(t *testing.T) {
	if !poolsKeep {
		t.Skip("allocations are not counted under the race detector")
	}
	s := open(t, nil)
	in, out, ctx := batch(4), map[string]*tensor.Tensor{}, context.Background()
	run := func() {
		if err := s.RunInto(ctx, in, out); err != nil {
			t.Fatal(err)
		}
	}
	run()
	if n := testing.AllocsPerRun(200, run); n != 0 {
		t.Errorf("%v allocations a run, want none", n)
	}
}

func TestOutputsBelongToTheCaller(t *testing.T) {
	s := open(t, nil)
	a, err := s.Run(context.Background(), batch(2))
	if err != nil {
		t.Fatal(err)
	}
	before := a["y"].Clone()
	zero := map[string]*tensor.Tensor{"x": tensor.New(tensor.Float32, 2, 8)}
	if _, err := s.Run(context.Background(), zero); err != nil {
		t.Fatal(err)
	}
	for i, v := range tensor.Of[float32](a["y"]) {
		if v != tensor.Of[float32](before)[i] {
			t.Fatal("a later run changed the outputs of an earlier one")
		}
	}
}

func TestManyGoroutines(t *testing.T) {
	s := open(t, nil)
	want := map[int]*tensor.Tensor{}
	for n := 1; n <= 4; n++ {
		out, err := s.Run(context.Background(), batch(n))
		if err != nil {
			t.Fatal(err)
		}
		want[n] = out["y"]
	}
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 100 {
				n := 1 + (g+i)%4
				out, err := s.Run(context.Background(), batch(n))
				if err != nil {
					t.Error(err)
					return
				}
				for k, v := range tensor.Of[float32](out["y"]) {
					if v != tensor.Of[float32](want[n])[k] {
						t.Errorf("batch %d: element %d differs between goroutines", n, k)
						return
					}
				}
			}
		})
	}
	wg.Wait()
}

func TestInnerOutput(t *testing.T) {
	s := open(t, &runtime.Options{Outputs: []string{"h"}})
	out, err := s.Run(context.Background(), batch(2))
	if err != nil {
		t.Fatal(err)
	}
	if len(out) != 1 || !out["h"].Shape().Equal(tensor.Shape{2, 16}) {
		t.Errorf("got %v", out)
	}
}

func TestErrors(t *testing.T) {
	s := open(t, nil)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.Run(ctx, batch(1)); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled run: %v", err)
	}
	for name, in := range map[string]map[string]*tensor.Tensor{
		`runtime: input "x" is missing: want float32[batch,8]`:           {},
		`runtime: the model has no input "z"`:                            {"x": batch(1)["x"], "z": batch(1)["x"]},
		`runtime: input "x" is a tensor of int64, want float32[batch,8]`: {"x": tensor.New(tensor.Int64, 1, 8)},
		`runtime: input "x" has shape [1 9], want float32[batch,8]`:      {"x": tensor.New(tensor.Float32, 1, 9)},
		`runtime: input "x" has shape [8], want float32[batch,8]`:        {"x": tensor.New(tensor.Float32, 8)},
	} {
		if _, err := s.Run(context.Background(), in); err == nil || err.Error() != name {
			t.Errorf("got %v, want %s", err, name)
		}
	}
	small := open(t, &runtime.Options{MemoryLimit: 1000, NoOptimize: true})
	var limit *runtime.LimitError
	if _, err := small.Run(context.Background(), batch(100)); !errors.As(err, &limit) {
		t.Errorf("run beyond the memory limit: %v", err)
	}
	s.Close()
	if _, err := s.Run(context.Background(), batch(1)); err != runtime.ErrClosed {
		t.Errorf("run after Close: %v", err)
	}
}

// TestReshapeThatDoesNotDivide reshapes [batch, 8] to [-1, 12]: batches whose elements are no multiple of 12
// are refused.
func TestReshapeThatDoesNotDivide(t *testing.T) {
	m, err := onnx.Decode(perceptron(t))
	if err != nil {
		t.Fatal(err)
	}
	m.Graph.Initializers = []*onnx.TensorProto{tensor.NewProto("to", tensor.FromSlice([]int64{-1, 12}))}
	m.Graph.Nodes = []*onnx.Node{
		{Name: "copy", OpType: "Relu", Inputs: []string{"x"}, Outputs: []string{"h"}},
		{Name: "fold", OpType: "Reshape", Inputs: []string{"h", "to"}, Outputs: []string{"r"}},
		{Name: "use", OpType: "Relu", Inputs: []string{"r"}, Outputs: []string{"y"}},
	}
	m.Graph.Outputs[0].Type = onnx.NewTensorType(tensor.Float32, onnx.NamedDim("rows"), onnx.FixedDim(12))
	s, err := runtime.OpenBytes(onnx.Encode(m), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if out, err := s.Run(context.Background(), batch(3)); err != nil || !out["y"].Shape().Equal(tensor.Shape{2, 12}) {
		t.Errorf("batch 3: %v, %v", out, err)
	}
	var node *runtime.NodeError
	if _, err := s.Run(context.Background(), batch(4)); !errors.As(err, &node) || node.Path != "fold" {
		t.Errorf("batch 4: %v", err)
	}
}

func TestProfile(t *testing.T) {
	p := &runtime.Profile{}
	s := open(t, &runtime.Options{Profile: p, NoOptimize: true})
	p.Trace(true)
	for range 3 {
		if _, err := s.Run(context.Background(), batch(1)); err != nil {
			t.Fatal(err)
		}
	}
	if got := fmt.Sprintf("%d %s %d %d", len(p.Nodes()), p.Nodes()[0].Op, p.Nodes()[0].Calls(), len(p.Events())); got != "4 MatMul 3 12" {
		t.Errorf("got %s", got)
	}
}
