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
	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
	"github.com/onnxrun/onnxrun/internal/mem"
)

// Plan is a convolution of one geometry, ready to run. It is immutable and may be shared.
type Plan struct {
	g      conv.Geom
	name   string
	alg    algorithm
	format string
	parts  *parts // nil: none
}

// bind makes the plan of an algorithm. Its format names the groups: convolutions of other numbers of channels may share a filter.
func bind(g conv.Geom, name string, alg algorithm) *Plan {
	format := "nhwc " + name + " " + alg.format()
	if g.Groups > 1 {
		format += fmt.Sprintf(" in %d groups", g.Groups)
	}
	return &Plan{g: g, name: name, alg: alg, format: format}
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

// choices lists the algorithms, the best first. The last takes everything, the first what has no outputs.
var choices = []choice{
	{"nothing", newNothing},
	{"slides", newSlides},
	{"winograd", newWinograd},
	{"depthwise by spans", newSpanned},
	{"depthwise", newDepthwise},
	{"single", newSingle},
	{"pointwise", newPointwise},
	{"tapwise", newTapwise},
	{"positions", newPositions},
	{"direct", newDirect},
	{"dense", newDense},
	{"reference", newReference},
}

// Args are the operands of one run: X [Batch, In..., InC], Y [Batch, Out..., OutC]; Residual has the shape of Y and is
// added before the activation, or last with AddLast; it may be Y itself. Bias [OutC] and Residual may be nil. After the activation
// channels are multiplied with Scale [OutC] and Shift [OutC] is added, unless they are nil.
type Args struct {
	X, Y, Bias, Residual []float32
	Scale, Shift         []float32
	Filter               *Filter
	Scratch              []float32 // Plan.Scratch() elements of unknown content
	AddLast              bool
	Act                  gemm.Activation
	Threads              int

	// Elements from one pixel to the next, which may have more channels than those that are read or written; Run puts the
	// number of channels in the place of 0. Plans of transposed convolutions take no others.
	XStep, YStep, ResidualStep int
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
		if a := c.bind(g, inside, kept); a != nil {
			p := bind(g, c.name, a)
			p.parts = newParts(g, c, a)
			return p
		}
	}
	panic("nhwc: the reference takes every geometry")
}

// bind makes the algorithm for g, which is inside without those elements of its kernel that are not kept; nil if it does not take that.
func (c *choice) bind(g, inside conv.Geom, kept []int) algorithm {
	a := c.make(inside)
	if a != nil && kept != nil {
		a = &reaching{a, g.OutC * (g.InC / g.Groups), g.Taps(), kept}
	}
	return a
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
	if a.Filter.format != p.Format() {
		panic(fmt.Sprintf("nhwc: filter packed as %q, want %q", a.Filter.format, p.Format()))
	}
	if p.check(a) {
		p.alg.run(a)
	}
}

// check panics if something is too short. It reports whether there is something to do.
func (p *Plan) check(a *Args) bool {
	g := &p.g
	in, out := g.Batch*g.InSize(), g.Batch*g.OutSize()
	a.setSteps(g)
	_, stepped := p.alg.(stepper)
	switch {
	case !stepped && (a.XStep != g.InC || a.YStep != g.OutC):
		panic(fmt.Sprintf("nhwc: pixels %d and %d elements apart, want %d and %d for %q", a.XStep, a.YStep, g.InC, g.OutC, p.name))
	case a.Scale != nil && min(len(a.Scale), len(a.Shift)) < g.OutC:
		panic(fmt.Sprintf("nhwc: scale and shift of %d and %d elements for %+v", len(a.Scale), len(a.Shift), *g))
	case len(a.X) < span(in, a.XStep, g.InC) || len(a.Y) < span(out, a.YStep, g.OutC) || a.Bias != nil && len(a.Bias) < g.OutC ||
		a.Residual != nil && len(a.Residual) < span(out, a.ResidualStep, g.OutC):
		panic(fmt.Sprintf("nhwc: operands of %d, %d, %d and %d elements are too short for %+v", len(a.X), len(a.Y), len(a.Residual), len(a.Bias), *g))
	case len(a.Scratch) < p.Scratch():
		panic(fmt.Sprintf("nhwc: scratch memory of %d elements, want %d", len(a.Scratch), p.Scratch()))
	}
	return out*g.OutC > 0
}

// stepper is an algorithm that takes any distance of pixels.
type stepper interface {
	algorithm
	anyStep()
}

func (t *tiled) anyStep()         {}
func (d *depthwiseConv) anyStep() {}
func (s *spanned) anyStep()       {}
func (p *pointwise) anyStep()     {}
func (d *directConv) anyStep()    {}
func (d *dense) anyStep()         {}
func (s *slides) anyStep()        {}
func (t *tapwise) anyStep()       {}
func (l *layered) anyStep()       {} // made of these
func (r *reference) anyStep()     {}
func (r *reaching) anyStep()      {}

func (a *Args) setSteps(g *conv.Geom) {
	if a.XStep == 0 {
		a.XStep = g.InC
	}
	if a.YStep == 0 {
		a.YStep = g.OutC
	}
	if a.ResidualStep == 0 {
		a.ResidualStep = g.OutC
	}
}

// span is how many elements n pixels reach over.
func span(n, step, channels int) int {
	if n == 0 {
		return 0
	}
	return (n-1)*step + channels
}

// finishes reports whether outputs need more than bias and bounds: something that finish does.
func (a *Args) finishes() bool { return a.Residual != nil || a.Scale != nil }

// finish applies residual, activation, scale and shift to channels [c, c+count) of outputs that are by pixels apart, the first at.
func (a *Args) finish(at, by, outputs, c, count int) {
	y, z := at*a.YStep+c, at*a.ResidualStep+c
	dy, dz := by*a.YStep, by*a.ResidualStep
	if dy == count && a.Scale == nil && (a.Residual == nil || dz == count) {
		outputs, count = 1, outputs*count
	}
	if outputs == 0 {
		return
	}
	w := vec.Wide{X: a.Y[y:], N: count, Rows: outputs, Step: dy}
	if a.Residual != nil && !a.AddLast {
		w.Add(a.Residual[z:], dz)
	}
	a.Act.ApplyWide(w)
	if a.Scale != nil {
		w.Scale(a.Scale[c:], a.Shift[c:])
	}
	if a.Residual != nil && a.AddLast {
		w.Add(a.Residual[z:], dz)
	}
}

// clear zeroes the channels of so many outputs.
func (a *Args) clear(outputs, channels int) {
	if a.YStep == channels {
		outputs, channels = 1, outputs*channels
	}
	for i := range outputs {
		clear(a.Y[i*a.YStep:][:channels])
	}
}

// startWithResidual copies the residual of so many outputs to them, unless they lie where it does.
func (a *Args) startWithResidual(outputs, channels int) {
	if &a.Residual[0] == &a.Y[0] {
		return
	}
	if a.YStep == channels && a.ResidualStep == channels {
		outputs, channels = 1, outputs*channels
	}
	for i := range outputs {
		copy(a.Y[i*a.YStep:][:channels], a.Residual[i*a.ResidualStep:])
	}
}
