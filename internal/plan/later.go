package plan

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/internal/mem"
	"github.com/onnxrun/onnxrun/internal/par"
)

// later is the packing that a program leaves to its second run. The first one packs each weight when its node runs, in memory that the
// next node uses again: a model that runs once takes no memory for packed weights, which, new to the process, would cost
// more time than packing does.
type later struct {
	program *Program
	threads int
	store   *Store
	derived derived
	gate    gate
	steps   []laterStep
	spare   int // elements of ops.Spare that the first run takes

	began atomic.Bool
	once  sync.Once
}

// laterStep is a node with weights to keep.
type laterStep struct {
	node *graph.Node
	binding
}

// newLater returns the packing that p may put off, nil if it may not. Once a program has kept its weights, others that share
// them find most of them packed.
func newLater(p *Program, d derived) *later {
	s, ok := p.opts.Weights.(*Store)
	if !ok || !p.opts.Later || s.keeps.Load() {
		return nil
	}
	return &later{program: p, threads: p.opts.Threads, store: s, derived: d}
}

func (l *later) add(n *graph.Node, b *binding) {
	l.steps = append(l.steps, laterStep{n, *b})
	l.spare = max(l.spare, b.k.Spare+mem.Alignment, l.derived.bytes(n)/4+mem.Alignment)
}

// begin is called when a run has its sizes. All but the first wait until weights are packed.
func (f *Frame) begin() {
	l := f.p.later
	if l == nil || f.up != nil {
		return
	}
	if !l.began.Swap(true) {
		f.spare.Reserve(l.spare, f.p.opts.onThreads)
		return
	}
	l.once.Do(l.keep)
	if f.passing {
		mem.Enlarge(f.arena)
		f.passing = false
	}
}

// first reports whether the next run, or the one at hand until it begins, is the only one that may be: new memory is then had soonest.
func (f *Frame) first() bool {
	l := f.p.later
	return l != nil && f.up == nil && !l.began.Load()
}

// worthRelease is the size in bytes of weights whose packing takes long beside giving back the pages of the program's file, two or three milliseconds.
const worthRelease = 32 << 20

// keep packs the weights, the largest first: while one is packed there are two of it.
func (l *later) keep() {
	l.store.keeps.Store(true)
	mem.GiveBack() // what reading and optimising a large graph left, before weights take memory
	size := 0
	for i := range l.steps {
		size += constBytes(l.steps[i].node)
	}
	if size >= worthRelease {
		mem.ReleaseProgram() // the code that reads and optimises models
	}
	mem.Expect(size)
	slices.SortStableFunc(l.steps, func(a, b laterStep) int { return cmp.Compare(constBytes(b.node), constBytes(a.node)) })
	par.RunInOrder(l.threads, len(l.steps), l)
	mem.Settle()
	l.program.Settle()
	l.steps = nil
}

// Chunk implements par.Task.
func (l *later) Chunk(i int) {
	s := &l.steps[i]
	if size := l.derived.bytes(s.node); size > 0 {
		l.gate.enter(size)
		defer l.gate.leave(size)
	}
	s.k.Keep()
	l.derived.bound(s.node, s.ctx)
}
