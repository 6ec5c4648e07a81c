package finetune

import (
	"fmt"
	"slices"
	"strings"

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

// fit compiles g, the graph of p, such that a step takes no more than the bound, working memory included: values are computed again,
// where that is not enough, gradients are taken as they come (see taker), and then recurrent layers run again span by span. Where no
// layout leaves room for the working memory, the one with the least values is taken, if these keep to the bound alone. taken says which
// gradients are, and which were before; nil: none.
func (b *builder) fit(g *graph.Graph, o plan.Options, p *program, before []bool) (*plan.Program, []bool, error) {
	limit, sums := b.limit, 0
	if p.part {
		sums = b.sumBytes(p)
		limit -= sums
	}
	restore, taken := opt.Keep(g), before
	deliver := func() {
		restore()
		if before == nil && b.taker != nil {
			taken = b.deliver(g, p)
		}
	}
	prog, ok, err := b.squeeze(g, o, limit)
	if err == nil && !ok && taken == nil && b.taker != nil {
		deliver()
		prog, ok, err = b.squeeze(g, o, limit)
	}
	if err == nil && !ok {
		restore() // of what was made again
		var spans bool
		if spans, err = opt.Spans(g); err == nil && spans {
			deliver()
			prog, ok, err = b.squeeze(g, o, limit)
		}
	}
	if err != nil || ok {
		return prog, taken, err
	}
	deliver()
	prog, least, err := tightest(g, o)
	if err == nil && least > limit {
		err = &MemoryError{least + sums, b.limit}
	}
	return prog, taken, err
}

// What a step takes beside its values, in bytes: packed parts of products in each thread, tiles and sums of convolutions in each
// thread that has some, plans and kernels of a node, and what compiling leaves on the heap. Resident memory of the steps of
// bench/training.py with a bound, with 1 and 2 threads and 512 KB of second-level cache, was 0.5 to 1.1 times that above the values with 2 MB for
// convolutions; steps of a DCGAN took up to 1.3 MB more than their bound then.
const (
	workOfProducts     = 1024 << 10
	workOfConvolutions = 3072 << 10
	workOfNode         = 8 << 10
	workOfHeap         = 1408 << 10
)

// workBytes estimates the working memory of a step of graph g.
func (b *builder) workBytes(g *graph.Graph) int {
	thread := workOfProducts
	if slices.ContainsFunc(g.Nodes, func(n *graph.Node) bool { return strings.Contains(n.Type, "Conv") }) {
		thread += workOfConvolutions
	}
	return b.threads*thread + len(g.Nodes)*workOfNode + workOfHeap
}

// squeeze lets g make values again until a step and its working memory fit a limit, and reports whether they do.
func (b *builder) squeeze(g *graph.Graph, o plan.Options, limit int) (prog *plan.Program, ok bool, err error) {
	for i := 0; ; i++ {
		prog, need, err := needing(g, o)
		room := limit - b.workBytes(g)
		if err != nil || need <= room {
			return prog, err == nil, err
		}
		if !aim(g, need, room, opt.Memory{Inside: o.Inside, Scratch: prog.Scratch()}) || i == mostFits {
			return nil, false, nil
		}
	}
}

// tightest lets g make values again as far as that goes, whatever the limit, and returns the bytes of a step.
func tightest(g *graph.Graph, o plan.Options) (*plan.Program, int, error) {
	prog, need, err := needing(g, o)
	if err != nil {
		return nil, 0, err
	}
	aim(g, need, 0, opt.Memory{Inside: o.Inside, Scratch: prog.Scratch()})
	return needing(g, o)
}

// needing compiles g and returns the bytes of a step.
func needing(g *graph.Graph, o plan.Options) (*plan.Program, int, error) {
	prog, err := plan.Compile(g, o)
	if err != nil {
		return nil, 0, err
	}
	need, err := prog.Need()
	return prog, need, err
}

// aim lets g make values again until its arena, which takes need bytes, should fit the limit. It reports whether it comes that far.
func aim(g *graph.Graph, need, limit int, m opt.Memory) bool {
	for range mostAims {
		more := opt.Recompute(g, need-limit, m)
		blocks := opt.Blocks(g, m)
		need = plan.Arena(len(blocks), func(i int) (size, first, last int) { return blocks[i].Size, blocks[i].First, blocks[i].Last })
		if need <= limit {
			return true
		}
		if !more {
			break
		}
	}
	return false
}

// sumBytes returns the size of the sums of gradients over several batches; those by rows grow with the rows and are not counted.
func (b *builder) sumBytes(p *program) (n int) {
	for k, w := range b.train {
		if !p.byRows(k) {
			n += 4 * w.Shape.Len()
		}
	}
	return n
}
