package pool

import (
	"math"
	"slices"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/window"
	"github.com/onnxrun/onnxrun/internal/par"
)

// Pixels are the input X and the output Y of a pool, tensors [Planes, spatial axes, channels], of whose channels the first ones
// are pooled: those of neighbouring pixels begin XStep and YStep elements apart.
type Pixels struct {
	X, Y         []float32
	Channels     int
	XStep, YStep int
}

// MaxLastF32 is Max without indices for pixels; NaN is passed over.
func MaxLastF32(threads int, g *Geom, p Pixels) { runLast(threads, g, p, kindMax, nil) }

// MaxPlacesLastF32 is MaxLastF32 for windows of fewer than window.NoPlace elements, and sets the elements of places, which lie like
// those of Y, to the number in its window of the first largest element.
func MaxPlacesLastF32(threads int, g *Geom, p Pixels, places []uint8) {
	runLast(threads, g, p, kindMax, places[:len(p.Y)])
}

// AverageLastF32 is Average for pixels.
func AverageLastF32(threads int, g *Geom, p Pixels, includePad bool) {
	kind := kindAverage
	if includePad {
		kind = kindAverageAll
	}
	runLast(threads, g, p, kind, nil)
}

// lastTask is a running pool of a tensor whose channels come last. Chunks are ranges of rows of outputs, those that
// differ in the last spatial axis only. A tap kernel takes the outputs of a row as its rows, and channels as its columns:
// outputs whose windows lie inside the input together, the others one by one with the taps that do.
type lastTask struct {
	g    Geom
	kind Kind
	k    *window.Kernels
	few  *window.Kernels // of vectors that the channels do not fill, or nil
	Pixels
	places []uint8             // if there, where the largest elements are is noted
	rows   int                 // of outputs, in one plane
	size   int                 // rows in one chunk
	step   [window.MaxRank]int // elements from one input to the next along each axis
	lo, hi int                 // outputs of a row whose windows lie inside
	ones   []float32           // for every channel
	col    []float32           // 1/elements along the last axis, for every output of a row
}

// fewLanes is the width of the shortest vectors.
const fewLanes = 8

var lastTasks = sync.Pool{New: func() any { return new(lastTask) }}

func runLast(threads int, g *Geom, p Pixels, kind Kind, places []uint8) {
	out := g.OutSize()
	if out == 0 || g.Planes == 0 || p.Channels == 0 {
		return
	}
	t := lastTasks.Get().(*lastTask)
	t.kind, t.Pixels, t.places, t.k, t.few = kind, p, places, window.Within(p.Channels), nil
	if few := window.ForWidth(fewLanes); few.Lanes > t.k.Lanes && few.Lanes > p.Channels {
		t.few = few
	}
	taps := t.measure(g)
	last := g.Axes[g.Rank-1]
	t.col = t.col[:0]
	if kind != kindMax {
		t.factors(last)
	}
	var chunks int
	chunks, t.size = par.Split(g.Planes*t.rows, grainOps/(last.Out*p.Channels*taps)+1)
	par.Run(threads, chunks, t)
	t.Pixels, t.places = Pixels{}, nil
	lastTasks.Put(t)
}

// measure sets what follows from the sizes, and returns the number of taps of a window.
func (t *lastTask) measure(g *Geom) (taps int) {
	t.g, taps = *g, 1
	for i, n := g.Rank-1, t.XStep; i >= 0; i-- {
		t.step[i] = n
		n *= g.Axes[i].In
		taps *= min(g.Axes[i].Kernel, g.Axes[i].In)
	}
	last := g.Axes[g.Rank-1]
	t.rows = g.OutSize() / last.Out
	t.inside(last)
	return taps
}

// inside finds the outputs along the last axis whose windows lie inside.
func (t *lastTask) inside(a window.Axis) {
	t.lo = min(a.Out, (a.Lo+a.Stride-1)/a.Stride)
	t.hi = t.lo
	if room := a.In + a.Lo - a.Extent(); room >= 0 {
		t.hi = max(t.lo, min(a.Out, room/a.Stride+1))
	}
}

func (t *lastTask) factors(a window.Axis) {
	for len(t.ones) < max(t.Channels, fewLanes) {
		t.ones = append(t.ones, 1)
	}
	for o := range a.Out {
		t.col = append(t.col, 1/float32(max(1, divisor(a, o, t.kind == kindAverageAll))))
	}
}

// Chunk pools a range of rows.
func (t *lastTask) Chunk(i int) {
	lo, hi := par.Range(i, t.size, t.g.Planes*t.rows)
	last := t.g.Axes[t.g.Rank-1]
	s := window.GetScratch(last.Out)
	for r := lo; r < hi; r++ {
		t.row(s, last, r)
	}
	s.Release()
}

