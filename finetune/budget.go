package finetune

import (
	"fmt"
	"math"

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

// mostFits bounds how often a step is planned to make it fit: what is in use at once is a little less than the arena.
const mostFits = 12

// fit lets g make values again until a step fits the bound.
func (b *builder) fit(g *graph.Graph, o plan.Options) error {
	o.Limit = 0
	least := math.MaxInt
	for i, more := 0, true; ; i++ {
		prog, err := plan.Compile(g, o)
		if err != nil {
			return err
		}
		need, err := prog.Need()
		if err != nil {
			return err
		}
		if least = min(least, need); need <= b.limit {
			return nil
		}
		if !more || i == mostFits {
			return &MemoryError{Least: least, Bound: b.limit}
		}
		more = opt.Recompute(g, need-b.limit, opt.Memory{Inside: o.Inside, Scratch: prog.Scratch()})
	}
}
