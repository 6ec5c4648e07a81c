package plan

import (
	"sync"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// A Program is a graph with kernels bound, ready to run at any sizes of its symbolic dimensions. It is
// immutable and safe for many goroutines.
type Program struct {
	graph   *graph.Graph
	slots   []slot
	steps   []step
	inputs  []int32 // slots of the graph's inputs, then of the values it captures
	outputs []output
	views   []int32 // slots that are views of an input's or output's storage
	inner   []int32 // slots that are views of the arena or of constants

	symbols []string // bound from the shapes of inputs, or by the program around
	solve   []solution
	outer   []outerSymbol
	exprs   *sym.Program // all dimensions of static slots
	ndims   int

	arena []int32 // slots that own a place in the arena; then one entry per step with scratch memory
	opts  Options
	later *later // nil: all weights are packed

	mu   sync.Mutex
	idle []*Frame
}

// Options are the settings of a compilation.
type Options struct {
	Weights ops.Weights // nil: packed forms are not shared
	Limit   int         // bytes that one frame may take, 0: no limit
	Once    bool        // no other graph has the constants that passes made of the weights
	Lean    bool        // large weights are packed in each run, where that is little of its work
	Later   bool        // weights are packed for keeps when a second run begins: the first one packs each where it is read
	Threads int         // upper bound for packing weights; at least 1
	Wrap    Wrapper     // called for each step, to measure it; nil: none
	Arenas  *Arenas     // where frames take their memory from for a run; nil: each has its own
	Tight   bool        // what a run leaves of a piece of Arenas goes back to the system, and kernels are sparing
	Inside  bool        // outputs lie in the arena, until Release or the next run

	outerSymbols []string
	outerDerived derived // of the program around, with the gate to them
	outerGate    *gate
}

// A Wrapper may replace the run function of a step's kernel by one that does the same and measures it.
type Wrapper func(n *graph.Node, k *ops.Kernel) func(*ops.Call) error

// storage says where the elements of a slot are.
type storage uint8

const (
	inArena storage = iota
	inConst
	inInput
	inOutput  // in the tensor that the caller gets
	isDynamic // sizes, or the kind of value, are known only while running
)

// A slot is one value of the program. Slots that are views share the storage of their root.
type slot struct {
	value *graph.Value
	dtype tensor.DType
	store storage
	root  int32
	dims  []int32 // indices into the evaluated expressions; nil if isDynamic and not static
	fixed bool    // dims are bound: the shape is known before running
	first int32   // of a root: step that defines it
	last  int32   // of a root: last step that reads it or a view of it
}

// A step runs one kernel.
type step struct {
	node    *graph.Node
	run     func(*ops.Call) error
	scratch func(*ops.Call) int
	in, out []int32 // slots, -1 where absent
	dynamic bool    // some output's shape is found while running
	view    bool    // output 0 takes the storage of input 0
	into    int     // output 0 takes the storage of this input, if it is not 0, and is written to
	release []int32 // dynamic roots that die after this step
	bodies  []*Program
	capture [][]int32 // for each body the slots of the values it captures
}

// An output is what the caller gets.
type output struct {
	slot int32
	copy bool // the storage belongs to an input, a constant, or another output
}

// A solution finds symbol from dimension axis of an input.
type solution struct {
	symbol int
	input  int // index into inputs
	axis   int
	expr   sym.Expr
	plain  bool // expr is the symbol itself
}

// An outerSymbol takes its value from the program around.
type outerSymbol struct{ symbol, from int }

// Steps returns the number of kernel calls of a run.
func (p *Program) Steps() int { return len(p.steps) }

// Graph returns the graph that the program was compiled from.
func (p *Program) Graph() *graph.Graph { return p.graph }

func (p *Program) frame() *Frame {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.idle); n > 0 {
		f := p.idle[n-1]
		p.idle = p.idle[:n-1]
		return f
	}
	return newFrame(p, nil)
}

// maxIdle bounds the frames that are kept for later runs.
const maxIdle = 16

func (p *Program) release(f *Frame) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) < maxIdle {
		p.idle = append(p.idle, f)
	}
}

// Counts tells how often frames of the program that are idle now were bound to new sizes, and how often that
// changed the layout of their memory.
func (p *Program) Counts() (binds, layouts int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.idle {
		binds += f.binds
		layouts += f.places
	}
	return binds, layouts
}

// Dynamic returns the number of steps whose output shapes are found while running.
func (p *Program) Dynamic() int {
	n := 0
	for i := range p.steps {
		if p.steps[i].dynamic {
			n++
		}
	}
	return n
}
