package conv

import (
	"slices"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/window"
	"github.com/onnxrun/onnxrun/internal/par"
)

// Transposed is a float32 transposed convolution of one geometry, ready to run. Outputs whose positions are equal modulo
// the strides form a phase: each phase is an ordinary convolution of stride 1 with some of the taps. It is immutable and
// may be shared.
type Transposed struct {
	g       Geom
	phases  []phase
	d, h, w int // output positions per phase and axis, the most of any phase
	strides [3]int
	rows    int // of one chunk
	chunks  int // of one image and group

	merged bool         // all phases read the same inputs: one product computes them all
	single bool         // groups read one channel: tap kernels apply
	frame  window.Frame // for single
}

// phase is one residue of output positions.
type phase struct {
	at   [3]int // residue in each axis
	pick []int  // kernel elements, as indices into the taps of the filter
	cols *columns
	off  []int // with single: of each tap in the frame
	from int   // where its filter begins in the packed one
}

// tapAt is a kernel element and the input position it reads relative to the output position of its phase.
type tapAt struct{ k, e int }

// chunkElems bounds the outputs of one chunk.
const chunkElems = 64 << 10

// maxPhases bounds the phases of a plan.
const maxPhases = 4096

// NewTransposed plans g; it returns nil for more than three axes and for strides that make too many phases: these are for
// ReferenceTransposed.
func NewTransposed(g Geom) *Transposed {
	phases := 1
	for _, a := range g.Axes[:g.Rank] {
		phases *= min(a.Stride, a.Out, maxPhases+1)
		if g.Rank > 3 || phases > maxPhases {
			return nil
		}
	}
	t := &Transposed{g: g}
	d, h, w := g.axes()
	axes := [3]window.Axis{d, h, w}
	var taps [3][][]tapAt
	var axis [3]window.Axis
	for i, a := range axes {
		t.strides[i] = a.Stride
		taps[i], axis[i] = phaseTaps(a)
	}
	t.d, t.h, t.w = axis[0].Out, axis[1].Out, axis[2].Out
	from := 0
	for pd, td := range taps[0] {
		for ph, th := range taps[1] {
			for pw, tw := range taps[2] {
				p := newPhase(&g, axes, axis, td, th, tw)
				p.at, p.from = [3]int{pd, ph, pw}, from
				from += g.InC * g.OutC / g.Groups * len(p.pick)
				t.phases = append(t.phases, p)
			}
		}
	}
	t.merged = len(t.phases) > 1 && t.alike()
	all, together := t.d*t.h, w.Stride
	if t.merged {
		together = len(t.phases)
	}
	t.rows = min(all, max(1, chunkElems/(g.OutC/g.Groups*t.w*together)))
	t.chunks = (all + t.rows - 1) / t.rows
	if t.single = g.InC == g.Groups && d == window.One; t.single {
		t.merged = false
		t.layoutFrame(axis[1], axis[2])
	}
	return t
}

// alike tells whether all phases read the same inputs, as they do where windows do not overlap.
func (t *Transposed) alike() bool {
	for i := range t.phases {
		if !slices.Equal(t.phases[i].cols.taps, t.phases[0].cols.taps) {
			return false
		}
	}
	return true
}

// layoutFrame prepares the frame that holds the inputs of one chunk.
func (t *Transposed) layoutFrame(h, w window.Axis) {
	var lo, hi [3]int
	for _, p := range t.phases {
		for i := range 3 {
			lo[i], hi[i] = min(lo[i], p.cols.lo[i]), max(hi[i], p.cols.hi[i])
		}
	}
	h.Kernel, h.Lo = hi[1]-lo[1]+1, -lo[1]
	w.Kernel, w.Lo = hi[2]-lo[2]+1, -lo[2]
	t.frame = window.NewFrame(window.One, h, w, 1, t.rows)
	for i := range t.phases {
		for _, tap := range t.phases[i].cols.taps {
			t.phases[i].off = append(t.phases[i].off, t.frame.Offset(0, tap[1]-lo[1], tap[2]-lo[2]))
		}
	}
}

// phaseTaps lists the taps of every phase of an axis, and that axis as a phase sees it.
func phaseTaps(a window.Axis) (taps [][]tapAt, f window.Axis) {
	taps = make([][]tapAt, min(a.Stride, a.Out))
	for p := range taps {
		for k := range a.Kernel {
			if pos := p + a.Lo - k*a.Dilation; pos%a.Stride == 0 {
				taps[p] = append(taps[p], tapAt{k, pos / a.Stride})
			}
		}
	}
	return taps, window.Axis{In: a.In, Out: (a.Out + a.Stride - 1) / a.Stride, Kernel: 1, Stride: 1, Dilation: 1}
}

func newPhase(g *Geom, axes, axis [3]window.Axis, td, th, tw []tapAt) phase {
	var p phase
	var taps [][3]int
	for _, d := range td {
		for _, h := range th {
			for _, w := range tw {
				p.pick = append(p.pick, (d.k*axes[1].Kernel+h.k)*axes[2].Kernel+w.k)
				taps = append(taps, [3]int{d.e, h.e, w.e})
			}
		}
	}
	p.cols = newColumns(g.InC/g.Groups, axis[0], axis[1], axis[2], taps, false)
	return p
}

// Pack writes the filter w [InC, OutC/Groups, Kernel...] to dst, which has the same length, as one matrix
// [OutC/Groups, InC/Groups*taps] for each phase and group; the phases of a group follow each other if they are computed
// by one product.
func (t *Transposed) Pack(dst, w []float32) {
	if t.merged {
		for group := range t.g.Groups {
			for i := range t.phases {
				dst = t.packGroup(dst, w, &t.phases[i], group)
			}
		}
		return
	}
	for i := range t.phases {
		for group := range t.g.Groups {
			dst = t.packGroup(dst, w, &t.phases[i], group)
		}
	}
}

// packGroup writes the filter of one phase and group and returns the rest of dst.
func (t *Transposed) packGroup(dst, w []float32, p *phase, group int) []float32 {
	g := &t.g
	icg, ocg, taps := g.InC/g.Groups, g.OutC/g.Groups, g.Taps()
	for oc := range ocg {
		for c := range icg {
			k := w[((group*icg+c)*ocg+oc)*taps:][:taps]
			for _, tap := range p.pick {
				dst[0] = k[tap]
				dst = dst[1:]
			}
		}
	}
	return dst
}

// phaseTask is a running transposed convolution; chunks are rows of one image and group.
type phaseTask struct {
	t *Transposed
	a Args
}

var phaseTasks = sync.Pool{New: func() any { return new(phaseTask) }}

// Run computes y = act(conv_transpose(x, w) + bias); a.W is packed. Residual is not supported.
func (t *Transposed) Run(a *Args) {
	r := phaseTasks.Get().(*phaseTask)
	r.t, r.a = t, *a
	par.Run(a.Threads, t.g.Batch*t.g.Groups*t.chunks, r)
	*r = phaseTask{}
	phaseTasks.Put(r)
}
