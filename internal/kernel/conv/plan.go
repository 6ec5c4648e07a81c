package conv

import (
	"math"

	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
)

// algorithm says how a float32 convolution is computed.
type algorithm uint8

const (
	reference       algorithm = iota // plain loops
	pointwise                        // matrix product with the planes as they lie
	dense                            // matrix product with columns packed from frames
	depthwise                        // tap kernels
	depthwise5                       // tap kernels, those for five rows of taps
	depthwise7                       // tap kernels, those for seven rows of taps
	depthwisePlanes                  // kernels of planes
)

var algorithmNames = [...]string{"reference", "pointwise", "dense", "depthwise", "depthwise 5 rows", "depthwise 7 rows", "depthwise planes"}

// Plan is a float32 convolution of one geometry, ready to run. It is immutable and may be shared.
type Plan struct {
	g      Geom
	alg    algorithm
	taps   int
	in     int          // elements of an input plane
	out    int          // elements of an output plane
	frame  window.Frame // depthwise
	planes *planes      // depthwise by planes
	off    []int        // depthwise: of each tap
	cols   *columns     // dense
	items  []gemm.Item  // dense, pointwise: one product for each image and group
}

// Args are the operands of one run. Residual has the shape of Y and is added before the activation, or after it with
// AddLast; it may be Y itself. Bias and Residual may be nil.
type Args struct {
	X, W, Bias, Residual, Y []float32
	AddLast                 bool
	Act                     gemm.Activation
	Threads                 int
}

// NewPlan chooses the algorithm for g.
func NewPlan(g Geom) *Plan {
	p := &Plan{g: g, taps: g.Taps(), in: g.InSize(), out: g.OutSize()}
	p.alg = choose(&g)
	switch p.alg {
	case pointwise, dense:
		p.items = productItems(&g)
		if p.alg == dense {
			p.cols = denseColumns(&g)
		}
	case depthwise, depthwise5, depthwise7:
		p.layoutDepthwise()
	case depthwisePlanes:
		_, h, w := g.axes()
		p.planes = newPlanes(h, w)
	}
	return p
}

// Algorithm names the way the plan computes.
func (p *Plan) Algorithm() string { return algorithmNames[p.alg] }

// Geom returns the plan's geometry.
func (p *Plan) Geom() Geom { return p.g }

func choose(g *Geom) algorithm {
	d, h, w := window.One, window.One, window.One
	if g.Rank <= 3 {
		d, h, w = g.axes()
	}
	same := func(a window.Axis) bool { return a.Kernel == 1 && a.Stride == 1 && a.Lo == 0 && a.Hi == 0 }
	switch {
	case g.Rank > 3 || !d.Framed() || !h.Framed() || !w.Framed():
		return reference
	case planewise(g, d, h, w):
		return depthwisePlanes
	case g.Depthwise() && d == window.One && adjacent(h, 5):
		return depthwise5
	case g.Depthwise() && d == window.One && adjacent(h, 7):
		return depthwise7
	case g.Depthwise() && g.OutC/g.Groups <= 8:
		return depthwise
	case same(d) && same(h) && same(w):
		return pointwise
	}
	return dense
}

// adjacent tells whether windows along an axis are k adjacent elements at stride 1, and at least four.
func adjacent(a window.Axis, k int) bool {
	return a.Kernel == k && a.Dilation == 1 && a.Stride == 1 && a.Out >= 4
}

func productItems(g *Geom) []gemm.Item {
	in, out, taps := g.InSize(), g.OutSize(), g.Taps()
	icg, ocg := g.InC/g.Groups, g.OutC/g.Groups
	var items []gemm.Item
	for n := range g.Batch {
		for i := range g.Groups {
			c := (n*g.OutC + i*ocg) * out
			items = append(items, gemm.Item{A: i * ocg * icg * taps, B: (n*g.InC + i*icg) * in, C: c, Residual: c, RowBias: i * ocg})
		}
	}
	return items
}

// Run computes y = act(conv(x, w) + bias + residual). It allocates nothing in steady state. Slices shorter than the
// geometry asks for panic.
func (p *Plan) Run(a *Args) {
	if p.g.Batch == 0 || p.out == 0 {
		return
	}
	switch p.alg {
	case reference:
		Reference(&p.g, a.X, a.W, a.Bias, a.Y)
		finish(a, a.Y, a.Residual)
	case depthwise, depthwise5, depthwise7:
		p.runDepthwise(a)
	case depthwisePlanes:
		p.runPlanes(a)
	default:
		p.runProduct(a)
	}
}

// finish applies residual and activation to a part y of the output; residual is the part of the same place, or nil.
func finish(a *Args, y, residual []float32) {
	if residual != nil && !a.AddLast {
		add(y, residual)
	}
	a.Act.Apply(y)
	if residual != nil && a.AddLast {
		add(y, residual)
	}
}

func add(y, x []float32) {
	x = x[:len(y)]
	for i := range y {
		y[i] += x[i]
	}
}

// bounds returns the limits of an activation that only clamps.
func bounds(act gemm.Activation) (lo, hi float32, ok bool) {
	inf := float32(math.Inf(1))
	switch act.Kind {
	case gemm.None:
		return -inf, inf, true
	case gemm.Relu:
		return 0, inf, true
	case gemm.Clip:
		return act.Alpha, act.Beta, true
	}
	return -inf, inf, false
}
