package ops

import (
	"context"
	"fmt"
	"math"

	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/tensor"
)

// An Op is one row of the operator table: what this project implements of one operator from version Since
// up to the next row of the same domain and name. Arity, attributes, defaults and type constraints are not
// here: they come from onnx/schema.
type Op struct {
	Domain string // "" is ai.onnx
	Name   string // ONNX spelling
	Since  int    // first opset version that the row holds for
	Types  DTypes // element types that the kernel takes, of the first input (of the first output without inputs)

	Infer  func(*InferCtx) error
	Kernel func(*KernelCtx) (Kernel, error)
	Grad   func(GradCtx) error // nil: not differentiable here

	Flags Flags
}

// Flags tell the optimiser and the planner what they may do with a node.
type Flags uint16

// The flags of a row.
const (
	Commutative Flags = 1 << iota // the first two inputs may be swapped
	InPlace                       // output 0 may be written over any input of the same element type and length that dies here
	View                          // output 0 is the storage of input 0 under other dimensions: no kernel call is needed
	Random                        // two runs may differ: never folded or merged
	ShapeOnly                     // reads the shapes of its inputs, never their elements
	Managed                       // Run makes the outputs itself with Call.Alloc or Call.Put (data-dependent shapes, strings, sequences)
	Codes                         // output 0 holds codes of numbers: its gradient is that of codes as real numbers, of the type of input 1 if that is a scale
	Rewritten                     // a pass puts other nodes in its place before anything is planned: it has no kernel
	Bodied                        // has graphs inside, through which internal/autodiff differentiates it without a Grad function
	Elementwise                   // inputs broadcast, and each element of the one output depends on those at its place alone
	Into                          // may have an input whose storage output 0 takes over, to write to part of it: see WideRows
	Changes                       // writes to the elements of the last input, which nothing reads afterwards
	Sums                          // output 0 may be written over input 3, which is added to it, if that dies here: see SumsInPlace
	Around                        // takes no time but that of the nodes inside, which are measured themselves
)

// A Kernel is an operator bound to one node: its element types, attributes and constant inputs are settled.
// One Kernel serves many goroutines; what changes from run to run is in the Call.
type Kernel struct {
	// Run computes the outputs. Unless the row is Managed or the shapes depend on data, c.Out hold tensors of
	// the inferred shapes with uninitialised storage.
	Run func(c *Call) error

	// Scratch returns the bytes of scratch memory that Run wants in c.Scratch for the shapes in c, whose
	// tensors have no elements yet. It is called when sizes change, not in every run. nil means none.
	Scratch func(c *Call) int

	// Work returns what a call has to do and how, for measurements; nil: Op.WorkOf looks at the tensors.
	Work func(c *Call) Work

	// Keep packs constant inputs for all runs that begin afterwards. Until then Run packs them in each run, in c.Spare, of which
	// it takes Spare elements as far as that is known. The results are the same bits. nil: Run packs none.
	Keep  func()
	Spare int
}

// A Call is what one execution of a Kernel works on. It belongs to one run at a time and is reused.
type Call struct {
	In, Out []*tensor.Tensor // nil where an optional input or output is absent
	Scratch []byte           // 64-byte aligned, uninitialised
	Threads int              // upper bound for par.Run
	Bodies  []Body           // the node's subgraphs in the order of KernelCtx.Bodies
	Ctx     context.Context  // for kernels that loop long: checked between iterations of Loop and Scan
	Memory  Memory           // where outputs of unforeseen size come from
	Spare   *Spare           // working memory until Kernel.Keep; nil: new memory each time
	Sparing bool             // working memory counts for more than a little time

	// Size evaluates a dimension with the sizes of this run, if they tell. It is set for nodes with bodies.
	Size func(d Dim) (n int, ok bool)
}

// Memory hands out storage for values whose size is known only while running. The storage is given back
// when the value dies.
type Memory interface {
	// Bytes returns uninitialised 64-byte aligned storage, or an error when the limit would be exceeded.
	Bytes(n int) ([]byte, error)
	// Room returns an error when n bytes more, allocated elsewhere, would exceed the limit.
	Room(n int) error
}

// stringBytes is what the header of a string takes.
const stringBytes = 16

