package plan

import (
	"context"
	"fmt"
	"math"

	"github.com/onnxrun/onnxrun/internal/mem"
	"github.com/onnxrun/onnxrun/internal/par"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// A Frame is the memory of one run of a program: a tensor header for each slot, the arena, and a Call for
// each step. It is bound to one set of sizes at a time, and bound again when they change.
type Frame struct {
	p      *Program
	up     *Frame // the frame around, for bodies
	vals   []tensor.Tensor
	calls  []ops.Call
	in     []*tensor.Tensor // of the run at hand
	out    []*tensor.Tensor
	bound  bool // to the sizes in last
	placed bool // blocks have offsets

	env, dims, last []int64 // symbols, evaluated expressions, the input ranks and dimensions that the binding is for
	blocks          []block
	offsets         []int
	scratch         []int32 // steps with scratch memory, one block each after those of the arena slots
	total           int     // bytes of the arena that the binding asks for
	arena           []byte  // at least as many
	leased, stale   bool    // arena belongs to this frame now; tensors do not point to it yet: see Arenas
	lodges          bool    // arena is memory of the node around: see body.Lodge
	passing         bool    // arena is in pages for the first run: see begin
	pool            pool
	spare           ops.Spare    // of a run before weights are kept
	shape           tensor.Shape // reused
	was             []int64      // dims of the last binding
	dirty           []bool       // by slot: the shape changed in this binding
	scratchLen      []int
	held            [][]byte // by root: storage of dynamic values, from the pool
	drop            []int32  // dynamic slots, emptied after a run
	step            int      // the step that runs now
	found           []found  // by step: what dynamic ones had for inputs last, and made of them
	key             []int64  // reused

	binds, places int // how often sizes changed, and how often that moved things
}

func newFrame(p *Program, up *Frame) *Frame {
	f := &Frame{p: p, up: up, vals: make([]tensor.Tensor, len(p.slots)), calls: make([]ops.Call, len(p.steps)),
		env: make([]int64, len(p.symbols)), dims: make([]int64, p.ndims), pool: pool{limit: p.opts.Limit}}
	for i := range p.slots {
		if s := &p.slots[i]; s.value.IsConst() {
			f.vals[i].ResetTo(s.value.Const)
		}
	}
	for i := range p.steps {
		s, c := &p.steps[i], &f.calls[i]
		c.In, c.Out = f.refs(s.in), f.refs(s.out)
		c.Memory, c.Spare = &f.pool, &f.spare
		for b, prog := range s.bodies {
			c.Bodies = append(c.Bodies, &body{frame: newFrame(prog, f), captured: f.refs(s.capture[b])})
			c.Size = f.size
		}
		if s.scratch != nil && !s.dynamic {
			f.scratch = append(f.scratch, int32(i))
		}
	}
	for i := range p.slots {
		if p.slots[i].store == isDynamic {
			f.drop = append(f.drop, int32(i))
		}
	}
	f.dirty, f.scratchLen = make([]bool, len(p.slots)), make([]int, len(f.scratch))
	f.blocks = make([]block, len(p.arena)+len(f.scratch))
	f.offsets = make([]int, len(f.blocks))
	for k, i := range p.arena {
		f.blocks[k] = block{first: p.slots[i].first, last: max(p.slots[i].last, p.slots[i].first)}
	}
	for k, i := range f.scratch {
		f.blocks[len(p.arena)+k] = block{first: i, last: i}
	}
	return f
}

func (f *Frame) refs(slots []int32) []*tensor.Tensor {
	out := make([]*tensor.Tensor, len(slots))
	for i, s := range slots {
		if s >= 0 {
			out[i] = &f.vals[s]
		}
	}
	return out
}

// A ShapeError says that an input's shape contradicts the model or another input.
type ShapeError struct {
	Input string
	Got   tensor.Shape
	Want  string
}

// Error names the input and both shapes.
func (e *ShapeError) Error() string {
	return fmt.Sprintf("runtime: input %q has shape %v, want %s", e.Input, []int(e.Got), e.Want)
}

// A LimitError says that a run would take more memory than allowed.
type LimitError struct{ Need, Limit int }

// Error gives both numbers.
func (e *LimitError) Error() string {
	return fmt.Sprintf("runtime: the run needs %d bytes, the limit is %d", e.Need, e.Limit)
}

// bind sets the sizes of everything from the shapes of the inputs. It does nothing if they are those of the
// last run.
func (f *Frame) bind(in []*tensor.Tensor) error {
	if f.bound && f.same(in) {
		return nil
	}
	f.bound = false
	f.binds++
	if err := f.solve(in); err != nil {
		return err
	}
	if err := f.p.exprs.Eval(f.env, f.dims); err != nil {
		return err
	}
	if err := f.checkInputs(in); err != nil {
		return err
	}
	if err := f.fit(); err != nil {
		f.was = f.was[:0] // shapes are half set: the next binding sets all
		return err
	}
	f.remember(in)
	f.bound = true
	return nil
}

// fit sets shapes and places from the evaluated dimensions.
func (f *Frame) fit() error {
	moved, err := f.resize()
	if err != nil {
		return err
	}
	if moved {
		f.places++
		if err := f.layOut(); err != nil {
			return err
		}
	}
	if err := f.checkLimit(); err != nil {
		return err
	}
	if f.stale = f.guest(); !f.stale {
		f.point(moved)
	}
	return nil
}

func (f *Frame) same(in []*tensor.Tensor) bool {
	k := 0
	for _, t := range in {
		if k >= len(f.last) || f.last[k] != int64(t.Rank()) {
			return false
		}
		k++
		for _, d := range t.Shape() {
			if f.last[k] != int64(d) {
				return false
			}
			k++
		}
	}
	for i, o := range f.p.outer {
		if f.env[o.symbol] != f.last[k+i] {
			return false
		}
	}
	return k+len(f.p.outer) == len(f.last)
}

func (f *Frame) remember(in []*tensor.Tensor) {
	f.last = f.last[:0]
	for _, t := range in {
		f.last = append(f.last, int64(t.Rank()))
		for _, d := range t.Shape() {
			f.last = append(f.last, int64(d))
		}
	}
	for _, o := range f.p.outer {
		f.last = append(f.last, f.env[o.symbol])
	}
}

func (f *Frame) solve(in []*tensor.Tensor) error {
	for _, s := range f.p.solve {
		shape := in[s.input].Shape()
		if s.axis >= len(shape) {
			return f.shapeError(in, s.input)
		}
		v := int64(shape[s.axis])
		if !s.plain {
			var ok bool
			if v, ok = s.expr.SolveFor(f.p.symbols[s.symbol], v, f.symbol); !ok {
				return f.shapeError(in, s.input)
			}
		}
		f.env[s.symbol] = v
	}
	return nil
}

func (f *Frame) symbol(name string) (int64, bool) {
	for i, s := range f.p.symbols {
		if s == name {
			return f.env[i], true
		}
	}
	return 0, false
}

// size evaluates a dimension with the symbols of this frame and those around it.
func (f *Frame) size(d ops.Dim) (int, bool) {
	n, ok := d.Value(func(name string) (int64, bool) {
		for g := f; g != nil; g = g.up {
			if v, ok := g.symbol(name); ok {
				return v, true
			}
		}
		return 0, false
	})
	return int(n), ok && n >= 0 && n <= math.MaxInt32
}

func (f *Frame) shapeError(in []*tensor.Tensor, i int) error {
	v := f.p.slots[f.p.inputs[i]].value
	return &ShapeError{Input: v.Name, Got: in[i].Shape(), Want: v.Type.String()}
}

func (f *Frame) checkInputs(in []*tensor.Tensor) error {
	for i, slot := range f.p.inputs {
		s := &f.p.slots[slot]
		if !s.fixed {
			continue
		}
		shape := in[i].Shape()
		if len(shape) != len(s.dims) {
			return f.shapeError(in, i)
		}
		for k, id := range s.dims {
			if int64(shape[k]) != f.dims[id] {
				return f.shapeError(in, i)
			}
		}
	}
	return nil
}

// resize gives the fixed slots whose dimensions changed their shapes. It reports whether something no longer
// fits in its place.
func (f *Frame) resize() (moved bool, err error) {
	all := len(f.was) == 0
	for i := range f.p.slots {
		s := &f.p.slots[i]
		f.dirty[i] = s.fixed && (s.store != inConst || s.root != int32(i)) && (all || f.changed(s))
		if !f.dirty[i] {
			continue
		}
		if err := f.evalShape(s); err != nil {
			return false, err
		}
		f.vals[i].Reset(s.dtype, f.shape, nil)
	}
	for k, i := range f.p.arena {
		if f.dirty[i] && f.grow(k, f.vals[i].DType().ByteLen(f.vals[i].Len())) {
			moved = true
		}
	}
	for k, i := range f.scratch {
		f.scratchLen[k] = f.p.steps[i].scratch(&f.calls[i])
		if f.grow(len(f.p.arena)+k, f.scratchLen[k]) {
			moved = true
		}
	}
	for _, views := range [][]int32{f.p.inner, f.p.views} {
		for _, i := range views {
			if err := f.checkView(i); err != nil {
				return false, err
			}
		}
	}
	f.was = append(f.was[:0], f.dims...)
	return moved || !f.placed, nil
}

// checkView makes sure that a view has as many elements as what it is a view of: a dimension that was
// inferred by division may have been rounded.
func (f *Frame) checkView(i int32) error {
	s := &f.p.slots[i]
	if !f.dirty[i] && !f.dirty[s.root] || f.vals[i].Len() == f.vals[s.root].Len() {
		return nil
	}
	n := s.value.From
	err := fmt.Errorf("%d elements do not fit in shape %v", f.vals[s.root].Len(), []int(f.vals[i].Shape()))
	return &ops.NodeError{Path: n.Path(), Op: n.Type, Err: err}
}

// changed reports whether a dimension of s differs from the last binding.
func (f *Frame) changed(s *slot) bool {
	for _, id := range s.dims {
		if f.dims[id] != f.was[id] {
			return true
		}
	}
	return false
}

// maxElements bounds a shape so that sizes in bytes cannot overflow.
const maxElements = 1 << 55

func (f *Frame) evalShape(s *slot) error {
	f.shape = f.shape[:0]
	n := int64(1)
	for _, id := range s.dims {
		d := f.dims[id]
		if d < 0 {
			return fmt.Errorf("value %q would have a dimension of %d", s.value.Name, d)
		}
		if d > 0 && n > maxElements/d {
			return &LimitError{Need: math.MaxInt, Limit: f.p.opts.Limit}
		}
		n *= max(d, 1)
		f.shape = append(f.shape, int(d))
	}
	return nil
}

// grow notes the size of block k and reports whether it exceeds the room the block has. Where sizes vary
// from run to run, room for a quarter more is planned, so that slowly growing sizes seldom move anything.
func (f *Frame) grow(k, size int) bool {
	if size <= f.blocks[k].size {
		return false
	}
	if len(f.p.symbols) > 0 && f.binds > 1 {
		size += size / 4
	}
	f.blocks[k].size = (size + alignment - 1) &^ (alignment - 1)
	return true
}

// mostPassing is the size in bytes up to which the arena of a first run is in ordinary pages. A run in larger ones would be slowed down by more than
// a huge page costs that the system has to look for, after which mem takes ordinary ones for some time.
const mostPassing = 8 << 20

func (f *Frame) layOut() error {
	total := place(f.blocks, f.offsets)
	if l := f.p.opts.Limit; l > 0 && total > l {
		return &LimitError{Need: total, Limit: l}
	}
	f.total, f.placed = total, true
	if !f.guest() && (total > len(f.arena) || f.arena == nil) {
		if f.passing = f.first() && total <= mostPassing; f.passing {
			f.arena = mem.Ordinary(total, f.p.opts.onThreads)
		} else {
			f.arena = mem.BytesBy(total, f.p.opts.onThreads)
		}
	}
	return nil
}

// onThreads is a mem.Runner.
func (o *Options) onThreads(n int, part func(i int)) { par.Run(o.Threads, n, parts(part)) }

// parts calls a function for each part. It implements par.Task.
type parts func(i int)

// Chunk implements par.Task.
func (p parts) Chunk(i int) { p(i) }

// guest reports whether the arena belongs to the frame while it runs only.
func (f *Frame) guest() bool { return f.lodges || f.p.opts.Arenas != nil }

// own returns the size of an arena that no other frame uses.
func (f *Frame) own() int {
	if f.guest() {
		return 0
	}
	return len(f.arena)
}

// checkLimit adds what the caller's outputs take to the arena.
func (f *Frame) checkLimit() error {
	l, total := f.p.opts.Limit, max(f.total, f.own())
	for _, o := range f.p.outputs {
		s := &f.p.slots[o.slot]
		if !s.fixed || o.copy || f.p.slots[s.root].store != inOutput {
			continue
		}
		if t := &f.vals[o.slot]; l > 0 {
			n := t.DType().ByteLen(t.Len())
			if n > l-total {
				return &LimitError{Need: max(total+n, n), Limit: l}
			}
			total += n
		}
	}
	return nil
}

// point gives slots in the arena, views of them, and scratch memory their storage; only those that changed,
// unless things moved.
func (f *Frame) point(all bool) {
	for k, i := range f.p.arena {
		if all || f.dirty[i] {
			t := &f.vals[i]
			t.SetData(f.at(k, t.DType().ByteLen(t.Len())))
		}
	}
	for _, i := range f.p.inner {
		root := f.p.slots[i].root
		if all || f.dirty[i] || f.dirty[root] {
			t := &f.vals[i]
			t.SetData(f.vals[root].Bytes()[:t.DType().ByteLen(t.Len())])
		}
	}
	for k, i := range f.scratch {
		f.calls[i].Scratch = f.at(len(f.p.arena)+k, f.scratchLen[k])
	}
}

func (f *Frame) at(k, n int) []byte { return f.arena[f.offsets[k]:][:n:n] }

func (f *Frame) setContext(ctx context.Context, threads int) {
	for i := range f.calls {
		c := &f.calls[i]
		c.Ctx, c.Threads = ctx, threads
		for _, b := range c.Bodies {
			b.(*body).frame.setContext(ctx, threads)
		}
	}
}
