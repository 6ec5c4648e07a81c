package nhwc

import (
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/conv"
	"github.com/onnxrun/onnxrun/internal/par"
)

const (
	// partElems is about how many elements of a filter are packed together by a run that does not keep it: part of a second-level
	// cache, where they stay until they are read.
	partElems = 64 << 10
	// partChannels is what the output channels of a part are a multiple of: kernels fill their registers with them.
	partChannels = 64
)

// parts are a convolution that is computed some output channels at a time, each part by a plan of the same algorithm for these: the
// same bits. A run that packs the filter for itself then takes little memory for it, and several threads pack.
type parts struct {
	size, count int
	whole, last *Plan
}

// newParts returns the parts of a plan that row c of the table makes for g, nil if there are none, or if algorithms do some work for all
// output channels together that would be done again for each part, such as transforms of the input.
func newParts(g conv.Geom, c choice, of algorithm) *parts {
	if r, ok := of.(*reaching); ok {
		of = r.algorithm
	}
	switch of.(type) {
	case *directConv, *dense, *tapwise:
	default:
		return nil
	}
	each := g.InC * g.Taps()
	size := ceilDiv(max(1, partElems/max(1, each)), partChannels) * partChannels
	if g.Groups > 1 || 2*size > g.OutC {
		return nil
	}
	p := &parts{size: size, count: g.OutC / size} // the last is larger, so that all go by the same kernels
	part := func(channels int) *Plan {
		g.OutC = channels
		inside, kept := reached(squeezed(g))
		if alg := c.bind(g, inside, kept); alg != nil && alg.scratch() == 0 {
			return bind(g, c.name, alg)
		}
		return nil
	}
	p.last = part(g.OutC - (p.count-1)*size)
	if p.whole = part(size); p.whole == nil || p.last == nil {
		return nil
	}
	return p
}

// plan returns the plan of part i.
func (p *parts) plan(i int) *Plan {
	if i == p.count-1 {
		return p.last
	}
	return p.whole
}

// roomLen is how many floats the filter of one part wants.
func (p *parts) roomLen() int { return max(p.whole.FilterLen(), p.last.FilterLen()) }

// rooms is how many parts are packed at the same time.
func (p *parts) rooms(threads int) int { return max(1, min(threads, p.count)) }

// partTask is a running convolution by parts; its chunks are these.
type partTask struct {
	*parts
	a    Args
	w    filterRows
	lock sync.Mutex
	free []partRoom // one for each thread
}

// partRoom is where a thread packs the filter of a part.
type partRoom struct {
	filter *Filter
	room   []float32
}

// run computes the convolution with the filter w, which is packed in room.
func (p *parts) run(a *Args, f *Filter, w filterRows, room []float32) {
	t := &partTask{parts: p, a: *a, w: w}
	for i := range p.rooms(a.Threads) {
		t.free = append(t.free, partRoom{f, room[i*p.roomLen():][:p.roomLen()]})
		f = new(Filter)
	}
	t.a.Threads = max(1, a.Threads/p.count)
	par.Run(a.Threads, p.count, t)
}

// Chunk implements par.Task.
func (t *partTask) Chunk(i int) {
	r := t.take()
	p, first := t.plan(i), i*t.size
	p.packPart(r, t.w, first)
	a := t.a
	a.Filter, a.Y = r.filter, a.Y[first:]
	for _, channels := range []*[]float32{&a.Bias, &a.Residual, &a.Scale, &a.Shift} {
		if *channels != nil {
			*channels = (*channels)[first:]
		}
	}
	p.Run(&a)
	t.give(r)
}

// packPart packs the filter of p, whose first output channel is one of those of w.
func (p *Plan) packPart(r partRoom, w filterRows, first int) {
	if w.fill == nil {
		n := p.g.OutC * w.each
		p.PackInto(r.filter, w.elems[first*w.each:][:n], r.room, 1)
		return
	}
	r.filter.room.Within(r.room[:p.FilterLen()])
	r.filter.packed.threads = 1
	p.packRows(r.filter, func(dst []float32, at int) { w.fill(dst, first+at) }, &r.filter.room)
	r.filter.room.Within(nil)
}

func (t *partTask) take() partRoom {
	t.lock.Lock()
	defer t.lock.Unlock()
	r := t.free[len(t.free)-1]
	t.free = t.free[:len(t.free)-1]
	return r
}

func (t *partTask) give(r partRoom) {
	t.lock.Lock()
	defer t.lock.Unlock()
	t.free = append(t.free, r)
}
