package nhwc

import (
	"github.com/onnxrun/onnxrun/internal/kernel/conv"
	"github.com/onnxrun/onnxrun/internal/mem"
)

// NewGradXPlan chooses the algorithm for the gradient of the convolution g with respect to its input: X of its runs is the
// gradient of the output, Y that of the input, and the filter is that of the convolution. Where windows move by one
// position it is a convolution with the filter turned around, and a transposed one otherwise.
func NewGradXPlan(g conv.Geom) *Plan {
	turned, ok := turnedGeom(g)
	if !ok {
		return NewTransposedPlan(g.Flipped())
	}
	p := NewPlan(turned)
	return bind(turned, p.name+" turned", &turnedFilter{p.alg, g})
}

// turnedGeom is the convolution that computes the gradient of the input of g; ok is false if there is none.
func turnedGeom(g conv.Geom) (turned conv.Geom, ok bool) {
	turned = g.Flipped()
	for i, a := range g.Axes[:g.Rank] {
		t := &turned.Axes[i]
		t.Lo = a.Extent() - 1 - a.Lo
		t.Hi = t.Out - 1 + a.Extent() - t.In - t.Lo
		if a.Stride > 1 || t.Lo < 0 {
			return turned, false
		}
	}
	return turned, true
}

// turnedFilter is a convolution with the filter of another one, g, whose channels change places and whose kernel elements
// are in reverse order.
type turnedFilter struct {
	algorithm
	g conv.Geom
}

func (t *turnedFilter) format() string { return t.algorithm.format() + " turned" }

func (t *turnedFilter) pack(room *mem.Room, w []float32) (any, int) {
	turned := make([]float32, len(w))
	if !room.Filled() {
		turn(&t.g, turned, w)
	}
	return t.algorithm.pack(room, turned)
}

// turn sets dst [InC, OutC/Groups, Kernel...] to the filter w [OutC, InC/Groups, Kernel...] with channels exchanged and
// kernel elements in reverse order.
func turn(g *conv.Geom, dst, w []float32) {
	icg, ocg, taps := g.InC/g.Groups, g.OutC/g.Groups, g.Taps()
	for oc := range g.OutC {
		first := oc / ocg * icg
		for i := range icg {
			from := w[(oc*icg+i)*taps:][:taps]
			to := dst[((first+i)*ocg+oc%ocg)*taps:][:taps]
			for k, v := range from {
				to[taps-1-k] = v
			}
		}
	}
}