// row pools row r of outputs: s.Off holds where the rows of its windows begin, then all taps of some of them.
func (t *lastTask) row(s *window.Scratch, last window.Axis, r int) {
	plane := t.X[r/t.rows*t.g.InSize()*t.XStep:]
	plane = plane[:min(len(plane), t.g.InSize()*t.XStep)]
	count := t.starts(s, r%t.rows)
	starts := len(s.Off)
	for o, c := range t.col {
		s.Buf[o] = c / float32(count)
	}
	from := r * last.Out * t.YStep
	for o := 0; o < last.Out; {
		n := t.taps(s, last, o, starts)
		if t.places != nil {
			t.noted(s, plane, from+o*t.YStep, starts, n, last.Stride*t.XStep)
		} else {
			t.pixels(s, plane, t.Y[from+o*t.YStep:], starts, n, last.Stride*t.XStep, s.Buf[o:])
		}
		o += n
	}
	s.Off, s.Numbers = s.Off[:0], s.Numbers[:0]
}

// taps puts the taps of output o of a row behind the starts in s.Off, their numbers behind those in s.Numbers, and returns how many
// outputs from o on have the same, each a stride further.
func (t *lastTask) taps(s *window.Scratch, last window.Axis, o, starts int) (n int) {
	first, end := last.Taps(o)
	s.Off, s.Numbers = s.Off[:starts], s.Numbers[:starts]
	for i := range starts {
		for k := first; k < end; k++ {
			s.Numbers = append(s.Numbers, s.Numbers[i]*int32(last.Kernel)+int32(k))
			s.Off = append(s.Off, s.Off[i]+(o*last.Stride+k*last.Dilation-last.Lo)*t.XStep)
		}
	}
	if o == t.lo && t.hi > t.lo {
		return t.hi - t.lo
	}
	return 1
}

// starts sets s.Off to where the rows of the windows of output row r begin in a plane, as if the last axis began at zero, s.Numbers to
// their numbers in a window, and returns how many rows an average is over.
func (t *lastTask) starts(s *window.Scratch, r int) (count int) {
	n := t.g.Rank - 1
	var at, lo, hi, tap [window.MaxRank]int
	count = 1
	s.Off, s.Numbers = s.Off[:0], s.Numbers[:0]
	empty := false
	for i := n - 1; i >= 0; i-- {
		a := t.g.Axes[i]
		at[i] = r % a.Out
		r /= a.Out
		lo[i], hi[i] = a.Taps(at[i])
		tap[i] = lo[i]
		count *= max(1, divisor(a, at[i], t.kind == kindAverageAll))
		empty = empty || lo[i] >= hi[i]
	}
	for more := !empty; more; more = advance(tap[:n], lo[:n], hi[:n]) {
		pos, number := 0, 0
		for i, a := range t.g.Axes[:n] {
			pos += (at[i]*a.Stride + tap[i]*a.Dilation - a.Lo) * t.step[i]
			number = number*a.Kernel + tap[i]
		}
		s.Off, s.Numbers = append(s.Off, pos), append(s.Numbers, int32(number))
	}
	return count
}

// pixels pools n neighbouring outputs whose taps are s.Off[starts:].
func (t *lastTask) pixels(s *window.Scratch, plane, y []float32, starts, n, step int, scale []float32) {
	a := &s.Tap
	*a = window.TapArgs{Src: plane, Dst: y, Off: s.Off[starts:], Rows: n, SrcStep: step, DstStep: t.YStep}
	apply := t.k.SumTaps
	if t.kind == kindMax {
		apply, a.Bias = t.k.MaxTaps, float32(math.Inf(-1))
	} else {
		a.RowScale, a.ColScale = scale, t.ones
	}
	if t.few != nil {
		t.shortPixels(a)
	}
	if a.Rows > 0 {
		wholeTaps(t.k, t.Channels, a, apply)
	}
}

// shortPixels pools the first outputs, of few channels, and takes them from a: those from whose pixels whole vectors can be read.
func (t *lastTask) shortPixels(a *window.TapArgs) {
	if len(a.Off) == 0 {
		return
	}
	room := len(a.Src) - slices.Max(a.Off) - t.few.Lanes
	if room < 0 {
		return
	}
	rest := a.Rows
	if a.SrcStep > 0 {
		a.Rows = min(rest, room/a.SrcStep+1)
	}
	n := a.Rows
	a.Cols = t.Channels
	if t.kind == kindMax {
		t.few.MaxTaps(a)
	} else {
		t.few.SumTaps(a)
		a.RowScale = a.RowScale[n:]
	}
	if a.Rows = rest - n; a.Rows > 0 {
		a.Src, a.Dst = a.Src[n*a.SrcStep:], a.Dst[n*a.DstStep:]
	}
}

// wholeTaps applies a kernel to rows of some channels.
func wholeTaps(k *window.Kernels, channels int, a *window.TapArgs, apply func(*window.TapArgs)) {
	cols, rest := wholeVectors(k, channels)
	a.Cols = cols
	apply(a)
	if rest > 0 {
		a.Src, a.Dst, a.Cols = a.Src[rest:], a.Dst[rest:], k.Lanes
		apply(a)
	}
}

// wholeVectors returns how many channels a kernel takes at once, and where the vector begins that holds those which fill none: it
// overlaps the vector before; 0: there are none. The plain loops take any number.
func wholeVectors(k *window.Kernels, channels int) (cols, rest int) {
	if tail := channels % k.Lanes; tail > 0 && k.Lanes < channels {
		return channels - tail, channels - k.Lanes
	}
	return channels, 0
}
