package feed

import (
	"fmt"
	"os"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// Fill gives the initializers of the model's graph the elements that the recipes describe, by name.
func Fill(m *onnx.Model, recipes []Recipe) error {
	if m.Graph == nil {
		return fmt.Errorf("feed: fill: the model has no graph")
	}
	byName := make(map[string]*onnx.TensorProto, len(m.Graph.Initializers))
	for _, p := range m.Graph.Initializers {
		byName[p.Name] = p
	}
	for i := range recipes {
		r := &recipes[i]
		p := byName[r.Name]
		if p == nil {
			return r.bad("the model has no such initializer")
		}
		shape, err := p.Shape()
		if err != nil {
			return r.bad("%v", err)
		}
		if !shape.Equal(r.Shape) || p.DType().String() != r.DType {
			return r.bad("%s%v for an initializer of %v%v", r.DType, r.Shape, p.DType(), []int(shape))
		}
		t, err := r.Tensor()
		if err != nil {
			return err
		}
		p.SetValue(t)
	}
	return nil
}

// Head returns the first n elements of a dense numeric tensor as numbers for JSON: floats that are not
// finite become nil. Other values have no head.
func Head(t *tensor.Tensor, n int) []any {
	list := []any{}
	if t == nil || t.Kind() != tensor.KindTensor {
		return list
	}
	number := reader(t)
	if number == nil {
		return list
	}
	for i := range min(n, t.Len()) {
		list = append(list, number(i))
	}
	return list
}

// FillFrom is Fill with the recipes of a fill.json file on disk.
func FillFrom(m *onnx.Model, file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("feed: %w", err)
	}
	recipes, err := ParseRecipes(data)
	if err != nil {
		return err
	}
	return Fill(m, recipes)
}
