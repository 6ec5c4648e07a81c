package nhwc

import (
	"math"
	"slices"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/panel"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
	"github.com/onnxrun/onnxrun/internal/mem"
	"github.com/onnxrun/onnxrun/internal/par"
)

// filterLen is how many floats the filters of all phases take.
func (t *transposedPhases) filterLen() int {
	n := 0
	for i := range t.phases {
		if p := &t.phases[i]; p.direct != nil {
			n += lineFloats + p.direct.filterLen()
		} else {
			n += lineFloats + p.dense.filterLen()
		}
	}
	return n
}

// rowLen is the number of elements of an input channel's filter.
func (t *transposedPhases) rowLen() int { return t.g.OutC / t.g.Groups * t.g.Taps() }

func (t *transposedPhases) pack(f *packed, w []float32, room *mem.Room) {
	t.packRows(f, filterRows{elems: w, each: t.rowLen()}, room)
}

// packRows makes the filter of each phase, in the form that its convolution wants, of w [InC, OutC/Groups, Kernel...]: some
// input channels of all phases at a time, which stay in the cache meanwhile.
func (t *transposedPhases) packRows(f *packed, w filterRows, room *mem.Room) {
	f.phases = slices.Grow(f.phases[:0], len(t.phases))[:len(t.phases)]
	clear(f.phases)
	r := phasePackings.Get().(*phasePacking)
	r.t, r.w, r.parts = t, w, r.parts[:0]
	if !r.placeTogether(f.phases, room) {
		r.placeApart(f.phases, room)
	}
	icg := t.g.InC / t.g.Groups
	r.step = max(1, phaseElems/max(t.g.OutC/t.g.Groups*t.g.Taps(), 1))
	if r.steps = ceilDiv(icg, r.step); len(r.parts) > 0 && !room.Filled() {
		par.Run(f.threads, t.g.Groups*r.steps, r)
	}
	clear(r.parts)
	r.t, r.w = nil, filterRows{}
	phasePackings.Put(r)
}

// placeTogether makes room for the filters of all phases, in one piece, if all are panels. Where these are alike one reading of w writes to
// those of all phases.
func (r *phasePacking) placeTogether(own []packed, room *mem.Room) bool {
	t, total := r.t, 0
	for i := range t.phases {
		n, ok := t.panelLen(&t.phases[i])
		if !ok {
			return false
		}
		total += lineRound(n)
	}
	shared, alike := room.Floats(total), len(t.phases) > 1 && total <= math.MaxInt32
	rest := shared
	for i := range t.phases {
		n, _ := t.panelLen(&t.phases[i])
		r.within.Within(rest[:lineRound(n)])
		p := t.newPanels(&t.phases[i], &own[i], &r.within)
		rest = rest[lineRound(n):]
		if r.parts = append(r.parts, p); p.size == 0 || p.narrow != p.width || p.k != r.parts[0].k || p.width != r.parts[0].width {
			alike = false
		}
	}
	r.within.Within(nil)
	if p := r.parts[0]; alike {
		p.wide = t.orders.keep(p.width, func() panel.Order { return t.orderOfAll(p.width, lineRound(p.size*t.g.Groups)) })
		p.data, p.last = shared, p.wide
		clear(r.parts)
		r.parts = append(r.parts[:0], p)
	}
	r.parts = slices.DeleteFunc(r.parts, func(p phasePanels) bool { return len(p.data) == 0 })
	return true
}

// placeApart makes room for the filters of phases that are panels, and packs the others.
func (r *phasePacking) placeApart(own []packed, room *mem.Room) {
	t := r.t
	s := window.GetScratch(0)
	defer s.Release()
	for i := range t.phases {
		p := &t.phases[i]
		if n, ok := t.panelLen(p); !ok {
			var all []float32
			if !room.Filled() {
				all = r.w.of(s, 0, t.g.InC)
			}
			t.packPhase(p, &own[i], all, room)
		} else if panels := t.newPanels(p, &own[i], room); n > 0 {
			r.parts = append(r.parts, panels)
		}
	}
}

// orderOfAll says where the kernel elements of a channel go if the filters of the phases, which are alike, are size elements apart.
func (t *transposedPhases) orderOfAll(width, size int) panel.Order {
	places := make([]int32, t.g.Taps())
	for i := range places {
		places[i] = -1
	}
	for i := range t.phases {
		for j, tap := range t.phases[i].pick {
			places[tap] = int32(i*size + j*t.g.InC/t.g.Groups*width)
		}
	}
	return panel.NewOrder(places)
}

// phasePacking packs the parts of filters; its chunks are some input channels of a group.
type phasePacking struct {
	t           *transposedPhases
	w           filterRows
	parts       []phasePanels
	step, steps int      // input channels of a chunk, chunks of a group
	within      mem.Room // reused
}

var phasePackings = sync.Pool{New: func() any { return new(phasePacking) }}

