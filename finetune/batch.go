package finetune

import (
	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// An input of the model.
type input struct {
	Name  string
	DType tensor.DType
	Type  string
}

// describeInputs notes the model's inputs, which of them hold one row for each sample, and whether the number of rows is
// fixed. Those are the inputs whose first dimension is open, or, where none is, the same number as that of the first.
func (t *Trainer) describeInputs(m *onnx.Model) error {
	s := source{model: m}
	g, err := s.built()
	if err != nil {
		return err
	}
	t.b.perSample = map[string]bool{}
	var lead *graph.Value
	for _, v := range g.Inputs {
		t.inputs = append(t.inputs, input{v.Name, v.DType, v.Type.String()})
		if !hasRows(v) {
			continue
		}
		if _, fixed := v.Dims[0].Const(); lead == nil || !fixed && isFixed(lead) {
			lead = v
		}
	}
	if lead == nil {
		return nil
	}
	for _, v := range g.Inputs {
		// exporters often give the batch axis another name in each input
		t.b.perSample[v.Name] = hasRows(v) && (!isFixed(v) && !isFixed(lead) || v.Dims[0].Equal(lead.Dims[0]))
	}
	if n, fixed := lead.Dims[0].Const(); fixed {
		t.fixed = int(n)
	}
	return nil
}

func hasRows(v *graph.Value) bool {
	return v.Kind == tensor.KindTensor && v.Ranked && len(v.Dims) > 0
}

func isFixed(v *graph.Value) bool {
	_, fixed := v.Dims[0].Const()
	return fixed
}
