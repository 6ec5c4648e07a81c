package conv

import (
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
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
}

// phase is one residue of output positions.
type phase struct {
	at   [3]int // residue in each axis
	pick []int  // kernel elements, as indices into the taps of the filter
	cols *columns
	from int // where its filter begins in the packed one
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
	all := t.d * t.h
	t.rows = min(all, max(1, chunkElems/(g.OutC/g.Groups*t.w*w.Stride)))
	t.chunks = (all + t.rows - 1) / t.rows
	return t
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
// [OutC/Groups, InC/Groups*taps] for each phase and group.
func (t *Transposed) Pack(dst, w []float32) {
	g := &t.g
	icg, ocg, taps := g.InC/g.Groups, g.OutC/g.Groups, g.Taps()
	for _, p := range t.phases {
		for i := range g.OutC {
			for c := range icg {
				k := w[((i/ocg*icg+c)*ocg+i%ocg)*taps:][:taps]
				for _, tap := range p.pick {
					dst[0] = k[tap]
					dst = dst[1:]
				}
			}
		}
	}
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

// Chunk computes some rows of every phase and spreads them over the output.
func (r *phaseTask) Chunk(i int) {
	t := r.t
	item := i / t.chunks
	r0 := i % t.chunks * t.rows
	r1 := min(r0+t.rows, t.d*t.h)
	sw, size := min(t.strides[2], t.g.Axes[t.g.Rank-1].Out), t.g.OutC/t.g.Groups*(r1-r0)*t.w
	s := window.GetScratch(sw * size)
	for j := 0; j < len(t.phases); j += sw {
		for k := range sw {
			r.product(&t.phases[j+k], item, r0, r1, s.Buf[k*size:][:size])
		}
		r.spread(s, t.phases[j].at, item, r0, r1, size)
	}
	s.Release()
}

// product computes rows [r0, r1) of one phase to dst [OutC/Groups, rows, w].
func (r *phaseTask) product(p *phase, item, r0, r1 int, dst []float32) {
	t := r.t
	g := &t.g
	icg, ocg := g.InC/g.Groups, g.OutC/g.Groups
	k := icg * len(p.pick)
	group := item % g.Groups
	m := products.Get().(*product)
	m.c, m.base, m.x = p.cols, r0*t.w, r.a.X[item*icg*g.InSize():]
	m.args = gemm.Args{M: ocg, N: (r1 - r0) * t.w, K: k, A: r.a.W[p.from+group*ocg*k:], ARS: k, ACS: 1,
		C: dst, LDC: (r1 - r0) * t.w, Source: m}
	m.args.Epilogue.Act = r.a.Act
	if r.a.Bias != nil {
		m.args.Epilogue.RowBias = r.a.Bias[group*ocg:]
	}
	gemm.Run(&m.args)
	m.release()
}

// spread copies rows [r0, r1) of the phases that differ in their columns only to the output.
func (r *phaseTask) spread(s *window.Scratch, at [3]int, item, r0, r1, size int) {
	t := r.t
	g := &t.g
	d, h, w := g.axes()
	k := window.Best()
	ocg := g.OutC / g.Groups
	a := &s.Row
	*a = window.RowArgs{Rows: 1, Cols: w.Out}
	for oc := range ocg {
		y := r.a.Y[(item*ocg+oc)*g.OutSize():][:g.OutSize()]
		for row := r0; row < r1; row++ {
			od, oh := row/t.h*d.Stride+at[0], row%t.h*h.Stride+at[1]
			if od >= d.Out || oh >= h.Out {
				continue
			}
			dst := y[(od*h.Out+oh)*w.Out:][:w.Out]
			src := s.Buf[(oc*(r1-r0)+row-r0)*t.w:]
			switch {
			case w.Stride == 1:
				copy(dst, src)
			case w.Stride == 2 && w.Out > 1:
				a.Dst, a.Src, a.Src2 = dst, src, src[size:]
				k.MergeRows(a)
			default:
				for o := range dst {
					dst[o] = src[o%w.Stride*size+o/w.Stride]
				}
			}
		}
	}
}