// Chunk implements par.Task.
func (r *phasePacking) Chunk(i int) {
	group, c := i/r.steps, i%r.steps*r.step
	icg := r.t.g.InC / r.t.g.Groups
	n := min(r.step, icg-c)
	s := window.GetScratch(0)
	rows := r.w.of(s, group*icg+c, n)
	for k := range r.parts {
		r.parts[k].write(r.t, rows, group, c, n)
	}
	s.Release()
}

// phasePanels is the filter of a phase while it is packed: for each group panels of so many output channels, the last one
// as wide as narrow says, each [taps of the phase, InC/Groups, channels of the panel].
type phasePanels struct {
	data          []float32
	size, k       int // elements of a group, and of a channel
	width, narrow int
	wide, last    panel.Order
}

// panelLen returns how many elements the filter of p takes; ok is false for forms without panels of the channels of a group.
func (t *transposedPhases) panelLen(p *phaseConv) (n int, ok bool) {
	ocg, k := t.g.OutC/t.g.Groups, t.channelLen(p)
	if p.direct != nil {
		return k * t.g.OutC, p.direct.out == ocg
	}
	columns := gemm.PackedLen(1, k, ocg) == k*ocg && ocg%gemm.Width() > 0
	return gemm.PackedLen(t.g.Groups, k, ocg), !columns
}

// channelLen is the number of elements that an output channel has in the filter of p.
func (t *transposedPhases) channelLen(p *phaseConv) int { return len(p.pick) * t.g.InC / t.g.Groups }

// newPanels makes own room for the filter of p, which is panels.
func (t *transposedPhases) newPanels(p *phaseConv, own *packed, room *mem.Room) (f phasePanels) {
	g := &t.g
	ocg := g.OutC / g.Groups
	f.k = t.channelLen(p)
	if p.direct != nil {
		own.data = room.Floats(f.k * g.OutC)
		f.data, f.width = own.data, p.direct.panel.lanes
	} else {
		own.matrices.Place(room, g.Groups, f.k, ocg)
		f.data, f.width = own.matrices.Panels()
	}
	f.size = len(f.data) / g.Groups
	f.narrow = f.width
	if rest := ocg % f.width; p.direct != nil && rest > 0 {
		f.narrow = rest
	}
	f.wide, f.last = p.orders.of(t, p, f.width, f.narrow)
	return f
}

// phaseOrders keeps the orders of a phase from one packing to the next.
type phaseOrders struct {
	lock          sync.Mutex
	width, narrow int
	wide, last    panel.Order
}

// of returns the orders for panels and the last one.
func (o *phaseOrders) of(t *transposedPhases, p *phaseConv, width, narrow int) (wide, last panel.Order) {
	o.lock.Lock()
	defer o.lock.Unlock()
	if o.width != width || o.narrow != narrow {
		o.width, o.narrow, o.wide, o.last = width, narrow, t.order(p, width), t.order(p, narrow)
	}
	return o.wide, o.last
}

// order says where the kernel elements of a channel go that are taps of the phase.
func (t *transposedPhases) order(p *phaseConv, width int) panel.Order {
	places := make([]int32, t.g.Taps())
	for i := range places {
		places[i] = -1
	}
	for i, tap := range p.pick {
		places[tap] = int32(i * t.g.InC / t.g.Groups * width)
	}
	return panel.NewOrder(places)
}

// write packs n input channels of a group from channel c on, whose filters are w.
func (f *phasePanels) write(t *transposedPhases, w []float32, group, c, n int) {
	g := &t.g
	ocg, taps := g.OutC/g.Groups, g.Taps()
	a := panel.Args{RowStep: taps, Count: n, SrcStep: ocg * taps}
	for oc := 0; oc < ocg; oc += f.width {
		a.Rows = min(f.width, ocg-oc)
		a.Order, a.DstStep = f.wide, f.width
		if a.Rows < f.width {
			a.Order, a.DstStep = f.last, f.narrow
		}
		a.Dst = f.data[group*f.size+oc*f.k+c*a.DstStep:]
		a.Src = w[oc*taps:]
		panel.Write(&a)
	}
}

// packPhase packs the filter of any phase by way of that of an ordinary convolution, [OutC, InC/Groups, taps of the phase].
func (t *transposedPhases) packPhase(p *phaseConv, own *packed, w []float32, room *mem.Room) {
	g := &t.g
	icg, ocg, taps := g.InC/g.Groups, g.OutC/g.Groups, g.Taps()
	s := window.GetScratch(g.OutC * icg * len(p.pick))
	part := s.Buf[:0]
	for oc := range g.OutC {
		if room.Filled() {
			break
		}
		for c := range icg {
			from := w[((oc/ocg*icg+c)*ocg+oc%ocg)*taps:][:taps]
			for _, tap := range p.pick {
				part = append(part, from[tap])
			}
		}
	}
	if p.direct != nil {
		p.direct.pack(own, s.Buf, room)
	} else {
		p.dense.pack(own, s.Buf, room)
	}
	s.Release()
}
