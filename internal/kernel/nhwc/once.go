package nhwc

import (
	"slices"

	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
)

// once is an algorithm that can read a filter [OutC, InC/Groups, Kernel...] where it lies, with the same bits.
type once interface {
	algorithm
	runOnce(a *Args, w []float32)
}

// OnceLen returns how many floats RunOnce and RunOnceRows want on so many threads.
func (p *Plan) OnceLen(threads int) int {
	switch _, ok := p.alg.(once); {
	case ok:
		return 0
	case p.parts != nil:
		return p.parts.rooms(threads) * p.parts.roomLen()
	}
	if p.late() != nil && p.TakesRows() && p.lateRows() == nil {
		return p.wholeLen()
	}
	return p.FilterLen()
}

// RunOnce is Run with the filter w, which is packed in room, of OnceLen elements of unknown content, for this run alone if it is packed
// at all. The form is f, which may be used again. The result has the bits of Run.
func (p *Plan) RunOnce(a *Args, f *Filter, w, room []float32) {
	if alg, ok := p.alg.(once); ok {
		if p.check(a) {
			alg.runOnce(a, w)
		}
		return
	}
	if p.parts != nil {
		if p.check(a) {
			p.parts.run(a, f, filterRows{elems: w, each: p.g.InC * p.g.Taps()}, room)
		}
		return
	}
	p.PackInto(f, w, room, a.Threads)
	a.Filter = f
	p.Run(a)
}

func (p *pointwise) runOnce(a *Args, w []float32) {
	k, n := p.g.InC/p.g.Groups, p.g.OutC/p.g.Groups
	r := products.Get().(*product)
	r.args = gemm.Args{A: a.X, ARS: a.XStep, ACS: 1, B: w, BRS: 1, BCS: k, AsPacked: true}
	if p.turned {
		r.args.BRS, r.args.BCS = n, 1
	}
	items := slices.Clone(p.items)
	for i := range items {
		items[i].B *= k * n
	}
	r.run(&p.g, items, a)
}
