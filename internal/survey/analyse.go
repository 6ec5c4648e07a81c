package survey

import (
	"errors"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/internal/opt"
	"github.com/onnxrun/onnxrun/internal/plan"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
)

// Analyse describes a model, counts its multiply-adds at the given sizes of the symbolic dimensions (1 for
// the others), and lists everything in it that is not supported. It changes the model.
func Analyse(m *onnx.Model, sizes map[string]int) *Model {
	d := Describe(m)
	d.Sizes = Fix(m, sizes)
	if err := d.plan(m); err != nil {
		var missing *ops.UnsupportedError
		if errors.As(err, &missing) {
			d.Unsupported = missing.Missing
		} else {
			d.Problem = err.Error()
		}
		return d
	}
	d.Supported = true
	return d
}

// plan takes the model through the stages up to a program.
func (d *Model) plan(m *onnx.Model) error {
	g, err := Infer(m)
	if err != nil {
		return err
	}
	d.count(g)
	if g, err = opt.Apply(g, opt.Options{}); err != nil {
		return err
	}
	p, err := plan.Compile(g, plan.Options{})
	if err != nil {
		return err
	}
	d.ArenaBytes, err = p.ArenaBytes(nil)
	return err
}

// Infer builds the graph of a model and infers its types.
func Infer(m *onnx.Model) (*graph.Graph, error) {
	g, err := graph.Build(m, ops.Default())
	if err != nil {
		return nil, err
	}
	return g, graph.Infer(g)
}

// Values lists inputs, outputs of nodes and what bodies hold, with the inferred types. The path of a value
// in a body starts with those of the nodes around it.
func Values(g *graph.Graph) []Value {
	list := []Value{}
	collect(g, "", &list)
	return list
}

func collect(g *graph.Graph, prefix string, list *[]Value) {
	for _, v := range g.Inputs {
		*list = append(*list, inferred(prefix+v.Name, v.Type))
	}
	for _, n := range g.Nodes {
		for _, v := range n.Out {
			if v != nil {
				*list = append(*list, inferred(prefix+v.Name, v.Type))
			}
		}
		for _, b := range n.Bodies {
			collect(b.Graph, prefix+n.Path()+"/"+b.Name+"/", list)
		}
	}
}
