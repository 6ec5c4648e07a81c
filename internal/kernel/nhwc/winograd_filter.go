package nhwc

import (
	"fmt"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/panel"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
	"github.com/onnxrun/onnxrun/internal/kernel/winograd"
	"github.com/onnxrun/onnxrun/internal/mem"
	"github.com/onnxrun/onnxrun/internal/par"
)

// format tells the forms of the filter apart: the matrices of a size of tile, or the windows.
func (t *tiled) format() string {
	name := fmt.Sprintf("%dx%d", t.m, t.m)
	if t.fresh {
		name = "windows"
	}
	if t.size.Taps == 2 {
		name += " of 2x2"
	}
	if t.turned {
		name += " turned"
	}
	if t.places != nil {
		name += fmt.Sprint(" at ", t.places)
	}
	if t.g.Groups > 1 {
		name += fmt.Sprintf(" of %d groups", t.g.Groups)
	}
	return name
}

// windowElems is about how many elements of windows are transformed at a time: part of the second-level cache.
const windowElems = 32 << 10

func (t *tiled) filterLen() int {
	if t.fresh {
		return gemm.PackedLen(1, t.window*t.inC, t.g.OutC)
	}
	return gemm.PackedLen(t.n*t.n*t.g.Groups, t.icg, t.ocg)
}

// pack packs the windows, and transforms them unless that is done while running.
func (t *tiled) pack(f *packed, w []float32, room *mem.Room) {
	t.packRows(f, filterRows{elems: w, each: t.rowLen()}, room)
}

func (t *tiled) rowLen() int {
	if t.turned {
		return t.g.Taps() * t.ocg
	}
	return t.g.Taps() * t.channels
}

func (t *tiled) packRows(f *packed, w filterRows, room *mem.Room) {
	g := &t.g
	count, k := t.n*t.n*g.Groups, t.icg
	if t.fresh {
		count, k = 1, t.window*t.inC
	}
	f.matrices.Place(room, count, k, t.ocg)
	if room.Filled() {
		return
	}
	p := windowPackings.Get().(*windowPacking)
	p.tiled, p.w = t, w
	p.u, p.width = f.matrices.Panels()
	p.size = len(p.u) / count
	p.panels = ceilDiv(t.ocg, p.width)
	if p.step = t.channels; !t.fresh {
		p.step = min(t.channels, ceilDiv(windowElems, t.window*len(t.views)*p.width))
	}
	p.order = t.order.of(t, p.step, p.width)
	if t.turned {
		p.packTurned(f.threads)
	} else {
		p.c1 = t.channels
		par.Run(f.threads, g.Groups*p.panels, p)
	}
	*p = windowPacking{}
	windowPackings.Put(p)
}

// turnedElems is about how many elements of a turned filter are computed at a time: half of a second-level cache.
const turnedElems = 128 << 10

// packTurned packs a filter whose first axis are input channels: some of a group at a time where they are computed.
func (p *windowPacking) packTurned(threads int) {
	s := window.GetScratch(0)
	defer s.Release()
	count := p.channels
	if p.w.fill != nil {
		count = max(1, turnedElems/p.w.each)
	}
	for p.group = range p.g.Groups {
		for p.c0 = 0; p.c0 < p.channels; p.c0 = p.c1 {
			p.c1 = min(p.c0+count, p.channels)
			p.rows = p.w.of(s, p.group*p.channels+p.c0, p.c1-p.c0)
			par.Run(threads, p.panels, p)
		}
	}
}

// windowPacking packs windows of the input channels [c0, c1); its chunks are panels of output channels, group by group, or those of
// one group if the filter is turned.
type windowPacking struct {
	*tiled
	w             filterRows
	u             []float32
	width, panels int // of a panel, and how many a group has
	size          int // elements of a matrix
	step          int // input channels at a time; the windows of views are as far apart
	order         panel.Order
	c0, c1        int
	from          int // the output channel that u begins with

	group int       // if the filter is turned
	rows  []float32 // its input channels [c0, c1) of the group
}

var windowPackings = sync.Pool{New: func() any { return new(windowPacking) }}

// Chunk packs panel i. The matrices of an element lie together, those of all groups.
func (p *windowPacking) Chunk(i int) {
	group := i / p.panels
	if p.turned {
		group = p.group
	}
	buf, s := window.GetScratch(0), tileWorks.Get()
	p.panel(group, i%p.panels*p.width, buf, s)
	buf.Release()
	s.release()
}

