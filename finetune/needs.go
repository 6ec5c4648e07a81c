package finetune

import (
	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/onnx"
)

// Needs returns, by name, the inputs of a model that the named values are computed from.
func Needs(m *onnx.Model, values ...string) (map[string]bool, error) {
	s := source{model: m}
	g, _, err := s.plain(nil)
	if err != nil {
		return nil, err
	}
	list, err := find(g, values)
	if err != nil {
		return nil, err
	}
	out := map[string]bool{}
	for _, in := range g.Inputs {
		marked := dependsOn(g, []*graph.Value{in})
		for _, v := range list {
			out[in.Name] = out[in.Name] || marked[v]
		}
	}
	return out, nil
}
