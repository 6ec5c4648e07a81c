package nhwc

import (
	"github.com/onnxrun/onnxrun/internal/kernel/conv"
	"github.com/onnxrun/onnxrun/internal/kernel/vec"
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
	transpose(x, a.X, g.Batch, in, g.InC)
	conv.Reference(g, x, a.Filter.packed.data, a.Bias, y)
	if a.Residual != nil && !a.AddLast {
		addTransposed(y, a.Residual, g.Batch, out, g.OutC)
	}
	a.Act.Apply(y)
	if a.Residual == nil || !a.AddLast {
		transpose(a.Y, y, g.Batch, g.OutC, out)
		return
	}
	addTransposed(y, a.Residual, g.Batch, out, g.OutC)
	transpose(a.Y, y, g.Batch, g.OutC, out)
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

// addTransposed adds x [batch, rows, cols] to y [batch, cols, rows].
func addTransposed(y, x []float32, batch, rows, cols int) {
	for b := range batch {
		for i := range rows {
			for j := range cols {
				y[(b*cols+j)*rows+i] += x[(b*rows+i)*cols+j]
			}
		}
	}
}

// finish applies residual and activation to a part y of the output; residual is the part of the same place, or nil.
func (a *Args) finish(y, residual []float32) {
	if residual != nil && !a.AddLast {
		vec.Add(y, y, residual)
	}
	a.Act.Apply(y)
	if residual != nil && a.AddLast {
		vec.Add(y, y, residual)
	}
}
