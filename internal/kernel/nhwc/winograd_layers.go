package nhwc

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/conv"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
	"github.com/onnxrun/onnxrun/internal/mem"
)

// layered computes convolutions over three axes as sums of convolutions over the last two, one for each kernel element along the
// first: the layers of the volume that it sees are the batch of that.
type layered struct {
	g    conv.Geom
	taps []layerTap // those that reach few layers first, one that reaches all last
}

// layerTap is a kernel element along the first axis: how many layers of outputs it reaches, and the first of these and of the
// inputs that it sees there.
type layerTap struct {
	algorithm
	k, count, out, in int
	images            int // that lie together
}

// newLayered takes volumes on whose layers Winograd's transforms are expected to win.
func newLayered(g conv.Geom) algorithm {
	d := g.Axes[0]
	if d.Stride != 1 || d.Out < 1 || g.Groups > 1 {
		return nil
	}
	l := &layered{g: g}
	for k := range d.Kernel {
		lo, hi := reach(d, k)
		if lo == hi {
			continue
		}
		t := layerTap{k: k, count: hi - lo, out: lo, in: at(d, lo, k), images: 1}
		if t.count == d.Out && t.count == d.In {
			t.images = g.Batch
		}
		s := layer(g, t.count*t.images)
		t.algorithm = newWinograd(s)
		switch {
		case t.algorithm != nil:
		case t.count == d.Out:
			return nil
		default:
			t.algorithm = newDense(s)
		}
		l.taps = append(l.taps, t)
	}
	slices.SortStableFunc(l.taps, func(a, b layerTap) int { return a.count - b.count })
	if n := len(l.taps); n == 0 || l.taps[n-1].count < d.Out {
		return nil
	}
	return l
}

// layer is the convolution over the last two axes of so many layers.
func layer(g conv.Geom, count int) conv.Geom {
	s := g
	s.Batch, s.Rank, s.Axes = count, 2, [window.MaxRank]window.Axis{g.Axes[1], g.Axes[2]}
	return s
}

func (l *layered) format() string {
	var b strings.Builder
	for i := range l.taps {
		fmt.Fprintf(&b, "%d: %s; ", l.taps[i].k, l.taps[i].format())
	}
	return b.String()
}

func (l *layered) filterLen() int {
	n := 0
	for i := range l.taps {
		n += lineFloats + l.taps[i].filterLen()
	}
	return n
}

// pack packs the elements of each tap of the filter [OutC, InC, Kernel...].
func (l *layered) pack(f *packed, w []float32, room *mem.Room) {
	depth, plane := l.g.Axes[0].Kernel, l.g.Axes[1].Kernel*l.g.Axes[2].Kernel
	filters := l.g.OutC * l.g.InC
	phases := f.emptyPhases(len(l.taps))
	n := filters * plane
	if room.Filled() || depth == 1 {
		n = 0 // the filter, or what is found, is taken as it is
	}
	s := window.GetScratch(n)
	defer s.Release()
	for i := range l.taps {
		t, own := &l.taps[i], &phases[i]
		part := w[:filters*plane]
		if n > 0 {
			part = s.Buf[:n]
			for c := range filters {
				copy(part[c*plane:][:plane], w[(c*depth+t.k)*plane:])
			}
		}
		t.pack(own, part, room)
	}
}

func (l *layered) scratch() int {
	n := 0
	for i := range l.taps {
		n = max(n, l.taps[i].scratch())
	}
	return n
}

// layerRun is what a run hands to the convolutions of layers.
type layerRun struct {
	args   Args
	late   Args // what comes after the sums
	filter Filter
}

var layerRuns = sync.Pool{New: func() any { return new(layerRun) }}

func (l *layered) run(a *Args) {
	g := &l.g
	last := len(l.taps) - 1
	sums, late := last > 0, a.Scale != nil || a.Residual != nil && a.AddLast
	r := layerRuns.Get().(*layerRun)
	r.late = *a
	switch {
	case a.Residual != nil && !a.AddLast:
		a.startWithResidual(g.Batch*g.OutSize(), g.OutC)
		sums, r.late.Residual = true, nil
	case sums:
		a.clear(g.Batch*g.OutSize(), g.OutC)
	}
	for i := range l.taps {
		r.args = Args{Filter: &r.filter, Scratch: a.Scratch, Threads: a.Threads, XStep: a.XStep, YStep: a.YStep, ResidualStep: a.YStep}
		if i == last {
			r.args.Bias = a.Bias
			if !late {
				r.args.Act = a.Act
			}
		}
		r.filter.packed = a.Filter.packed.phases[i]
		l.tap(r, &l.taps[i], a, sums)
	}
	if late {
		r.late.finish(0, 1, g.Batch*g.OutSize(), 0, g.OutC)
	}
	*r = layerRun{}
	layerRuns.Put(r)
}

// tap computes what a tap adds to the outputs, or makes them if there are no sums yet.
func (l *layered) tap(r *layerRun, t *layerTap, a *Args, sums bool) {
	g := &l.g
	d := g.Axes[0]
	in, out := g.InSize()/d.In*a.XStep, g.OutSize()/d.Out*a.YStep
	for n := 0; n < g.Batch; n += t.images {
		r.args.X, r.args.Y = a.X[(n*d.In+t.in)*in:], a.Y[(n*d.Out+t.out)*out:]
		if r.args.Residual = nil; sums {
			r.args.Residual = r.args.Y
		}
		t.run(&r.args)
	}
}
