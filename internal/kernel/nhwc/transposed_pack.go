package nhwc

import (
	"slices"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/panel"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
	"github.com/onnxrun/onnxrun/internal/mem"
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
	g := &t.g
	icg, ocg, taps := g.InC/g.Groups, g.OutC/g.Groups, g.Taps()
	f.phases = slices.Grow(f.phases[:0], len(t.phases))[:len(t.phases)]
	r := phasePackings.Get().(*phasePacking)
	r.parts = r.parts[:0]
	s := window.GetScratch(0)
	defer s.Release()
	for i := range t.phases {
		p, own := &t.phases[i], &f.phases[i]
		*own = packed{}
		if panels, ok := t.newPanels(p, own, room); !ok {
			var all []float32
			if !room.Filled() {
				all = w.of(s, 0, g.InC)
			}
			t.packPhase(p, own, all, room)
		} else if len(panels.data) > 0 && !room.Filled() {
			r.parts = append(r.parts, panels)
		}
	}
	step := max(1, phaseElems/max(ocg*taps, 1))
	for group := range g.Groups {
		for c := 0; c < icg && len(r.parts) > 0; c += step {
			n := min(step, icg-c)
			rows := w.of(s, group*icg+c, n)
			for i := range r.parts {
				r.parts[i].write(t, rows, group, c, n)
			}
		}
	}
	clear(r.parts)
	phasePackings.Put(r)
}

// phasePacking is what packing works with.
type phasePacking struct{ parts []phasePanels }

var phasePackings = sync.Pool{New: func() any { return new(phasePacking) }}

// phasePanels is the filter of a phase while it is packed: for each group panels of so many output channels, the last one
// as wide as narrow says, each [taps of the phase, InC/Groups, channels of the panel].
type phasePanels struct {
	data          []float32
	size, k       int // elements of a group, and of a channel
	width, narrow int
	wide, last    panel.Order
}

// newPanels makes own room for the filter of p; ok is false for forms without panels of the channels of a group.
func (t *transposedPhases) newPanels(p *phaseConv, own *packed, room *mem.Room) (f phasePanels, ok bool) {
	g := &t.g
	ocg := g.OutC / g.Groups
	f.k = len(p.pick) * g.InC / g.Groups
	if p.direct != nil {
		if p.direct.out != ocg {
			return f, false
		}
		own.data = room.Floats(f.k * g.OutC)
		f.data, f.width = own.data, p.direct.panel.lanes
	} else {
		if gemm.PackedLen(1, f.k, ocg) == f.k*ocg && ocg%gemm.Width() > 0 { // columns
			return f, false
		}
		own.matrices.Place(room, g.Groups, f.k, ocg)
		f.data, f.width = own.matrices.Panels()
	}
	f.size = len(f.data) / g.Groups
	f.narrow = f.width
	if rest := ocg % f.width; p.direct != nil && rest > 0 {
		f.narrow = rest
	}
	f.wide, f.last = p.orders.of(t, p, f.width, f.narrow)
	return f, true
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
