package finetune

import (
	"context"
	"fmt"
	"strings"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/internal/opt"
	"github.com/onnxrun/onnxrun/internal/plan"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// A stage is a compiled graph with named inputs and outputs.
type stage struct {
	prog    *plan.Program
	work    int    // about the bytes that a step takes beside its values
	taken   []bool // gradients that the trainer takes while the program runs: see taker; nil: none
	in, out []string
	types   []ops.Type       // of the inputs
	ins     []*tensor.Tensor // of one run
	outs    []*tensor.Tensor // kept from run to run: storage is reused
}

// compile makes a stage of g, which is changed. Frozen weights of large products are packed in each run: beside the model's own
// they would take as much memory again. Packed forms of others are shared through the builder's store.
// Outputs that lie inside, a step's loss and gradients, are valid until the stage is released. p is the program that it is for.
func (b *builder) compile(g *graph.Graph, p *program) (*stage, error) {
	s := &stage{}
	for _, v := range g.Inputs {
		s.in, s.types = append(s.in, v.Name), append(s.types, v.Type)
	}
	for _, v := range g.Outputs {
		s.out = append(s.out, v.Name) // passes may merge values
	}
	g, err := opt.Apply(g, opt.Options{Off: b.unoptimised, Inside: p.inside, HalfSaved: p.inside && b.halfSaved})
	if err != nil {
		return nil, err
	}
	opt.Transient(g)
	if p.pause > 0 {
		b.pause(g, p.pause)
	}
	o := plan.Options{Lean: true, Weights: b.store, Limit: b.limit, Arenas: b.arenas, Inside: p.inside, Once: true, Tight: b.limit > 0}
	if p.part && !b.unoptimised {
		s.taken = b.deliver(g, p)
	}
	if p.inside && b.limit > 0 && !b.unoptimised {
		o.Limit = 0 // fit sees to it
		s.prog, s.taken, err = b.fit(g, o, p, s.taken)
	} else {
		s.prog, err = plan.Compile(g, o)
	}
	if err != nil {
		return nil, err
	}
	s.work = b.workBytes(g)
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
			return fmt.Errorf("finetune: %s is missing", spoken(name))
		}
		if want := s.types[i]; want.DType != tensor.Undefined && (t.DType() != want.DType || t.Kind() != want.Kind) {
			return fmt.Errorf("finetune: %s is %v %v, want %v", spoken(name), t.DType(), t.Shape(), want)
		}
		s.ins[i] = t
	}
	return s.prog.Run(ctx, threads, s.ins, s.outs)
}

// spoken is what messages call an input of a stage.
func spoken(name string) string {
	if at, ok := strings.CutPrefix(name, targetPrefix); ok {
		return fmt.Sprintf("the target of the loss at %q", at)
	}
	return fmt.Sprintf("input %q", name)
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
