package finetune

import (
	"context"
	"fmt"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/internal/opt"
	"github.com/onnxrun/onnxrun/internal/plan"
	"github.com/onnxrun/onnxrun/tensor"
)

// A stage is a compiled graph with named inputs and outputs.
type stage struct {
	prog    *plan.Program
	in, out []string
	ins     []*tensor.Tensor // of one run
	outs    []*tensor.Tensor // kept from run to run: storage is reused
}

// compile makes a stage of g, which is changed. Packed forms of frozen weights are shared through store.
func compile(g *graph.Graph, store *plan.Store, limit int) (*stage, error) {
	s := &stage{}
	for _, v := range g.Inputs {
		s.in = append(s.in, v.Name)
	}
	for _, v := range g.Outputs {
		s.out = append(s.out, v.Name) // passes may merge values
	}
	g, err := opt.Apply(g, opt.Options{})
	if err != nil {
		return nil, err
	}
	if s.prog, err = plan.Compile(g, plan.Options{Weights: store, Limit: limit}); err != nil {
		return nil, err
	}
	s.ins = make([]*tensor.Tensor, len(s.in))
	s.outs = make([]*tensor.Tensor, len(s.out))
	for i := range s.outs {
		s.outs[i] = new(tensor.Tensor)
	}
	return s, nil
}

// run executes the stage on the inputs that find gives. The outputs are valid until the next run.
func (s *stage) run(ctx context.Context, threads int, find func(name string) *tensor.Tensor) error {
	for i, name := range s.in {
		t := find(name)
		if t == nil {
			return fmt.Errorf("finetune: input %q is missing", name)
		}
		s.ins[i] = t
	}
	return s.prog.Run(ctx, threads, s.ins, s.outs)
}

// output returns the named output of the last run.
func (s *stage) output(name string) *tensor.Tensor {
	for i, n := range s.out {
		if n == name {
			return s.outs[i]
		}
	}
	return nil
}
