package finetune_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/onnxrun/onnxrun/finetune"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// twoLayers is y = relu(x W) V with W in the given form: nodes that make h from x.
func twoLayers(weights tensors, nodes ...*onnx.Node) sketch {
	s := sketch{feeds: tensors{"x": f32(1, 8, 32)}, weights: tensors{"v.weight": f32(5, 6, 3), "v.bias": f32(6, 3)}, output: "y"}
	for name, t := range weights {
		s.weights[name] = t
	}
	s.nodes = append(nodes, node("Relu(h) = r"), node("Gemm(r, v.weight, v.bias) = y"))
	return s
}

// TestLoRATrains trains the branches of two layers, the first of which is of floats or quantised, with Adam: the loss falls
// to a tenth, the base weights stay bit by bit, and the written model gives the trained scores, merged where it can be.
func TestLoRATrains(t *testing.T) {
	loss, err := finetune.ParseLoss("mse")
	if err != nil {
		t.Fatal(err)
	}
	scale, zero := tensor.Scalar[float32](0.02), tensor.Scalar[uint8](128)
	for _, c := range []struct {
		name string
		s    sketch
		kept int
	}{
		{"float", twoLayers(tensors{"w.weight": f32(2, 32, 6)}, node("MatMul(x, w.weight) = h")), 0},
		{"MatMulNBits", twoLayers(tensors{"w_Q4": codes(2, 6, 1, 16), "w_scales": filled(0.1, 6)}, node("com.microsoft:MatMulNBits(x, w_Q4, w_scales) = h",
			onnx.NewInt("K", 32), onnx.NewInt("N", 6), onnx.NewInt("bits", 4), onnx.NewInt("block_size", 32))), 1},
		{"DequantizeLinear", twoLayers(tensors{"q": codes(2, 32, 6), "s": scale, "z": zero}, node("DequantizeLinear(q, s, z) = w"), node("MatMul(x, w) = h")), 1},
		{"MatMulInteger", twoLayers(tensors{"q": codes(2, 32, 6), "s": scale, "z": zero}, node("DynamicQuantizeLinear(x) = c, cs, cz"),
			node("MatMulInteger(c, q, cz, z) = i"), node("Cast(i) = f", onnx.NewInt("to", 1)), node("Mul(cs, s) = ss"), node("Mul(f, ss) = h")), 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := c.s.model()
			branches, err := finetune.LoRA{Rank: 4, Alpha: 8, Target: "all", Seed: 2}.Apply(m)
			if err != nil || len(branches) != 2 {
				t.Fatalf("%d branches: %v", len(branches), err)
			}
			var names []string
			for _, b := range branches {
				names = append(names, b.A, b.B)
			}
			tr, err := finetune.NewTrainer(m, finetune.Spec{Weights: names, Terms: []finetune.Term{{At: "y", Loss: loss}}, Optimizer: finetune.Adam{}, Rate: 0.02})
			if err != nil {
				t.Fatal(err)
			}
			batch := finetune.Batch{Inputs: c.s.feeds, Targets: []*tensor.Tensor{f32(7, 8, 3)}}
			var first, last float64
			for i := range 120 {
				r, err := tr.Step(context.Background(), batch)
				if err != nil {
					t.Fatal(err)
				}
				if last = r.Loss; i == 0 {
					first = r.Loss
				}
			}
			if !(last < first/10) {
				t.Errorf("the loss goes from %v to %v", first, last)
			}
			scores, err := tr.Scores(context.Background(), c.s.feeds)
			if err != nil {
				t.Fatal(err)
			}
			want := scores[0].Clone()
			if err := tr.Export(func(trained *onnx.Model) error {
				var err error
				if m, err = onnx.Decode(onnx.Encode(trained)); err != nil {
					return err
				}
				_, err = finetune.Merge(trained)
				return err
			}); err != nil {
				t.Fatal(err)
			}
			if _, err := tr.Step(context.Background(), batch); err != nil {
				t.Errorf("after the model was merged: %v", err)
			}
			if found, err := finetune.Branches(m); err != nil || len(found) != 2 {
				t.Errorf("the model has %d branches: %v", len(found), err)
			}
			for name, w := range c.s.weights {
				if !bytes.Equal(tensorOf(t, m, name).Bytes(), w.Bytes()) {
					t.Errorf("%s has changed", name)
				}
			}
			near(t, "branches", evaluate(t, m, c.s.feeds)["y"], want, 1e-5)
			if kept, err := finetune.Merge(m); err != nil || len(kept) != c.kept {
				t.Errorf("%d branches stay, want %d: %v", len(kept), c.kept, err)
			}
			near(t, "merged", evaluate(t, m, c.s.feeds)["y"], want, 1e-5)
		})
	}
}
