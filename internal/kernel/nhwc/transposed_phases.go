package nhwc

import (
	"fmt"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/conv"
	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
	"github.com/onnxrun/onnxrun/internal/par"
)

// transposedPhases computes transposed convolutions phase by phase. Outputs whose positions are equal modulo the strides
// form a phase: an ordinary convolution of stride 1 with every stride-th kernel element, in reverse order. It writes its
// outputs where they belong if it is a direct one; products are spread over the output by copies.
type transposedPhases struct {
	g      conv.Geom
	axes   [3]window.Axis
	phases []phaseConv
	chunks int
	orders interleaving // of the filters of all phases, where they are alike
}

// phaseConv is one residue of output positions.
type phaseConv struct {
	direct *directConv // computes the phase in place, if it can
	dense  *dense
	plain  bool   // a product of X as it lies
	at     [3]int // residue in each axis
	pick   []int  // the kernel element of each tap of the phase
	rows   int    // output positions of a chunk
	first  int    // its first chunk
	orders *phaseOrders
}

const (
	maxPhases, minDirectCols = 1024, 7
	// phaseRows and phaseElems bound the outputs of a chunk, which then fit into the second-level cache with what they
	// are made of. phaseChunks is how many chunks all phases should make at least.
	phaseRows, phaseElems, phaseChunks = 240, 64 << 10, 16
)

func newTransposedPhases(g conv.Geom) algorithm {
	if g.Rank > 3 {
		return nil
	}
	t := &transposedPhases{g: g, axes: axes(&g)}
	count := 1
	for _, a := range t.axes {
		if count *= min(a.Stride, a.Out, maxPhases+1); count > maxPhases {
			return nil
		}
	}
	for i := range count {
		t.phases = append(t.phases, t.newPhase(i, count))
	}
	chunk := 0
	for i := range t.phases {
		p := &t.phases[i]
		p.first = chunk
		if p.direct == nil {
			chunk += ceilDiv(p.positions(), p.rows)
		}
	}
	t.chunks = chunk
	return t
}

// newPhase makes phase i of count.
func (t *transposedPhases) newPhase(i, count int) phaseConv {
	p := phaseConv{orders: new(phaseOrders)}
	g := conv.Geom{Batch: t.g.Batch, Groups: t.g.Groups, InC: t.g.InC, OutC: t.g.OutC, Rank: 3}
	p.pick, p.plain = []int{0}, g.Groups == 1
	for j := 2; j >= 0; j-- {
		a := t.axes[j]
		n := min(a.Stride, a.Out)
		p.at[j] = i % n
		i /= n
		g.Axes[j] = phaseAxis(a, p.at[j])
		x := g.Axes[j]
		p.plain = p.plain && x.Kernel == 1 && x.Lo == 0 && x.Out == x.In
	}
	for j, a := range t.axes {
		var pick []int
		for _, k := range p.pick {
			for _, own := range phaseTaps(a, p.at[j]) {
				pick = append(pick, k*a.Kernel+own)
			}
		}
		p.pick = pick
	}
	p.dense = newDense(g).(*dense)
	p.direct = t.newDirect(g, p.at)
	m := p.positions()
	p.rows = min(phaseRows, max(24, phaseElems/g.OutC), max(48, ceilDiv(m*count, phaseChunks)))
	return p
}

// newDirect returns the direct convolution of a phase, nil if there is none: not for outputs so few that the rows of
// products fill more registers.
func (t *transposedPhases) newDirect(g conv.Geom, at [3]int) *directConv {
	if t.axes[0] != window.One || g.Axes[2].Out < minDirectCols {
		return nil
	}
	g.Rank = 2
	g.Axes[0], g.Axes[1], g.Axes[2] = g.Axes[1], g.Axes[2], window.Axis{}
	d, _ := newDirect(g).(*directConv)
	if d != nil && d.ragged() {
		return nil
	}
	if d != nil {
		h, w := t.axes[1], t.axes[2]
		d.to = placement{at[1]*w.Out + at[2], t.g.OutSize(), h.Stride * w.Out, w.Stride}
	}
	return d
}

// phaseTaps lists the kernel elements that reach outputs at residue at, by ascending input position.
func phaseTaps(a window.Axis, at int) (taps []int) {
	for k := a.Kernel - 1; k >= 0; k-- {
		if (at+a.Lo-k*a.Dilation)%a.Stride == 0 {
			taps = append(taps, k)
		}
	}
	return taps
}