// panel packs the panel of a group from its output channel oc on.
func (p *windowPacking) panel(group, oc int, buf *window.Scratch, s *tileWork) {
	width, rows := p.width, min(p.width, p.ocg-oc)
	taps := p.g.Taps()
	w := p.rows
	if !p.turned {
		w = p.w.of(buf, group*p.ocg+oc, rows)
	}
	view := p.window * p.step * width
	var u []float32
	if !p.fresh {
		u = p.u[group*p.size+oc*p.icg:]
		s.u = mem.Grow(s.u, len(p.views)*view)
	}
	for c := p.c0; c < p.c1; c += p.step {
		n, at := min(p.step, p.c1-c), 0
		var windows []float32
		if p.fresh {
			windows, at = p.u[p.window*(oc-p.from)*p.inC:][:len(p.views)*view], p.window*c*width
		} else {
			windows = s.u[:len(p.views)*view]
		}
		if (rows < width || p.gaps) && at == 0 {
			clear(windows)
		}
		a := panel.Args{Dst: windows[at:], Order: p.order, Rows: rows, Count: n, DstStep: p.window * width}
		switch {
		case p.turned:
			a.Src, a.RowStep, a.SrcStep = w[taps*((c-p.c0)*p.ocg+oc):], taps, taps*p.ocg
		case p.places != nil:
			a.Src, a.RowStep, a.SrcStep = w[taps*c:], taps*p.channels, taps
		default:
			a.Src, a.RowStep, a.Order, a.Count = w[taps*c:], taps*p.channels, p.order.First(taps*n), 1
		}
		panel.Write(&a)
		for v := 0; v < len(p.views) && !p.fresh; v++ {
			p.transform(&s.fil, windows[v*view:][:p.window*n*width], u[(v*p.channels+c)*width:], width, p.g.Groups*p.size)
		}
	}
}

// windowOrder keeps the order of windows from one packing to the next.
type windowOrder struct {
	lock  sync.Mutex
	width int
	order panel.Order
}

// of returns the order of the kernel elements of n input channels that follow each other, or of those of one.
func (o *windowOrder) of(t *tiled, n, width int) panel.Order {
	o.lock.Lock()
	defer o.lock.Unlock()
	if o.width == width {
		return o.order
	}
	o.width = width
	switch {
	case t.places != nil:
		at := make([]int32, len(t.places))
		for k, p := range t.places {
			if at[k] = -1; p >= 0 {
				at[k] = int32((p/t.window*n*t.window + p%t.window) * width)
			}
		}
		o.order = panel.NewOrder(at)
	case t.turned:
		o.order = panel.NewOrder(reversed(t.window, width))
	default:
		o.order = panel.Interleaved(t.window*n, 1, width)
	}
	return o.order
}

// reversed lists the places of n elements, width apart, in reverse order.
func reversed(n, width int) []int32 {
	list := make([]int32, n)
	for i := range list {
		list[i] = int32((n - 1 - i) * width)
	}
	return list
}

// transform computes all elements of windows of width output channels. The matrices of the elements begin plane elements apart
// in u.
func (t *tiled) transform(a *winograd.FilterArgs, windows, u []float32, width, plane int) {
	groups := t.size.Groups()
	for group, first := range groups[:len(groups)-1] {
		*a = winograd.FilterArgs{W: windows, Width: width, C: len(windows) / (t.window * width), U: u[first*plane:], Plane: plane, Group: group}
		t.kernels.Filter(t.size, a)
	}
}

// tiledFilter is a packed filter in panels of width output channels.
type tiledFilter struct {
	*tiled
	data          []float32
	width, panels int
	size          int           // elements of a panel of one matrix
	packing       windowPacking // if it is packed late
}

func (t *tiled) newFilter(p *packed) tiledFilter {
	if p.late.each > 0 {
		return t.newLateFilter(p.late)
	}
	f := tiledFilter{tiled: t}
	f.data, f.width = p.matrices.Panels()
	f.panels = (t.g.OutC + f.width - 1) / f.width
	f.size = t.inC * f.width
	return f
}

// windows returns panel i of the windows, which w packs if that is still to be done.
func (f *tiledFilter) windows(w *tileWork, i int) []float32 {
	if f.packing.tiled != nil {
		return w.packPanel(f, i)
	}
	return f.data[f.window*i*f.size:][:f.window*f.size]
}

// part computes a group of elements of a panel of windows, for the input channels [c0, c1). The matrices of the
// elements begin plane elements apart in u.
func (f *tiledFilter) part(a *winograd.FilterArgs, windows []float32, group, c0, c1 int, u []float32, plane int) {
	*a = winograd.FilterArgs{W: windows[f.window*c0*f.width : f.window*c1*f.width], Width: f.width, C: c1 - c0, U: u, Plane: plane, Group: group}
	f.kernels.Filter(f.tiled.size, a)
}

// next returns the windows that will come from memory after those of panel i before input channel c have been transformed
// to a group of elements: the first group meets them first.
func (f *tiledFilter) next(i, group, c int) []float32 {
	panel := f.window * f.size
	switch {
	case f.data == nil:
	case group == 0 && c < f.inC:
		return f.data[i*panel:][f.window*c*f.width : f.window*min(c+freshChannels, f.inC)*f.width]
	case i+1 < f.panels && c <= freshChannels:
		half := f.window * min(freshChannels, f.inC) * f.width / 2
		return f.data[(i+1)*panel:][half*min(group, 1):][:half]
	}
	return nil
}
