package pool

import "github.com/onnxrun/onnxrun/internal/kernel/window"

// noted is pixels for the largest elements, n outputs from element at on, with their places.
func (t *lastTask) noted(s *window.Scratch, plane []float32, at, starts, n, step int) {
	a := &s.Place
	*a = window.PlaceArgs{Src: plane, Dst: t.Y[at:], Places: t.places[at:], Off: s.Off[starts:], Numbers: s.Numbers[starts:], Rows: n, SrcStep: step, DstStep: t.YStep}
	wholeVectors(t.k, t.Channels, a, t.k.MaxPlaces)
}

// wholeVectors applies a kernel to rows of some channels: those that fill no vector end in one that overlaps the vector before.
func wholeVectors(k *window.Kernels, channels int, a *window.PlaceArgs, apply func(*window.PlaceArgs)) {
	if a.Cols = channels; k.Lanes > channels { // the plain loops take any number
		apply(a)
		return
	}
	tail := channels % k.Lanes
	a.Cols -= tail
	apply(a)
	if tail > 0 {
		skip := channels - k.Lanes
		a.Src, a.Dst, a.Places, a.Cols = a.Src[skip:], a.Dst[skip:], a.Places[skip:], k.Lanes
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