// phaseAxis is axis a as the convolution of a phase sees it. Output o of the phase reads, through kernel element k, input
// o + (at + Lo - k*Dilation)/Stride.
func phaseAxis(a window.Axis, at int) window.Axis {
	taps := phaseTaps(a, at)
	x := window.Axis{In: a.In, Out: ceilDiv(a.Out-at, a.Stride), Kernel: len(taps), Stride: 1, Dilation: 1}
	if len(taps) > 0 {
		x.Lo = (taps[0]*a.Dilation - at - a.Lo) / a.Stride
	}
	if len(taps) > 1 {
		x.Dilation = (taps[0] - taps[1]) * a.Dilation / a.Stride
	}
	return x
}

// positions is the number of output positions of the phase.
func (p *phaseConv) positions() int { return p.dense.g.Batch * p.dense.g.OutSize() }

func (t *transposedPhases) format() string {
	key := "matrices of phases"
	for _, a := range t.axes {
		key += fmt.Sprintf(" %d/%d/%d/%d/%d", a.Kernel, a.Stride, a.Dilation, a.Lo, min(a.Out, a.Stride))
	}
	for i, p := range t.phases {
		if p.direct != nil {
			key += fmt.Sprintf(", %d direct in %s", i, p.direct.format())
		}
	}
	return key
}

func (t *transposedPhases) scratch() int { return 0 }

// phaseTask is a running transposed convolution.
type phaseTask struct {
	t *transposedPhases
	a *Args
}

var phaseTasks = sync.Pool{New: func() any { return new(phaseTask) }}

func (t *transposedPhases) run(a *Args) {
	r := phaseTasks.Get().(*phaseTask)
	r.t, r.a = t, a
	par.Run(a.Threads, t.chunks, r)
	for i, p := range t.phases {
		if p.direct != nil {
			p.direct.runWith(a, r.filter(i).data)
		}
	}
	*r = phaseTask{}
	phaseTasks.Put(r)
}

func (r *phaseTask) filter(i int) *packed { return &r.a.Filter.packed.phases[i] }

// Chunk computes some positions of one phase and spreads them over the output.
func (r *phaseTask) Chunk(i int) {
	t := r.t
	j := len(t.phases) - 1
	for t.phases[j].direct != nil || t.phases[j].first > i {
		j--
	}
	p := &t.phases[j]
	first := (i - p.first) * p.rows
	rows := min(p.rows, p.positions()-first)
	s := window.GetScratch(rows * t.g.OutC)
	r.product(p, &r.filter(j).matrices, first, rows, s.Buf)
	r.spread(p, first, rows, s)
	s.Release()
}

// product computes rows positions of the phase to y [rows, OutC].
func (r *phaseTask) product(p *phaseConv, filter *gemm.Packed, first, rows int, y []float32) {
	g := &p.dense.g
	m := products.Get().(*product)
	m.d, m.x, m.step, m.first = p.dense, r.a.X, g.InC, first
	k, n := filter.Dims()
	m.args = gemm.Args{M: rows, N: n, K: k, Packed: filter, C: y, LDC: g.OutC, Batch: p.dense.items}
	if p.plain {
		m.args.A, m.args.ARS, m.args.ACS = r.a.X[first*g.InC:], g.InC, 1
	} else {
		m.args.Rows = m
	}
	m.args.Epilogue = gemm.Epilogue{ColBias: r.a.Bias, Act: r.a.Act}
	gemm.Run(&m.args)
	*m = product{}
	products.Put(m)
}

// spread copies positions of the phase, which begin at first, to the output.
func (r *phaseTask) spread(p *phaseConv, first, rows int, s *window.Scratch) {
	c := r.t.g.OutC
	od, oh, ow := &r.t.axes[0], &r.t.axes[1], &r.t.axes[2]
	d, h, w := p.dense.axes[0].Out, p.dense.axes[1].Out, p.dense.axes[2].Out
	for i := 0; i < rows; i += s.Row.Rows {
		row, col := (first+i)/w, (first+i)%w
		n, at := row/h/d, [3]int{row/h%d*od.Stride + p.at[0], row%h*oh.Stride + p.at[1], col*ow.Stride + p.at[2]}
		s.Row = window.RowArgs{
			Dst: r.a.Y[(((n*od.Out+at[0])*oh.Out+at[1])*ow.Out+at[2])*c:], DstStep: ow.Stride * c,
			Src: s.Buf[i*c:], SrcStep: c, Rows: min(w-col, rows-i), Cols: c,
		}
		window.Best().CopyRows(&s.Row)
	}
}
