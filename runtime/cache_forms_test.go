package runtime_test

import (
	"bytes"
	"context"
	"path/filepath"
	"testing"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// cachedNode is a model of one node whose first input is X and whose other ones are weights; missing ones are nil.
type cachedNode struct {
	op, domain string
	attrs      []*onnx.Attribute
	x          *tensor.Tensor
	weights    []*tensor.Tensor
	forms      int
}

func (n *cachedNode) model() *onnx.Model {
	var dims []onnx.Dim
	for _, d := range n.x.Shape() {
		dims = append(dims, onnx.FixedDim(int64(d)))
	}
	g := &onnx.Graph{Name: "g", Outputs: []*onnx.ValueInfo{{Name: "y"}},
		Inputs: []*onnx.ValueInfo{{Name: "x", Type: onnx.NewTensorType(n.x.DType(), dims...)}}}
	in := []string{"x"}
	for i, w := range n.weights {
		if w == nil {
			in = append(in, "")
			continue
		}
		init := &onnx.TensorProto{Name: string(rune('a' + i))}
		init.SetValue(w)
		g.Initializers, in = append(g.Initializers, init), append(in, init.Name)
	}
	g.Nodes = []*onnx.Node{{OpType: n.op, Domain: n.domain, Inputs: in, Outputs: []string{"y"}, Attributes: n.attrs}}
	return &onnx.Model{IRVersion: 10, Opsets: []onnx.OpsetID{{Version: 21}, {Domain: "com.microsoft", Version: 1}}, Graph: g}
}

// wave returns a tensor of numbers that differ, from -1 to 1.
func wave(shape ...int) *tensor.Tensor {
	x := make([]float32, tensor.Shape(shape).Len())
	for i := range x {
		x[i] = float32(i*7%101-50) / 50
	}
	return tensor.FromSlice(x, shape...)
}

// codes returns a tensor of bytes that differ.
func codes(shape ...int) *tensor.Tensor {
	x := make([]uint8, tensor.Shape(shape).Len())
	for i := range x {
		x[i] = uint8(i * 13)
	}
	return tensor.FromSlice(x, shape...)
}

// TestCacheForms opens models with each kind of packed form, first to fill a cache and then to read it: every form comes
// from the file, and the results are the same to the last bit.
func TestCacheForms(t *testing.T) {
	const steps, batch, in, hidden = 3, 2, 24, 40
	both := []*onnx.Attribute{onnx.NewInt("hidden_size", hidden), onnx.NewString("direction", "bidirectional")}
	dirs := func(n int, linear int64) []*onnx.Attribute {
		return append([]*onnx.Attribute{onnx.NewInt("linear_before_reset", linear)}, both[:n]...)
	}
	x := wave(steps, batch, in)
	cases := map[string]*cachedNode{
		"MatMul":           {op: "MatMul", x: wave(5, in), weights: []*tensor.Tensor{wave(in, hidden)}, forms: 1},
		"Conv":             {op: "Conv", x: wave(1, 16, 9, 9), weights: []*tensor.Tensor{wave(24, 16, 3, 3)}, forms: 1},
		"LSTM":             {op: "LSTM", attrs: both, x: x, weights: []*tensor.Tensor{wave(2, 4*hidden, in), wave(2, 4*hidden, hidden)}, forms: 2},
		"RNN":              {op: "RNN", attrs: both[:1], x: x, weights: []*tensor.Tensor{wave(1, hidden, in), wave(1, hidden, hidden)}, forms: 2},
		"GRU linear first": {op: "GRU", attrs: dirs(1, 1), x: x, weights: []*tensor.Tensor{wave(1, 3*hidden, in), wave(1, 3*hidden, hidden)}, forms: 2},
		"GRU reset first":  {op: "GRU", attrs: dirs(2, 0), x: x, weights: []*tensor.Tensor{wave(2, 3*hidden, in), wave(2, 3*hidden, hidden)}, forms: 2},
		"MatMulInteger": {op: "MatMulInteger", x: codes(5, in), forms: 1,
			weights: []*tensor.Tensor{codes(in, hidden), tensor.FromSlice([]uint8{3}), tensor.FromSlice([]uint8{7})}},
		"DynamicQuantizeLSTM": {op: "DynamicQuantizeLSTM", domain: "com.microsoft", attrs: both[:1], x: x, forms: 2,
			weights: []*tensor.Tensor{codes(1, in, 4*hidden), codes(1, hidden, 4*hidden), nil, nil, nil, nil, nil,
				wave(1), tensor.FromSlice([]uint8{128}, 1), wave(1), tensor.FromSlice([]uint8{120}, 1)}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "model.onnx")
			if err := onnx.WriteFile(path, c.model(), nil); err != nil {
				t.Fatal(err)
			}
			var want []byte
			for i, o := range []*runtime.Options{nil, {Cache: filepath.Join(dir, "cache")}, {Cache: filepath.Join(dir, "cache")}} {
				s, err := runtime.Open(path, o)
				if err != nil {
					t.Fatal(err)
				}
				out, err := s.Run(context.Background(), map[string]*tensor.Tensor{"x": c.x})
				if err != nil {
					t.Fatal(err)
				}
				switch info := s.Cache(); {
				case i == 0:
					want = out["y"].Bytes()
				case info.Err != nil || i == 1 && info.Packed != c.forms || i == 2 && (info.Loaded != c.forms || info.Packed != 0):
					t.Errorf("opening %d: %+v, want %d forms", i, info, c.forms)
				case !bytes.Equal(out["y"].Bytes(), want):
					t.Errorf("opening %d: other results", i)
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}
