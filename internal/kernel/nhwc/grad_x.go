package nhwc

import (
	"github.com/onnxrun/onnxrun/internal/kernel/conv"
	"github.com/onnxrun/onnxrun/internal/kernel/panel"
)

// NewGradXPlan chooses the algorithm for the gradient of the convolution g with respect to its input: X of its runs is the
// gradient of the output, Y that of the input, and the filter is that of the convolution. Where windows move by one
// position it is a convolution with the filter turned around, and a transposed one otherwise.
func NewGradXPlan(g conv.Geom) *Plan {
	if turned, ok := turnedGeom(g); ok {
		for _, c := range choices {
			if a, ok := c.make(squeezed(turned)).(turner); ok && a.turn() {
				return bind(turned, c.name+" turned", a)
			}
		}
	}
	return NewTransposedPlan(g.Flipped())
}

// turner is an algorithm that can take the filter of the convolution of which its own computes the gradient: channels change
// places, and kernel elements are in reverse order. The others have no advantage over transposed convolutions.
type turner interface {
	algorithm
	// turn makes it do so; it reports false if it cannot.
	turn() bool
}

func (t *tiled) turn() bool {
	t.turned = true
	return true
}

func (p *pointwise) turn() bool {
	p.turned = true
	return true
}

func (d *depthwiseConv) turn() bool {
	d.turned, d.order = true, panel.NewOrder(reversed(d.taps, d.k.Lanes))
	return d.multiplier == 1
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
