package nhwc

import (
	"github.com/onnxrun/onnxrun/internal/kernel/conv"
	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
)

// gradPointwise computes the gradient of a filter of single elements as one product: of the gradients of all pixels, whose columns become
// rows on the way, with the inputs.
type gradPointwise struct{ m, n, k int }

// pointwiseGrad is how many channels both sides have at least: products turn what lies far apart.
const pointwiseGrad = 64

func newGradPointwise(g conv.Geom) filterGrad {
	if g.Rank > 3 || g.Groups > 1 || g.InC < pointwiseGrad || g.OutC < pointwiseGrad || !gemm.TurnsColumns() || !isPointwise(g.Axes[:g.Rank]) {
		return nil
	}
	return &gradPointwise{g.OutC, g.InC, g.Batch * g.OutSize()}
}

func (*gradPointwise) scratch() int { return 0 }

func (p *gradPointwise) run(a *GradWArgs) {
	gemm.Run(&gemm.Args{M: p.m, N: p.n, K: p.k, A: a.Dy, ARS: 1, ACS: p.m, B: a.X, BRS: p.n, BCS: 1, C: a.Dw, LDC: p.n, Threads: a.Threads})
}
