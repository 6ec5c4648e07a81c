package pool

import "github.com/onnxrun/onnxrun/internal/kernel/window"

// noted is pixels for the largest elements, n outputs from element at on, with their places.
func (t *lastTask) noted(s *window.Scratch, plane []float32, at, starts, n, step int) {
	a := &s.Place
	*a = window.PlaceArgs{Src: plane, Dst: t.Y[at:], Places: t.places[at:], Off: s.Off[starts:], Numbers: s.Numbers[starts:], Rows: n, SrcStep: step, DstStep: t.YStep}
	wholePlaces(t.k, t.Channels, a, t.k.MaxPlaces)
}

// wholePlaces applies a kernel to rows of some channels.
func wholePlaces(k *window.Kernels, channels int, a *window.PlaceArgs, apply func(*window.PlaceArgs)) {
	cols, rest := wholeVectors(k, channels)
	a.Cols = cols
	apply(a)
	if rest > 0 {
		a.Src, a.Dst, a.Places, a.Cols = a.Src[rest:], a.Dst[rest:], a.Places[rest:], k.Lanes
		apply(a)
	}
}

// MaxPlacesLastGrad sets dx [Planes, In..., channels] to the gradient of MaxPlacesLastF32 for dy, that of its result, and places.
func MaxPlacesLastGrad(g *Geom, channels int, dy []float32, places []uint8, dx []float32, threads int) {
	if g.OutSize() == 0 || channels == 0 {
		clear(dx)
		return
	}
	t := sightGrads.Get().(*sightGrad)
	t.places = places
	t.run(g, channels, dy, dx, threads)
}
