package nhwc

import (
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/conv"
)

// positions computes convolutions over three axes of few channels whose windows have one element along the last axis: for each
// position of that, a direct convolution over the other two, among pixels that are as far apart as the last axis is long. Patches would be made of
// single elements.
type positions struct {
	algorithm
	count, in, out int // positions, and channels of each
}

// fewChannels is how many channels of a group make runs that are too short to copy.
const fewChannels = 8

func newPositions(g conv.Geom) algorithm {
	if g.Rank != 3 || g.InC/g.Groups >= fewChannels {
		return nil
	}
	a := g.Axes[g.Rank-1]
	if a.Kernel != 1 || a.Stride != 1 || a.Lo != 0 || a.Hi != 0 || a.In < 2 {
		return nil
	}
	g.Rank--
	inner := newDirect(g)
	if inner == nil {
		return nil
	}
	return &positions{inner, a.In, g.InC, g.OutC}
}

func (p *positions) format() string { return "positions " + p.algorithm.format() }

func (p *positions) anyStep() {}

func (p *positions) run(a *Args) {
	b := positionArgs.Get().(*Args)
	for i := range p.count {
		*b = *a
		b.XStep, b.YStep, b.ResidualStep = p.count*a.XStep, p.count*a.YStep, p.count*a.ResidualStep
		b.X, b.Y = a.X[i*a.XStep:], a.Y[i*a.YStep:]
		if a.Residual != nil {
			b.Residual = a.Residual[i*a.ResidualStep:]
		}
		p.algorithm.run(b)
	}
	*b = Args{}
	positionArgs.Put(b)
}

var positionArgs = sync.Pool{New: func() any { return new(Args) }}
