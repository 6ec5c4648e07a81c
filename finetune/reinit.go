package finetune

import (
	"fmt"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// Reinitialize gives the weights that what asks for, in the forms of Select, new values from a seed, as layers start in
// PyTorch: matrices, kernels and the biases with them uniform in +-1/sqrt(inputs), recurrent layers in +-1/sqrt(hidden),
// tables normal, normalisations with factors of 1 and summands of 0. It returns the names of the weights. Shapes and all
// else stay.
func Reinitialize(m *onnx.Model, what string, seed uint64) ([]string, error) {
	layers, err := Layers(m)
	if err != nil {
		return nil, err
	}
	weights, err := Select(layers, what)
	if err != nil {
		return nil, err
	}
	e, err := newEditor(m)
	if err != nil {
		return nil, err
	}
	fanIn := e.inputsOf()
	var names []string
	for _, w := range weights {
		t, err := startOf(firstLayer(layers, w), w, fanIn, seed)
		if err != nil {
			return nil, fmt.Errorf("finetune: weight %q: %w", w.Name, err)
		}
		if e.constant(w.Name) == nil {
			return nil, fmt.Errorf("finetune: weight %q is inside of a body or function, where it cannot be replaced", w.Name)
		}
		e.replaceConstant(w.Name, t)
		names = append(names, w.Name)
	}
	e.commit()
	return names, nil
}

// inputsOf returns how many products each result of a matrix or kernel is a sum of, by the constant's name.
func (e *editor) inputsOf() map[string]int {
	sites, _ := e.sites()
	fan := map[string]int{}
	for _, s := range sites {
		if s.form != nil && s.kind != Embedding {
			fan[s.form.root] = s.in * s.kernel.Len()
		}
	}
	return fan
}

func firstLayer(layers []*Layer, w *Weight) *Layer {
	for _, l := range layers {
		for _, x := range l.Weights {
			if x == w {
				return l
			}
		}
	}
	return &Layer{}
}

// startOf returns the first values of a weight of a layer.
func startOf(l *Layer, w *Weight, fanIn map[string]int, seed uint64) (*tensor.Tensor, error) {
	var init Initializer
	switch {
	case l.Kind == Norm || l.Kind == Scale:
		init = ConstantInit{map[Role]float64{Gain: 1, Matrix: slopeOfPRelu}[w.Role]}
	case l.Kind == Embedding:
		init = NormalInit{Std: 1}
	case l.Kind == Recurrent:
		init = biasInit(hiddenOf(l))
	default:
		init = biasInit(inputsOfLayer(l, fanIn))
	}
	return initialized(init, w.DType, Fan{Shape: w.Shape}, Random{seed, NamedStream(w.Name)})
}

// slopeOfPRelu is where the slopes of a PRelu start.
const slopeOfPRelu = 0.25

// inputsOfLayer is the number of inputs of a layer's matrix. For one that is no site it is counted as PyTorch does: all
// dimensions but the first.
func inputsOfLayer(l *Layer, fanIn map[string]int) int {
	for _, w := range l.Weights {
		if w.Role != Matrix {
			continue
		}
		if n, ok := fanIn[w.Name]; ok {
			return n
		}
		if len(w.Shape) > 1 {
			return w.Shape[1:].Len()
		}
	}
	return 1
}

// hiddenOf is the size of the state of a recurrent layer: the last dimension of R.
func hiddenOf(l *Layer) int {
	if len(l.Weights) > 1 && len(l.Weights[1].Shape) == 3 {
		return l.Weights[1].Shape[2]
	}
	return 1
}
