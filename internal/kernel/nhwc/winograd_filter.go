package nhwc

import (
	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/winograd"
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

// pack packs the windows, and transforms them unless that is done while running.
func (t *tiled) pack(w []float32) (any, int) {
	g := &t.g
	windows := gemm.Pack(9*g.InC, g.OutC, w, 1, 9*g.InC)
	if t.fresh {
		return windows, windows.Bytes()
	}
	f := t.newFilter(windows)
	p := gemm.NewPacked(t.n*t.n, g.InC, g.OutC)
	data, _ := p.Panels()
	a := winograd.FilterArgs{}
	plane := f.panels * f.size
	groups, elements := winograd.Groups(t.m)
	for i := range f.panels {
		for group := range groups {
			f.transform(&a, i, group, 0, g.InC, data[group*elements*plane+i*f.size:], plane)
		}
	}
	return p, p.Bytes()
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

// transform computes a group of elements of panel i of the windows, for the input channels [c0, c1). The matrices of the
// elements begin plane elements apart in u.
func (f *tiledFilter) transform(a *winograd.FilterArgs, i, group, c0, c1 int, u []float32, plane int) {
	*a = winograd.FilterArgs{W: f.data[9*i*f.size:][9*c0*f.width : 9*c1*f.width], Width: f.width, C: c1 - c0, U: u, Plane: plane, Group: group}
	f.kernels.Filter(f.m, a)
}
