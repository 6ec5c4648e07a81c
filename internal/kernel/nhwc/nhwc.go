// Package nhwc holds the convolutions of tensors whose channels are their last axis: [batch, spatial..., channels],
// float32, over one to three spatial axes. Channels lie in the lanes of vectors, so bias, activation and the taps of
// depthwise filters need no shuffles, and a pointwise convolution is a matrix product of the tensor as it lies.
//
// A Plan is made for one geometry and chooses the algorithm; the filter is packed once in the form that the algorithm
// wants. Slices in, slices out. It imports internal/cpu, internal/mem, internal/par, and internal/kernel/window, gemm,
// vec, conv, depthwise, direct, panel and winograd.
package nhwc

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/kernel/conv"
	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
	"github.com/onnxrun/onnxrun/internal/mem"
)

// Plan is a convolution of one geometry, ready to run. It is immutable and may be shared.
type Plan struct {
	g      conv.Geom
	name   string
	alg    algorithm
	format string
}

// bind makes the plan of an algorithm.
func bind(g conv.Geom, name string, alg algorithm) *Plan {
	return &Plan{g, name, alg, "nhwc " + name + " " + alg.format()}
}

// algorithm is one way to compute a convolution, bound to a geometry.
type algorithm interface {
	// format names the packed form of the filter: plans of equal formats share it.
	format() string
	// filterLen is how many floats pack takes from its room.
	filterLen() int
	// pack makes that form of the filter w [OutC, InC/Groups, Kernel...] in f, with elements from room. If that is filled
	// they are there, and those of w are not to be read. It allocates nothing in steady state, if the room does not.
	pack(f *packed, w []float32, room *mem.Room)
	// scratch is how many floats run wants in Args.Scratch, whatever the number of threads.
	scratch() int
	// run computes the convolution. It allocates nothing in steady state.
	run(a *Args)
}

// choice is a row of the table of algorithms: make returns nil for geometries that it does not take.
type choice struct {
	name string
	make func(g conv.Geom) algorithm
}

// choices lists the algorithms, the best first. The last takes everything.
var choices = []choice{
	{"winograd", newWinograd},
	{"depthwise", newDepthwise},
	{"pointwise", newPointwise},
	{"tapwise", newTapwise},
	{"direct", newDirect},
	{"dense", newDense},
	{"reference", newReference},
}

// Args are the operands of one run: X [Batch, In..., InC], Y [Batch, Out..., OutC]; Residual has the shape of Y and is
// added before the activation, or after it with AddLast; it may be Y itself. Bias [OutC] and Residual may be nil.
type Args struct {
	X, Y, Bias, Residual []float32
	Filter               *Filter
	Scratch              []float32 // Plan.Scratch() elements of unknown content
	AddLast              bool
	Act                  gemm.Activation
	Threads              int
}

// Filter is a filter in the form that an algorithm wants. It is immutable and may be shared.
type Filter struct {
	format string
	packed packed
	room   mem.Room
}

// Bytes returns the memory that the packed form takes.
func (f *Filter) Bytes() int { return f.packed.bytes() }

// squeezed is g without the axes of one position, in and out, that windows do not leave: the order of elements is the same,
// and the last axis, along which algorithms compute outputs together, is one that has some.
func squeezed(g conv.Geom) conv.Geom {
	s := g
	s.Rank, s.Axes = 0, [window.MaxRank]window.Axis{}
	for _, a := range g.Axes[:g.Rank] {
		if a.In != 1 || a.Out != 1 || a.Kernel != 1 || a.Lo != 0 {
			s.Axes[s.Rank] = a
			s.Rank++
		}
	}
	if s.Rank == 0 {
		return g
	}
	return s
}

// NewPlan chooses the algorithm for g.
func NewPlan(g conv.Geom) *Plan { return choose(g, "") }

// NewExactPlan is NewPlan without the algorithms that round otherwise than sums of products do.
func NewExactPlan(g conv.Geom) *Plan { return choose(g, "winograd") }

// choose binds the best algorithm but the one of the given name.
func choose(g conv.Geom, without string) *Plan {
	inside, kept := reached(squeezed(g))
	for _, c := range choices {
		if c.name == without {
			continue
		}
		a := c.make(inside)
		if a == nil {
			continue
		}
		if kept != nil {
			a = &reaching{a, g.OutC * (g.InC / g.Groups), g.Taps(), kept}
		}
		return bind(g, c.name, a)
	}
	panic("nhwc: the reference takes every geometry")
}

// Algorithm names the way the plan computes.
func (p *Plan) Algorithm() string { return p.name }

// Format names the form of the filter that the plan wants: the key under which a store may keep it.
func (p *Plan) Format() string { return p.format }

// Scratch returns how many floats of scratch memory a run wants.
func (p *Plan) Scratch() int { return p.alg.scratch() }

// Geom returns the plan's geometry.
func (p *Plan) Geom() conv.Geom { return p.g }

// Run computes y = act(conv(x, filter) + bias + residual). It allocates nothing in steady state. Slices shorter than the
// geometry asks for, and a filter packed for another form, panic.
func (p *Plan) Run(a *Args) {
	g := &p.g
	out := g.Batch * g.OutC * g.OutSize()
	switch {
	case a.Filter.format != p.Format():
		panic(fmt.Sprintf("nhwc: filter packed as %q, want %q", a.Filter.format, p.Format()))
	case len(a.X) < g.Batch*g.InC*g.InSize() || len(a.Y) < out || a.Residual != nil && len(a.Residual) < out || a.Bias != nil && len(a.Bias) < g.OutC:
		panic(fmt.Sprintf("nhwc: operands of %d, %d, %d and %d elements are too short for %+v", len(a.X), len(a.Y), len(a.Residual), len(a.Bias), *g))
	case len(a.Scratch) < p.Scratch():
		panic(fmt.Sprintf("nhwc: scratch memory of %d elements, want %d", len(a.Scratch), p.Scratch()))
	}
	if out > 0 {
		p.alg.run(a)
	}
}
