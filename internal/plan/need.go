package plan

import (
	"fmt"

	"github.com/onnxrun/onnxrun/tensor"
)

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
