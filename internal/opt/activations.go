package opt

import (
	"math"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// activations finds activations that are written as several nodes: Swish (x*sigmoid(x)), HardSwish, and Gelu
// in its exact form and with tanh.
func activations(g *graph.Graph) error {
	return rewrite(g, func(r *rewriter) error {
		for _, n := range r.g.Nodes {
			if r.gone(n) || len(n.In) == 0 || n.In[0] == nil || n.In[0].DType != tensor.Float32 {
				continue
			}
			switch {
			case is(n, "Sigmoid"):
				r.gate(n, "Swish", 24, ops.Attrs{onnx.NewFloat("alpha", 1)})
			case is(n, "HardSigmoid") && hardSwishGate(n):
				r.gate(n, "HardSwish", 14, nil)
			case is(n, "Erf"):
				if x, d := r.timesConst(n.In[0], math.Sqrt2/2); x != nil {
					r.gelu(n, x, "none", d)
				}
			case is(n, "Tanh"):
				if x, inner := r.tanhArgument(n.In[0]); x != nil {
					r.gelu(n, x, "tanh", inner...)
				}
			}
		}
		return nil
	})
}

func hardSwishGate(n *graph.Node) bool {
	return math.Abs(float64(n.Attrs.Float("alpha"))-1.0/6) < 1e-6 && n.Attrs.Float("beta") == 0.5
}

// gate replaces x*n(x) by the operator op of x.
func (r *rewriter) gate(n *graph.Node, op string, version int, attrs ops.Attrs) {
	x := n.In[0]
	m := r.only(n.Out[0])
	if !is(m, "Mul") || other(m, n.Out[0]) != x {
		return
	}
	r.replace(newNode("", op, version, attrs, x), m, n)
}

// gelu replaces x*0.5*(1+f(x)) by Gelu, where f is the node n and inner are the nodes that make its argument.
func (r *rewriter) gelu(n *graph.Node, x *graph.Value, approximate string, inner ...*graph.Node) {
	sum := r.only(n.Out[0])
	if !is(sum, "Add") || !near(other(sum, n.Out[0]), 1) {
		return
	}
	first := r.only(sum.Out[0])
	if !is(first, "Mul") {
		return
	}
	drop := append(inner, n, sum)
	last := first
	p := other(first, sum.Out[0])
	switch half, h := r.timesConst(p, 0.5); {
	case half == x && r.only(p) == first:
		drop = append(drop, h)
	case p == x || near(p, 0.5):
		if last = r.only(first.Out[0]); !is(last, "Mul") {
			return
		}
		q := other(last, first.Out[0])
		if p == x && !near(q, 0.5) || p != x && q != x {
			return
		}
		drop = append(drop, first)
	default:
		return
	}
	for _, d := range inner {
		if r.only(d.Out[0]) == nil {
			return
		}
	}
	if !sameType(last.Out[0], x) {
		return
	}
	r.replace(newNode("", "Gelu", 20, ops.Attrs{onnx.NewString("approximate", approximate)}, x), last, drop...)
}

// tanhArgument splits sqrt(2/pi)*(x + 0.044715*x^3) and returns x and the nodes of the expression.
func (r *rewriter) tanhArgument(v *graph.Value) (*graph.Value, []*graph.Node) {
	s, scale := r.timesConst(v, math.Sqrt(2/math.Pi))
	sum := r.by(s, "Add")
	if sum == nil {
		return nil, nil
	}
	for i := range 2 {
		cube, c := r.timesConst(sum.In[i], 0.044715)
		x := sum.In[1-i]
		if cube == nil {
			continue
		}
		if p := r.by(cube, "Pow"); p != nil && p.In[0] == x && near(p.In[1], 3) {
			return x, []*graph.Node{scale, sum, c, p}
		}
		if m := r.by(cube, "Mul"); m != nil {
			sq := other(m, x)
			if q := r.by(sq, "Mul"); q != nil && q.In[0] == x && q.In[1] == x {
				return x, []*graph.Node{scale, sum, c, m, q}
			}
		}
	}
	return nil, nil
}
