package nhwc

import (
	"fmt"
	"sync"
	"unsafe"

	"github.com/onnxrun/onnxrun/internal/kernel/conv"
	"github.com/onnxrun/onnxrun/internal/kernel/depthwise"
	"github.com/onnxrun/onnxrun/internal/par"
)

// GradBoth computes the gradients of a depthwise convolution with respect to its input and its filter, in one pass or band by band of rows,
// so that the gradient of the output comes from memory once. It is immutable and may be shared.
type GradBoth struct {
	x      *Plan
	toX    inputBands
	toW    *gradSlides
	grads  func(a *depthwise.GradsArgs) // both in one pass, where there is such a kernel
	stream bool                         // the input's gradient is so large that no cache holds it until it is read
}

// inputBands is an algorithm of the input's gradient that can go band by band, in units that follow each other from the first row to the last.
type inputBands interface {
	unitsOfPlane() int
	// begin returns what computes the units of a run.
	begin(a *Args, stream int) unitTask
}

// unitTask computes units of a gradient.
type unitTask interface {
	unit(s *rowScratch, u int)
	end()
}

func (d *depthwiseConv) unitsOfPlane() int { return d.units() / d.g.Batch }

func (d *depthwiseConv) begin(a *Args, stream int) unitTask {
	t := depthwiseTasks.Get().(*depthwiseTask)
	*t = depthwiseTask{d: d, a: *a, filter: a.Filter.packed.data, stream: stream}
	return t
}

func (t *depthwiseTask) end() {
	*t = depthwiseTask{}
	depthwiseTasks.Put(t)
}

func (t *transposedDepthwise) unitsOfPlane() int {
	if t.spreads {
		return t.pairsOf(&t.axes[1])
	}
	return t.axes[1].Out
}

func (t *transposedDepthwise) begin(a *Args, stream int) unitTask {
	r := transposedDepthwiseTasks.Get().(*transposedDepthwiseTask)
	*r = transposedDepthwiseTask{transposedDepthwise: t, a: *a, paired: t.spreads, stream: stream}
	return r
}

func (t *transposedDepthwiseTask) end() {
	*t = transposedDepthwiseTask{}
	transposedDepthwiseTasks.Put(t)
}

// GradBothArgs are the operands of one run: X and Dx [Batch, In..., InC], Dy [Batch, Out..., OutC], W and Dw [OutC, 1, Kernel...].
type GradBothArgs struct {
	X, Dy, W, Dx, Dw []float32
	Scratch          []float32 // GradBoth.Scratch() elements of unknown content
	Threads          int
}

const (
	// bandElems bounds a third of what stays in the second-level cache: gradients of rows of outputs, the inputs and their gradients.
	bandElems = 64 << 10
	// streamElems is from where on the input's gradient goes around the caches.
	streamElems = 2 << 20
	lineBytes   = 64
	// bothParts is how many parts the images must make at least: either gradient alone is cut finer.
	bothParts = 4
)

// NewGradBoth returns nil for geometries whose gradients are better computed one after the other.
func NewGradBoth(g conv.Geom) *GradBoth {
	toW, _ := newGradSlides(g).(*gradSlides)
	if toW == nil || g.Rank != 2 {
		return nil
	}
	x := NewGradXPlan(g)
	toX := bandsOf(x)
	if toX == nil {
		return nil
	}
	toW.together = toW.blocks()
	if toW.cut(gradParts); toW.parts < bothParts {
		return nil
	}
	h, w := &g.Axes[0], &g.Axes[1]
	row := (w.Out + 2*h.Stride*w.In) * g.InC // of outputs, with the inputs and their gradients
	toW.rows = even(h.Out, min(toW.rows, max(1, 3*bandElems/row)))
	if toW.rows < h.Out {
		toW.stack = 1
	}
	toW.bands()
	return &GradBoth{x, toX, toW, gradsKernel(&g), g.Batch*g.InC*g.InSize() >= streamElems && g.InC%(lineBytes/4) == 0}
}

// bandsOf returns the algorithm of a plan in two dimensions if it can go band by band, else nil.
func bandsOf(x *Plan) inputBands {
	switch alg := x.alg.(type) {
	case *depthwiseConv:
		if x.g.Rank == 2 && alg.g == x.g && len(alg.parts) == 1 && alg.multiplier == 1 {
			return alg
		}
	case *transposedDepthwise:
		if x.g.Rank == 2 && alg.g == x.g {
			return alg
		}
	}
	return nil
}

// Scratch returns how many floats of scratch memory a run wants.
func (b *GradBoth) Scratch() int { return b.x.FilterLen() + b.toW.scratch() }

// Run computes both gradients. It allocates nothing in steady state. Slices shorter than the geometry asks for panic.
func (b *GradBoth) Run(a *GradBothArgs) {
	g := &b.toW.g
	in, out, n := g.Batch*g.InC*g.InSize(), g.Batch*g.OutC*g.OutSize(), g.OutC*g.Taps()
	if len(a.X) < in || len(a.Dx) < in || len(a.Dy) < out || len(a.W) < n || len(a.Dw) < n || len(a.Scratch) < b.Scratch() {
		panic(fmt.Sprintf("nhwc: operands of %d, %d, %d, %d, %d and %d elements are too short for %+v", len(a.X), len(a.Dx), len(a.Dy), len(a.W), len(a.Dw), len(a.Scratch), *g))
	}
	t := gradBothTasks.Get().(*gradBothTask)
	room := a.Scratch[:b.x.FilterLen()]
	b.x.PackInto(&t.filter, a.W, room, a.Threads)
	sums := a.Scratch[len(room):]
	t.b, t.toW.gradSlides, t.sums = b, b.toW, sums
	t.w = GradWArgs{X: a.X, Dy: a.Dy}
	t.toW.a = &t.w
	t.x = Args{X: a.Dy, Y: a.Dx, XStep: g.OutC, YStep: g.InC, Filter: &t.filter}
	if t.stream = 0; b.stream && uintptr(unsafe.Pointer(&a.Dx[0]))%lineBytes == 0 {
		t.stream = 1
	}
	par.Run(a.Threads, b.toW.chunks(), t)
	*t = gradBothTask{}
	gradBothTasks.Put(t)
	b.toW.total(a.Dw, sums)
}

// gradBothTask is a running GradBoth; chunks are those of the filter's gradient.
type gradBothTask struct {
	b      *GradBoth
	toW    gradSlidesTask
	w      GradWArgs
	x      Args
	filter Filter
	sums   []float32
	stream int
}

var gradBothTasks = sync.Pool{New: func() any { return new(gradBothTask) }}

// Chunk computes the input's gradient in the planes of a part, and what these contribute to the filter's.
func (t *gradBothTask) Chunk(i int) {
	w := &t.toW
	first, last, from, to, sums := w.chunk(i, t.sums)
	if t.b.grads != nil {
		t.fused(from, to, sums)
		return
	}
	a := slideArgs.Get().(*depthwise.SlideArgs)
	s := rowScratches.Get()
	x := t.b.toX.begin(&t.x, t.stream)
	*a = w.args
	units := t.b.toX.unitsOfPlane()
	for p := from; p < to; p += w.stack {
		planes, done := min(w.stack, to-p), 0
		for i := range w.calls {
			upTo := units * (i + 1) / len(w.calls)
			for q := p; q < p+planes; q++ {
				for u := done; u < upTo; u++ {
					x.unit(s, q*units+u)
				}
			}
			done = upTo
			w.band(a, p, planes, i, first, last, sums)
		}
	}
	*a = depthwise.SlideArgs{}
	slideArgs.Put(a)
	x.end()
	s.release()
}
