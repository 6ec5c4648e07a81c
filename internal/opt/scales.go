package opt

import (
	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// scales folds constants that multiply or are added to the channels of a convolution's or product's result into its
// weights and bias.
func scales(g *graph.Graph) error {
	return rewrite(g, func(r *rewriter) error {
		for _, n := range r.g.Nodes {
			if r.gone(n) || len(n.In) < 2 || n.In[0] == nil || n.In[0].DType != tensor.Float32 || n.In[1] == nil || n.In[1].Const == nil {
				continue
			}
			switch {
			case is(n, "Conv") && n.Out[0].Rank() > 2:
				r.scaleConv(n, 1)
			case moved(n) && n.Type == "NhwcConv":
				r.scaleConv(n, n.Out[0].Rank()-1)
			case is(n, "MatMul") && n.In[1].Rank() == 2:
				r.scaleProduct(n)
			case is(n, "Gemm"):
				r.scaleGemm(n)
			}
		}
		return nil
	})
}

// affine is what a chain of nodes does to each channel: multiply by scale, then add shift.
type affine struct {
	scale, shift []float64 // see compute
	nodes        []*graph.Node
	constants    []func(i int) float64 // of the nodes
	scaled, adds bool
}

// affineOf follows the nodes after v, whose channels are on the given axis, as long as they scale and shift those.
func (r *rewriter) affineOf(v *graph.Value, axis, channels int) *affine {
	a := &affine{}
	for {
		n := r.only(v)
		c := a.take(n, v, axis, channels)
		if c == nil {
			return a
		}
		a.nodes, a.constants = append(a.nodes, n), append(a.constants, c)
		v = n.Out[0]
	}
}

// take returns the constant by which n scales or shifts the channels of v, nil if it does not.
func (a *affine) take(n *graph.Node, v *graph.Value, axis, channels int) func(i int) float64 {
	mul, add := is(n, "Mul"), is(n, "Add")
	if !mul && !add || !sameType(n.Out[0], v) {
		return nil
	}
	c := channelConst(other(n, v), v.Rank(), axis, channels)
	if c != nil {
		a.scaled, a.adds = a.scaled || mul, a.adds || add
	}
	return c
}

// compute sets scale and shift.
func (a *affine) compute(channels int) {
	a.scale, a.shift = make([]float64, channels), make([]float64, channels)
	for i := range a.scale {
		a.scale[i] = 1
	}
	for k, c := range a.constants {
		mul := is(a.nodes[k], "Mul")
		for i := range a.scale {
			if mul {
				a.scale[i], a.shift[i] = a.scale[i]*c(i), a.shift[i]*c(i)
			} else {
				a.shift[i] += c(i)
			}
		}
	}
}

// channelConst returns the element for each channel of a constant that is broadcast along all other axes, nil if v is
// no such constant.
func channelConst(v *graph.Value, rank, axis, channels int) func(i int) float64 {
	x := constFloats(v)
	if len(x) == 0 || v.Rank() > rank {
		return nil
	}
	if len(x) == 1 {
		return func(int) float64 { return float64(x[0]) }
	}
	at := v.Rank() - rank + axis
	if len(x) != channels || at < 0 || v.Const.Shape()[at] != channels {
		return nil
	}
	return func(i int) float64 { return float64(x[i]) }
}

func (r *rewriter) scaleConv(n *graph.Node, axis int) {
	w := n.In[1].Const
	channels := w.Shape()[0]
	a := r.affineOf(n.Out[0], axis, channels)
	if len(a.nodes) == 0 {
		return
	}
	a.compute(channels)
	c := *n
	c.In = []*graph.Value{n.In[0], n.In[1], a.bias(n)}
	if c.In[2] == nil {
		return
	}
	if a.scaled {
		scale := singles(a.scale)
		c.In[1] = graph.Derive(n.In[1].Name, n.In[1], func(dst, src []float32, first int) {
			scaleRows(dst, src, scale[first:], w.Len()/channels)
		})
	}
	r.collapse(&c, n, a)
}

// bias returns the bias of a convolution after scaling and shifting, nil if its own is not constant.
func (a *affine) bias(n *graph.Node) *graph.Value {
	b := make([]float64, len(a.shift))
	copy(b, a.shift)
	if len(n.In) > 2 && n.In[2] != nil {
		own := constFloats(n.In[2])
		if len(own) != len(b) {
			return nil
		}
		for i, x := range own {
			b[i] += float64(x) * a.scale[i]
		}
	}
	return vector(n.Path()+"/bias", b)
}

// scaleProduct leaves the sum, if there is one, to the epilogue of the product.
func (r *rewriter) scaleProduct(n *graph.Node) {
	w := n.In[1].Const
	columns := w.Shape()[1]
	a := r.affineOf(n.Out[0], n.Out[0].Rank()-1, columns)
	if !a.scaled {
		return
	}
	a.compute(columns)
	scale := singles(a.scale)
	m := *n
	m.In = []*graph.Value{n.In[0], graph.Derive(n.In[1].Name, n.In[1], func(dst, src []float32, _ int) {
		scaleAcross(dst, src, scale)
	})}
	if !a.adds {
		r.collapse(&m, n, a)
		return
	}
	last := a.nodes[len(a.nodes)-1]
	r.replace(&m, n)
	r.replace(newNode("", "Add", 14, nil, n.Out[0], vector(n.Path()+"/bias", a.shift)), last, a.nodes[:len(a.nodes)-1]...)
}

// scaleAcross multiplies rows by a factor for each column.
func scaleAcross(dst, src, scale []float32) {
	for i := 0; i < len(src); i += len(scale) {
		vec.Mul(dst[i:i+len(scale)], src[i:i+len(scale)], scale)
	}
}

// scaleGemm folds factors and sums into the weights and the bias of a Gemm.
func (r *rewriter) scaleGemm(n *graph.Node) {
	w := n.In[1].Const
	across := n.Attrs.Bool("transB")
	columns := w.Shape()[1]
	if across {
		columns = w.Shape()[0]
	}
	a := r.affineOf(n.Out[0], 1, columns)
	if len(a.nodes) == 0 {
		return
	}
	a.compute(columns)
	bias := a.shift
	if len(n.In) > 2 && n.In[2] != nil {
		own, beta := channelConst(n.In[2], 2, 1, columns), float64(n.Attrs.Float("beta"))
		if own == nil {
			return
		}
		for i := range bias {
			bias[i] += beta * own(i) * a.scale[i]
		}
	}
	m := *n
	m.Attrs = with(n.Attrs, onnx.NewFloat("beta", 1))
	m.In = []*graph.Value{n.In[0], n.In[1], vector(n.Path()+"/bias", bias)}
	if a.scaled {
		scale := singles(a.scale)
		m.In[1] = graph.Derive(n.In[1].Name, n.In[1], func(dst, src []float32, first int) {
			if across {
				scaleRows(dst, src, scale[first:], w.Shape()[1])
			} else {
				scaleAcross(dst, src, scale)
			}
		})
	}
	r.collapse(&m, n, a)
}

func singles(x []float64) []float32 {
	y := make([]float32, len(x))
	for i, v := range x {
		y[i] = float32(v)
	}
	return y
}

// collapse puts m in the place of n and the chain after it.
func (r *rewriter) collapse(m, n *graph.Node, a *affine) {
	last := len(a.nodes) - 1
	r.replace(m, a.nodes[last], append([]*graph.Node{n}, a.nodes[:last]...)...)
}