// Alloc makes output i a dense tensor of the given element type and shape and returns it. If it is one
// already, nothing happens; else its elements are uninitialised (strings are empty). They lie where an output without a type has
// room for them, which the caller wants them in, else in the call's memory.
func (c *Call) Alloc(i int, dtype tensor.DType, dims ...int) (*tensor.Tensor, error) {
	t := c.Out[i]
	shape := tensor.Shape(dims)
	n, err := shape.Count()
	if err != nil {
		return nil, err
	}
	if dtype == tensor.String {
		if n > math.MaxInt/stringBytes {
			return nil, fmt.Errorf("ops: %d strings are too many", n)
		}
		if err := c.Memory.Room(n * stringBytes); err != nil {
			return nil, err
		}
		t.ResetTo(tensor.New(tensor.String, dims...))
		return t, nil
	}
	size := dtype.ByteLen(n)
	if t.Kind() == tensor.KindTensor && t.DType() == dtype && t.Shape().Equal(shape) && len(t.Bytes()) == size {
		return t, nil
	}
	if room := t.Bytes(); t.DType() == tensor.Undefined && size > 0 && cap(room) >= size {
		t.Reset(dtype, shape, room[:size:size])
		return t, nil
	}
	b, err := c.Memory.Bytes(size)
	if err != nil {
		return nil, err
	}
	t.Reset(dtype, shape, b)
	return t, nil
}

// Put makes output i a second header of t, of any kind. The elements are shared: t must be freshly made,
// constant, or a value that nobody changes.
func (c *Call) Put(i int, t *tensor.Tensor) { c.Out[i].ResetTo(t) }

// input returns input i, nil if it is absent.
func input(c *Call, i int) *tensor.Tensor { return part(c.In, i) }

// part returns entry i of a list of tensors, nil if there is none.
func part(list []*tensor.Tensor, i int) *tensor.Tensor {
	if i < 0 || i >= len(list) {
		return nil
	}
	return list[i]
}

// A Body is a subgraph of a control-flow node, ready to run.
type Body interface {
	// Run executes the body. in are its formal inputs; outer values are already bound. Each out[i] becomes a
	// header of result i; where it already holds storage of the right size, that storage is written to.
	// The results stay valid until out[i] is passed to Run again; in and out must not share storage.
	Run(c *Call, in, out []*tensor.Tensor) error
}

// A Lodger is a Body that works in memory of the node around it, which thus is that of no other node meanwhile.
type Lodger interface {
	Body
	// Room returns how many bytes it takes to run for inputs of the shapes of in, whose elements are not read. It is called before
	// the first run, and when shapes change.
	Room(in []*tensor.Tensor) (int, error)
	// Lodge says where these bytes are for the runs that follow.
	Lodge(room []byte)
}

// GradCtx is what a Grad function sees when the reverse walk reaches its node. It emits nodes that compute
// the gradients of the node's inputs from those of its outputs. What goes wrong while emitting is kept and
// reported when the function returns.
type GradCtx interface {
	// Attrs returns the attributes of the forward node, defaults filled in.
	Attrs() Attrs
	// Inputs and Outputs count the forward values, absent ones inside of the list included.
	Inputs() int
	Outputs() int
	// In and Out name the forward values, and are the zero Ref where one is absent. Of returns what is known
	// of a value.
	In(i int) Ref
	Out(i int) Ref
	Of(r Ref) Value
	// Save is Out for an optional output that the node need not have: the forward run then computes it.
	Save(i int) Ref
	// Dy returns the gradient of output i, and the zero Ref if nothing depends on that output.
	Dy(i int) Ref
	// Wants reports whether the gradient of input i is needed.
	Wants(i int) bool
	// Emit adds a node of the newest version of an operator and returns its first output; EmitAll returns the
	// given number of outputs. Attributes are bool, int, int64, float32, float64, string, lists of int64,
	// float32 or string, element types or tensors.
	Emit(domain, name string, attrs map[string]any, in ...Ref) Ref
	EmitAll(outputs int, domain, name string, attrs map[string]any, in ...Ref) []Ref
	// Scan adds a Scan over the first axes of xs: for each position, step emits the next carried values, of the types
	// of those that the Scan begins with, and results that are stacked, from the carried ones and what xs hold there.
	// It returns the last carried values and the stacked results.
	Scan(first, xs []Ref, step func(carried, slices []Ref) (next, results []Ref)) (last, stacked []Ref)
	// Body adds the nodes of a graph inside of the forward node once more, for the given inputs, and returns its
	// outputs: none where the node has no graph of that name.
	Body(name string, in ...Ref) []Ref
	// Const adds a constant.
	Const(t *tensor.Tensor) Ref
	// SetGrad declares dx to be the gradient of input i: of its element type and shape. An input that is
	// wanted and gets none does not influence the outputs.
	SetGrad(i int, dx Ref)
	// SetOutput declares output i to equal y, which emitted nodes compute from the inputs; forward outputs that
	// they read count as constants. The gradients of the inputs are then those of y, added to what SetGrad got.
	// For an output of codes y may hold them as numbers.
	SetOutput(i int, y Ref)
}

// A Ref names a value of the graph that a GradCtx builds. The zero Ref is no value; equal Refs are one value.
type Ref int

// Dim is one dimension of a shape: an integer expression over named sizes.
type Dim = sym.Expr
