package finetune

import (
	"errors"
	"fmt"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/internal/opt"
	"github.com/onnxrun/onnxrun/internal/plan"
)

// A MemoryError says that a step cannot be made to take as little memory as Spec.Memory allows.
type MemoryError struct{ Least, Bound int }

// Error gives both numbers.
func (e *MemoryError) Error() string {
	return fmt.Sprintf("finetune: a step takes at least %d bytes, the bound is %d", e.Least, e.Bound)
}

const (
	mostFits = 3  // programs that are compiled to make a step fit: scratch memory is known when kernels are bound
	mostAims = 16 // layouts that are tried for each: what is in use at once is a little less than the arena
)

// fit makes the program of a step that takes no more than the bound: values are computed again, and where that is not
// enough, gradients are taken as they come (see taker). taken says which; nil: none.
func (b *builder) fit(g *graph.Graph, o plan.Options, ids []int) (prog *plan.Program, taken []bool, err error) {
	restore := opt.Keep(g)
	prog, err = b.squeeze(g, o)
	var tight *MemoryError
	if b.take == nil || !errors.As(err, &tight) {
		return prog, nil, err
	}
	restore()
	taken = b.deliver(g, ids)
	prog, err = b.squeeze(g, o)
	return prog, taken, err
}

// squeeze lets g make values again until a step fits the bound.
func (b *builder) squeeze(g *graph.Graph, o plan.Options) (*plan.Program, error) {
	for i := 0; ; i++ {
		prog, err := plan.Compile(g, o)
		if err != nil {
			return nil, err
		}
		need, err := prog.Need()
		if err != nil || need <= b.limit {
			return prog, err
		}
		least, ok := b.aim(g, need, opt.Memory{Inside: o.Inside, Scratch: prog.Scratch()})
		if !ok || i == mostFits {
			return nil, &MemoryError{Least: least, Bound: b.limit}
		}
	}
}

// aim lets g make values again until its arena, which takes need bytes, should fit the bound. It returns the least that it
// came to.
func (b *builder) aim(g *graph.Graph, need int, m opt.Memory) (least int, ok bool) {
	least = need
	for range mostAims {
		more := opt.Recompute(g, need-b.limit, m)
		blocks := opt.Blocks(g, m)
		need = plan.Arena(len(blocks), func(i int) (size, first, last int) { return blocks[i].Size, blocks[i].First, blocks[i].Last })
		if least = min(least, need); need <= b.limit {
			return least, true
		}
		if !more {
			break
		}
	}
	return least, false
}
