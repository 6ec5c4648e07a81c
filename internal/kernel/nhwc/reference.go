package nhwc

import (
	"github.com/onnxrun/onnxrun/internal/kernel/conv"
	"github.com/onnxrun/onnxrun/internal/mem"
)

// reference computes any convolution with plain loops: what every other algorithm is checked against.
type reference struct {
	g conv.Geom
}

func newReference(g conv.Geom) algorithm { return &reference{g: g} }

func (r *reference) format() string { return "as written" }

func (r *reference) filterLen() int { return r.g.OutC * r.g.InC / r.g.Groups * r.g.Taps() }

func (r *reference) pack(f *packed, w []float32, room *mem.Room) {
	if f.data = room.Floats(len(w)); !room.Filled() {
		copy(f.data, w)
	}
}

func (r *reference) scratch() int { return 2 * r.planes() }

// planes is the number of elements of the larger one of X and Y.
func (r *reference) planes() int {
	return r.g.Batch * max(r.g.InC*r.g.InSize(), r.g.OutC*r.g.OutSize())
}

// run transposes both ways around the convolution of tensors whose channels come second.
func (r *reference) run(a *Args) {
	g := &r.g
	in, out := g.InSize(), g.OutSize()
	x, y := a.Scratch[:r.planes()][:g.Batch*g.InC*in], a.Scratch[r.planes():][:g.Batch*g.OutC*out]
	each(g.Batch, g.InC, in, a.XStep, func(pixel, plane int) { x[plane] = a.X[pixel] })
	conv.Reference(g, x, a.Filter.packed.data, a.Bias, y)
	add := func(pixel, plane int) { y[plane] += a.Residual[pixel] }
	if a.Residual != nil && !a.AddLast {
		each(g.Batch, g.OutC, out, a.ResidualStep, add)
	}
	a.Act.Apply(y)
	if a.Scale != nil {
		each(g.Batch, g.OutC, out, g.OutC, func(pixel, plane int) { y[plane] = y[plane]*a.Scale[pixel%g.OutC] + a.Shift[pixel%g.OutC] })
	}
	if a.Residual != nil && a.AddLast {
		each(g.Batch, g.OutC, out, a.ResidualStep, add)
	}
	each(g.Batch, g.OutC, out, a.YStep, func(pixel, plane int) { a.Y[pixel] = y[plane] })
}

// each calls f for every element of images of so many pixels, with where it is among pixels that lie step apart, and among planes.
func each(images, channels, pixels, step int, f func(pixel, plane int)) {
	for i := range images * pixels {
		for c := range channels {
			f(i*step+c, (i/pixels*channels+c)*pixels+i%pixels)
		}
	}
}

// transpose swaps the last two axes of x [batch, rows, cols].
func transpose[T float32 | float64](y, x []T, batch, rows, cols int) {
	for b := range batch {
		for i := range rows {
			for j := range cols {
				y[(b*cols+j)*rows+i] = x[(b*rows+i)*cols+j]
			}
		}
	}
}
