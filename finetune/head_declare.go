package finetune

import (
	"slices"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// declare infers the changed model and gives its outputs their new types. Types of inner values that depend on the layer
// are no longer declared. A problem that the model did not have before is an error.
func (r *resizer) declare(problems int) error {
	depends := func(v *onnx.ValueInfo) bool {
		_, ok := r.axis[v.Name]
		return ok
	}
	r.graph.ValueInfos = slices.DeleteFunc(r.graph.ValueInfos, depends)
	outputs := slices.Clone(r.graph.Outputs)
	for i, v := range outputs {
		if depends(v) {
			own := *v
			own.Type = nil
			outputs[i] = &own
		}
	}
	r.graph.Outputs = outputs
	facts, err := graph.Study(r.model, ops.Default())
	if err != nil {
		return err
	}
	if len(facts.Problems) > problems {
		return facts.Problems[len(facts.Problems)-1]
	}
	for i, v := range outputs {
		if !depends(v) {
			continue
		}
		value := facts.Value(r.graph, v.Name)
		v.Type = r.origin.Graph.Outputs[i].Type
		if value != nil && v.Type != nil {
			v.Type = redeclared(v.Type, value.Type)
		}
	}
	return nil
}

// redeclared returns a declared type with what inference knows better: numbers of dimensions, and keys of maps.
func redeclared(declared *onnx.Type, found ops.Type) *onnx.Type {
	own := *declared
	switch {
	case declared.Kind == onnx.TypeMap && found.Kind == tensor.KindMap:
		own.ElemType = int32(found.Key)
	case declared.Elem != nil && found.Elem != nil:
		own.Elem = redeclared(declared.Elem, *found.Elem)
	case declared.Kind == onnx.TypeTensor && found.Ranked && len(found.Dims) == len(declared.Dims):
		own.ElemType = int32(found.DType)
		own.Dims = slices.Clone(declared.Dims)
		for i, d := range found.Dims {
			if c, ok := d.Const(); ok {
				own.Dims[i] = onnx.FixedDim(c)
			}
		}
	}
	return &own
}
