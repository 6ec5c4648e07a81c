package finetune

import (
	"fmt"
	"slices"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// Initialise draws weights of m anew: matrices and kernels by init, with the fans of their layer, and biases, gains and
// others in the usual way of their layer: biases zero, gains one. Each weight has a stream of random numbers of its own,
// named by the weight.
func Initialise(m *onnx.Model, layers []*Layer, weights []*Weight, init Initializer, seed uint64) error {
	for _, w := range weights {
		layer := layers[slices.IndexFunc(layers, func(l *Layer) bool { return slices.Contains(l.Weights, w) })]
		h := locate(m, w.Name)
		if h == nil {
			return fmt.Errorf("finetune: the model has no weight %q", w.Name)
		}
		fresh := tensor.New(tensor.Float32, w.Shape...)
		rule := init
		switch {
		case w.Role == Bias:
			rule = ConstantInit{}
		case w.Role == Gain, layer.Kind == Scale:
			rule = ConstantInit{Value: 1}
		}
		r := Random{Seed: seed, Stream: NamedStream(w.Name)}
		if err := rule.Fill(tensor.Of[float32](fresh), FanOf(w.Shape, layoutOf(layer)), r); err != nil {
			return fmt.Errorf("finetune: weight %q: %w", w.Name, err)
		}
		t, err := stored(fresh, w.DType)
		if err != nil {
			return fmt.Errorf("finetune: weight %q: %w", w.Name, err)
		}
		h.set(tensor.NewProto(w.Name, t))
	}
	return nil
}

// layoutOf says which axis of a layer's matrix counts the outputs.
func layoutOf(l *Layer) WeightLayout {
	switch l.Op {
	case "Conv", "FusedConv", "LSTM", "GRU", "RNN", "DeformConv":
		return OutIn
	case "Gemm":
		if l.node.Attrs.Int("transB") != 0 {
			return OutIn
		}
	}
	return InOut
}
