package plan

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/tensor"
)

// Scratch returns the working memory of nodes in bytes, for the sizes of the frames that are idle now.
func (p *Program) Scratch() map[*graph.Node]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := map[*graph.Node]int{}
	for _, f := range p.idle {
		for k, i := range f.scratch {
			out[p.steps[i].node] = f.blocks[len(p.arena)+k].size
		}
	}
	return out
}

// Need returns the bytes that a run takes when the graph's inputs have their inferred shapes, which must be known: arena and
// outputs, but neither inputs nor constants, nor values whose sizes are found while running. It is a *LimitError if they
// are more than the limit. The place is kept for the first run.
func (p *Program) Need() (int, error) {
	in := make([]*tensor.Tensor, len(p.inputs))
	for i, s := range p.inputs {
		v := p.slots[s].value
		shape, ok := v.Static()
		if !ok {
			return 0, fmt.Errorf("plan: input %q has no known shape: %v", v.Name, v.Type)
		}
		in[i] = new(tensor.Tensor)
		in[i].Reset(v.DType, shape, nil)
	}
	f := p.frame()
	if err := f.bind(in); err != nil {
		return 0, err
	}
	need := max(f.total, f.own())
	for _, o := range p.outputs {
		if s := &p.slots[o.slot]; s.fixed && !o.copy && p.slots[s.root].store == inOutput {
			t := &f.vals[o.slot]
			need += t.DType().ByteLen(t.Len())
		}
	}
	p.release(f)
	return need, nil
}
