package survey

import (
	"fmt"
	"io"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/internal/opt"
	"github.com/onnxrun/onnxrun/internal/plan"
	"github.com/onnxrun/onnxrun/onnx"
)

// Stages are the forms that a model goes through: as it is written, as a graph with inferred types, as the
// optimised graph, and as a program.
var Stages = []string{"model", "graph", "opt", "plan"}

// Dump writes the model at a path as one of the stages sees it.
func Dump(w io.Writer, path, stage, externalRoot string) error {
	f, err := onnx.Open(path, &onnx.OpenOptions{ExternalRoot: externalRoot})
	if err != nil {
		return err
	}
	defer f.Close()
	if stage == "model" {
		return onnx.Dump(w, f.Model)
	}
	if err := onnx.Check(f.Model).Err(); err != nil {
		return err
	}
	g, err := Infer(f.Model)
	if err != nil {
		return err
	}
	if stage == "graph" {
		return graph.Dump(w, g)
	}
	if g, err = opt.Apply(g, opt.Options{}); err != nil {
		return err
	}
	switch stage {
	case "opt":
		return graph.Dump(w, g)
	case "plan":
		p, err := plan.Compile(g, plan.Options{})
		if err != nil {
			return err
		}
		return p.Dump(w)
	}
	return fmt.Errorf("survey: stage %q, want one of %v", stage, Stages)
}
