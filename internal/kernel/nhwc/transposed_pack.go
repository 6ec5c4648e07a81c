package nhwc

import (
	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/panel"
	"github.com/onnxrun/onnxrun/internal/mem"
)

// pack makes the filter of each phase, in the form that its convolution wants, of w [InC, OutC/Groups, Kernel...]: some
// input channels of all phases at a time, which stay in the cache meanwhile.
func (t *transposedPhases) pack(room *mem.Room, w []float32) (any, int) {
	g := &t.g
	icg, ocg, taps := g.InC/g.Groups, g.OutC/g.Groups, g.Taps()
	list, bytes := make([]any, len(t.phases)), 0
	var parts []phasePanels
	for i := range t.phases {
		p := &t.phases[i]
		var n int
		if panels, packed, ok := t.newPanels(room, p); ok {
			list[i], n = packed, 4*len(panels.data)
			if n > 0 {
				parts = append(parts, panels)
			}
		} else {
			list[i], n = t.packPhase(room, p, w)
		}
		bytes += n
	}
	if room.Filled() {
		return list, bytes
	}
	step := max(1, phaseElems/max(ocg*taps, 1))
	for group := range g.Groups {
		for c := 0; c < icg; c += step {
			for i := range parts {
				parts[i].write(t, w, group, c, min(step, icg-c))
			}
		}
	}
	return list, bytes
}

// phasePanels is the filter of a phase while it is packed: for each group panels of so many output channels, the last one
// as wide as narrow says, each [taps of the phase, InC/Groups, channels of the panel].
type phasePanels struct {
	data          []float32
	size, k       int // elements of a group, and of a channel
	width, narrow int
	wide, last    panel.Order
}

// newPanels returns room for the filter of p, also as what its convolution wants; ok is false for forms without panels of the
// channels of a group.
func (t *transposedPhases) newPanels(room *mem.Room, p *phaseConv) (f phasePanels, packed any, ok bool) {
	g := &t.g
	ocg := g.OutC / g.Groups
	f.k = len(p.pick) * g.InC / g.Groups
	if p.direct != nil {
		if p.direct.out != ocg {
			return f, nil, false
		}
		f.data, f.width = room.Floats(f.k*g.OutC), p.direct.panel.lanes
		packed = f.data
	} else {
		m := gemm.NewPackedIn(room, g.Groups, f.k, ocg)
		f.data, f.width = m.Panels()
		packed = m
	}
	if f.width == 0 {
		return f, nil, false
	}
	f.size = len(f.data) / g.Groups
	f.narrow = f.width
	if rest := ocg % f.width; p.direct != nil && rest > 0 {
		f.narrow = rest
	}
	f.wide, f.last = t.order(p, f.width), t.order(p, f.narrow)
	return f, packed, true
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

// write packs n input channels of a group from channel c on.
func (f *phasePanels) write(t *transposedPhases, w []float32, group, c, n int) {
	g := &t.g
	icg, ocg, taps := g.InC/g.Groups, g.OutC/g.Groups, g.Taps()
	a := panel.Args{RowStep: taps, Count: n, SrcStep: ocg * taps}
	for oc := 0; oc < ocg; oc += f.width {
		a.Rows = min(f.width, ocg-oc)
		a.Order, a.DstStep = f.wide, f.width
		if a.Rows < f.width {
			a.Order, a.DstStep = f.last, f.narrow
		}
		a.Dst = f.data[group*f.size+oc*f.k+c*a.DstStep:]
		a.Src = w[((group*icg+c)*ocg+oc)*taps:]
		panel.Write(&a)
	}
}

// packPhase packs the filter of any phase by way of that of an ordinary convolution, [OutC, InC/Groups, taps of the phase].
func (t *transposedPhases) packPhase(room *mem.Room, p *phaseConv, w []float32) (any, int) {
	g := &t.g
	icg, ocg, taps := g.InC/g.Groups, g.OutC/g.Groups, g.Taps()
	n := g.OutC * icg * len(p.pick)
	part := make([]float32, 0, n)
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
		return p.direct.pack(room, part[:n])
	}
	return p.dense.pack(room, part[:n])
}
