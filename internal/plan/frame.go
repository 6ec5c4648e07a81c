package plan

import (
	"context"

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
		c.Memory, c.Spare, c.Sparing = &f.pool, &f.spare, p.opts.Tight
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

// maxElements bounds a shape so that sizes in bytes cannot overflow.
const maxElements = 1 << 55

// mostPassing is the size in bytes up to which the arena of a first run is in ordinary pages. A run in larger ones would be slowed down by more than
// a huge page costs that the system has to look for, after which mem takes ordinary ones for some time.
const mostPassing = 8 << 20

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
