package nhwc

import (
	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/panel"
	"github.com/onnxrun/onnxrun/internal/kernel/winograd"
	"github.com/onnxrun/onnxrun/internal/mem"
)

// format tells the forms of the filter apart: the matrices of a size of tile, or the windows.
func (t *tiled) format() string {
	switch {
	case t.fresh:
		return "windows"
	case t.m == 4:
		return "4x4"
	}
	return "2x2"
}

// windowElems is about how many elements of windows are transformed at a time: part of the second-level cache.
const windowElems = 32 << 10

// pack packs the windows, and transforms them unless that is done while running.
func (t *tiled) pack(room *mem.Room, w []float32) (any, int) {
	g := &t.g
	if t.fresh {
		p := gemm.NewPackedIn(room, 1, 9*g.InC, g.OutC)
		if !room.Filled() {
			p.Set(0, w, 1, 9*g.InC)
		}
		return p, p.Bytes()
	}
	p := gemm.NewPackedIn(room, t.n*t.n, g.InC, g.OutC)
	if room.Filled() {
		return p, p.Bytes()
	}
	u, width := p.Panels()
	step := min(g.InC, ceilDiv(windowElems, 9*width)) // input channels
	windows := make([]float32, 9*step*width)
	for oc := 0; oc < g.OutC; oc += width {
		rows := min(width, g.OutC-oc)
		if rows < width {
			clear(windows)
		}
		for c := 0; c < g.InC; c += step {
			n := min(step, g.InC-c)
			panel.Write(&panel.Args{Dst: windows, Src: w[9*(oc*g.InC+c):], Order: panel.Interleaved(9*n, 1, width), Rows: rows, RowStep: 9 * g.InC, Count: 1})
			t.transform(windows[:9*n*width], u[oc*g.InC+c*width:], width, len(u)/(t.n*t.n))
		}
	}
	return p, p.Bytes()
}

// transform computes all elements of windows of width output channels. The matrices of the elements begin plane elements apart
// in u.
func (t *tiled) transform(windows, u []float32, width, plane int) {
	groups, elements := winograd.Groups(t.m)
	for group := range groups {
		a := winograd.FilterArgs{W: windows, Width: width, C: len(windows) / (9 * width), U: u[group*elements*plane:], Plane: plane, Group: group}
		t.kernels.Filter(t.m, &a)
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
