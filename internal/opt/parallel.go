package opt

import (
	"slices"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/tensor"
)

// parallels computes a sum whose terms are convolutions of one value, the value itself, both scaled and normalised for each
// channel, and constants, as one convolution: its filter is the sum of theirs, laid over each other. RepVGG (arXiv:2101.03697),
// MobileOne and their kin are trained in this form.
func parallels(g *graph.Graph) error {
	return rewrite(g, func(r *rewriter) error {
		for _, n := range slices.Backward(r.g.Nodes) {
			if isSum(n) && !r.gone(n) {
				r.mergeSum(n)
			}
		}
		return nil
	})
}

func isSum(n *graph.Node) bool { return is(n, "Add") || is(n, "Sub") || is(n, "Sum") }

// maxSummed bounds the nodes of a sum: no network has so many branches.
const maxSummed = 64

// linear is a value as a sum of terms that read x, and of constants for each channel.
type linear struct {
	r         *rewriter
	out, x    *graph.Value
	channels  int
	terms     []linearTerm
	constants []linearConst
	nodes     []*graph.Node // that compute it, without the convolutions; the first is the last to run
}

// linearTerm is a convolution of x, or x itself, times a factor for each channel.
type linearTerm struct {
	conv  *graph.Node // nil: x
	scale []float64   // nil: ones
	taps  []int       // where the elements of its kernel lie in that of the sum
}

// linearConst is what of returns for a channel, times its factor.
type linearConst struct {
	of    func(i int) float64
	scale []float64 // nil: ones
}

// mergeSum puts a convolution in the place of n if it is a sum of convolutions of one value.
func (r *rewriter) mergeSum(n *graph.Node) {
	out := n.Out[0]
	if out == nil || out.DType != tensor.Float32 || !out.Ranked || out.Rank() < 3 {
		return
	}
	channels, ok := out.Dims[1].Const()
	if !ok || channels < 1 {
		return
	}
	l := &linear{r: r, out: out, channels: int(channels)}
	if !l.sum(n, nil) || len(l.terms) < 2 {
		return
	}
	if main := l.largest(); main != nil && l.place(main) {
		r.replace(l.merged(main), n, l.replaced()...)
	}
}

// add adds scale times v to the sum; false if that is no sum of the kind.
func (l *linear) add(v *graph.Value, scale []float64) bool {
	n := v.From
	switch {
	case !sameType(v, l.out) || len(l.nodes) > maxSummed:
		return false
	case n == nil || len(n.Out) != 1 || l.r.only(v) == nil || !l.r.live(n):
		return l.term(v, nil, scale)
	case isSum(n):
		return l.sum(n, scale)
	case is(n, "Mul"):
		for i, w := range n.In {
			if f := channelConst(w, v.Rank(), 1, l.channels); f != nil {
				l.nodes = append(l.nodes, n)
				return l.add(n.In[1-i], l.times(scale, f))
			}
		}
	case is(n, "BatchNormalization") && !n.Attrs.Bool("training_mode"):
		if factor, shift := normFactors(n); len(factor) == l.channels {
			l.nodes = append(l.nodes, n)
			l.constant(scale, func(i int) float64 { return shift[i] })
			return l.add(n.In[0], l.times(scale, func(i int) float64 { return factor[i] }))
		}
	case is(n, "Conv") && l.conv(n, scale):
		return l.term(n.In[0], n, scale)
	}
	return l.term(v, nil, scale)
}

// sum adds scale times the result of an Add, Sub or Sum.
func (l *linear) sum(n *graph.Node, scale []float64) bool {
	l.nodes = append(l.nodes, n)
	for i, v := range n.In {
		if i == 1 && n.Type == "Sub" {
			scale = l.times(scale, func(int) float64 { return -1 })
		}
		if c := channelConst(v, l.out.Rank(), 1, l.channels); c != nil {
			l.constant(scale, c)
		} else if v == nil || v.IsConst() || !l.add(v, scale) {
			return false
		}
	}
	return true
}

// conv adds what the bias of a convolution adds to the sum; false if it may not be part of another.
func (l *linear) conv(n *graph.Node, scale []float64) bool {
	if pad := n.Attrs.Str("auto_pad"); pad != "" && pad != "NOTSET" {
		return false
	}
	if w := n.In[1].Const; w == nil || w.DType() != tensor.Float32 || len(w.Shape()) != l.out.Rank() {
		return false
	}
	if len(n.In) < 3 || n.In[2] == nil {
		return true
	}
	bias := constFloats(n.In[2])
	if len(bias) != l.channels {
		return false
	}
	l.constant(scale, func(i int) float64 { return float64(bias[i]) })
	return true
}

func (l *linear) constant(scale []float64, c func(i int) float64) {
	l.constants = append(l.constants, linearConst{c, scale})
}

// shift returns the sum of the constants for each channel.
func (l *linear) shift() []float64 {
	out := make([]float64, l.channels)
	for _, c := range l.constants {
		for i := range out {
			out[i] += scaleAt(c.scale, i) * c.of(i)
		}
	}
	return out
}

// scaleAt returns element i of a scale.
func scaleAt(scale []float64, i int) float64 {
	if scale == nil {
		return 1
	}
	return scale[i]
}

func (l *linear) term(x *graph.Value, conv *graph.Node, scale []float64) bool {
	if l.x == nil {
		l.x = x
	}
	l.terms = append(l.terms, linearTerm{conv: conv, scale: scale})
	return l.x == x
}

func (l *linear) times(scale []float64, f func(i int) float64) []float64 {
	out := make([]float64, l.channels)
	for i := range out {
		out[i] = scaleAt(scale, i) * f(i)
	}
	return out
}
