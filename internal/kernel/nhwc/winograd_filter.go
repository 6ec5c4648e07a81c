package nhwc

import (
	"fmt"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/panel"
	"github.com/onnxrun/onnxrun/internal/kernel/winograd"
	"github.com/onnxrun/onnxrun/internal/mem"
	"github.com/onnxrun/onnxrun/internal/par"
)

// format tells the forms of the filter apart: the matrices of a size of tile, or the windows.
func (t *tiled) format() string {
	name := "2x2"
	switch {
	case t.fresh:
		name = "windows"
	case t.m == 4:
		name = "4x4"
	}
	if t.turned {
		name += " turned"
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
		return gemm.PackedLen(1, 9*t.g.InC, t.g.OutC)
	}
	return gemm.PackedLen(t.n*t.n*t.g.Groups, t.icg, t.ocg)
}

// pack packs the windows, and transforms them unless that is done while running.
func (t *tiled) pack(f *packed, w []float32, room *mem.Room) {
	g := &t.g
	count, k := t.n*t.n*g.Groups, t.icg
	if t.fresh {
		count, k = 1, 9*g.InC
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
	p.step = min(t.icg, ceilDiv(windowElems, 9*p.width))
	p.order = t.order.of(t.turned, p.step, p.width)
	par.Run(f.threads, g.Groups*p.panels, p)
	*p = windowPacking{}
	windowPackings.Put(p)
}

// windowPacking packs windows; its chunks are panels of output channels, group by group.
type windowPacking struct {
	*tiled
	w, u          []float32
	width, panels int // of a panel, and how many a group has
	size          int // elements of a matrix
	step          int // input channels at a time
	order         panel.Order
}

var windowPackings = sync.Pool{New: func() any { return new(windowPacking) }}

// Chunk packs panel i. The matrices of an element lie together, those of all groups.
func (p *windowPacking) Chunk(i int) {
	group, oc := i/p.panels, i%p.panels*p.width
	g, width, rows := &p.g, p.width, min(p.width, p.ocg-oc)
	w, u := p.w[9*(group*p.ocg)*p.icg:], p.u[group*p.size+oc*p.icg:]
	s := tileWorks.Get().(*tileWork)
	s.u = mem.Grow(s.u, 9*p.step*width)
	for c := 0; c < p.icg; c += p.step {
		n := min(p.step, p.icg-c)
		windows := s.u[:9*n*width]
		if p.fresh {
			windows = p.u[9*(oc*g.InC+c*width):][:9*n*width]
		}
		if rows < width {
			clear(windows)
		}
		if p.turned {
			panel.Write(&panel.Args{Dst: windows, Src: w[9*(c*p.ocg+oc):], Order: p.order, Rows: rows, RowStep: 9, Count: n, DstStep: 9 * width, SrcStep: 9 * p.ocg})
		} else {
			panel.Write(&panel.Args{Dst: windows, Src: w[9*(oc*p.icg+c):], Order: p.order.First(9 * n), Rows: rows, RowStep: 9 * p.icg, Count: 1})
		}
		if !p.fresh {
			p.transform(&s.fil, windows, u[c*width:], width, g.Groups*p.size)
		}
	}
	s.release()
}

// windowOrder keeps the order of windows from one packing to the next.
type windowOrder struct {
	lock  sync.Mutex
	width int
	order panel.Order
}

// of returns the order of the windows of n input channels, or that of one turned window.
func (o *windowOrder) of(turned bool, n, width int) panel.Order {
	o.lock.Lock()
	defer o.lock.Unlock()
	if o.width == width {
		return o.order
	}
	o.width = width
	if o.order = panel.Interleaved(9*n, 1, width); turned {
		o.order = panel.NewOrder(reversed(9, width))
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
	groups, elements := winograd.Groups(t.m)
	for group := range groups {
		*a = winograd.FilterArgs{W: windows, Width: width, C: len(windows) / (9 * width), U: u[group*elements*plane:], Plane: plane, Group: group}
		t.kernels.Filter(t.m, a)
	}
}

// tiledFilter is a packed filter in panels of width output channels.
type tiledFilter struct {
	*tiled
	data          []float32
	width, panels int
	size          int // elements of a panel of one matrix
}

func (t *tiled) newFilter(p *gemm.Packed) tiledFilter {
	f := tiledFilter{tiled: t}
	f.data, f.width = p.Panels()
	f.panels = (t.g.OutC + f.width - 1) / f.width
	f.size = t.g.InC * f.width
	return f
}

// part computes a group of elements of panel i of the windows, for the input channels [c0, c1). The matrices of the
// elements begin plane elements apart in u.
func (f *tiledFilter) part(a *winograd.FilterArgs, i, group, c0, c1 int, u []float32, plane int) {
	*a = winograd.FilterArgs{W: f.data[9*i*f.size:][9*c0*f.width : 9*c1*f.width], Width: f.width, C: c1 - c0, U: u, Plane: plane, Group: group}
	f.kernels.Filter(f.m, a)
}

// next returns the windows that will come from memory after those of panel i before input channel c have been transformed
// to a group of elements: the first group meets them first.
func (f *tiledFilter) next(i, group, c int) []float32 {
	panel := 9 * f.size
	switch {
	case group == 0 && c < f.g.InC:
		return f.data[i*panel:][9*c*f.width : 9*min(c+freshChannels, f.g.InC)*f.width]
	case i+1 < f.panels && c <= freshChannels:
		half := 9 * min(freshChannels, f.g.InC) * f.width / 2
		return f.data[(i+1)*panel:][half*min(group, 1):][:half]
	}
	return nil
}
