package opt

import (
	"math"
	"slices"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// epilogues merges what follows a convolution, a matrix product or a normalisation by the statistics of the batch into it: a constant
// bias, a residual of the same shape, an activation; into a product a factor, too.
func epilogues(g *graph.Graph) error {
	return rewrite(g, func(r *rewriter) error {
		for _, n := range r.g.Nodes {
			if r.gone(n) || len(n.In) < 2 || n.In[0] == nil || n.In[0].DType != tensor.Float32 {
				continue
			}
			if e := begin(n); e != nil && e.extend(r) {
				r.replace(e.node(), e.nodes[len(e.nodes)-1], e.nodes[:len(e.nodes)-1]...)
			}
		}
		return nil
	})
}

// An epilogue is a chain of nodes that becomes one.
type epilogue struct {
	nodes          []*graph.Node
	product        bool    // a matrix product rather than a convolution
	alpha          float32 // what the product is multiplied by
	norm           bool    // a normalisation: inputs are its own, but for the residual
	bias, residual *graph.Value
	last           bool // the residual comes after the activation
	activation     string
	params         []float32
	scaled         *graph.Node // a factor for each channel, and what is added then, after the activation
}

// begin returns the chain that n alone is, nil if n cannot head one.
func begin(n *graph.Node) *epilogue {
	e := &epilogue{nodes: []*graph.Node{n}, alpha: 1}
	if len(n.In) > 2 {
		e.bias = n.In[2]
	}
	switch {
	case is(n, "Conv"), moved(n):
		return e
	case n.Domain == "onnxrun" && n.Type == "NhwcBatchNorm" && n.Attrs.Str("activation") == "" && len(n.In) < 6:
		e.norm = true
		return e
	case is(n, "MatMul"):
		e.product = true
		if n.In[0].Rank() < 2 || n.In[1].Rank() < 2 {
			return nil
		}
		return e
	case n.Domain == "onnxrun" && n.Type == "FusedMatMul" && n.Attrs.Str("activation") == "" && len(n.In) == 2:
		e.product, e.alpha = true, n.Attrs.Float("alpha")
		return e
	case is(n, "Gemm"):
		e.product = true
		last := n.Out[0].Dims
		if n.Attrs.Float("alpha") != 1 || n.Attrs.Float("beta") != 1 || len(last) != 2 || e.bias != nil && !rowBias(e.bias, last[1]) {
			return nil
		}
		return e
	}
	return nil
}

// moved reports whether n is a convolution for channels last without an epilogue so far.
func moved(n *graph.Node) bool {
	return n.Domain == "onnxrun" && (n.Type == "NhwcConv" || n.Type == "NhwcConvTranspose") && n.Attrs.Str("activation") == "" && len(n.In) < 4
}

func (e *epilogue) out() *graph.Value { return e.nodes[len(e.nodes)-1].Out[0] }

// extend takes in as many following nodes as possible and reports whether there were any.
func (e *epilogue) extend(r *rewriter) bool {
	for e.activation == "" {
		n := r.only(e.out())
		if n == nil || len(n.Out) != 1 || !e.take(r, n) {
			break
		}
		e.nodes = append(e.nodes, n)
	}
	e.scale(r)
	e.addLast(r)
	return len(e.nodes) > 1
}

// addLast takes in a residual after the activation, which convolutions for channels last can add there.
func (e *epilogue) addLast(r *rewriter) {
	n := r.only(e.out())
	if e.activation == "" || e.residual != nil || e.nodes[0].Type != "NhwcConv" || !is(n, "Add") {
		return
	}
	v := other(n, e.out())
	if v != nil && v != e.out() && !v.IsConst() && sameType(v, e.out()) && sameType(n.Out[0], v) {
		e.residual, e.last, e.nodes = v, true, append(e.nodes, n)
	}
}

func (e *epilogue) take(r *rewriter, n *graph.Node) bool {
	if is(n, "Add") {
		v := other(n, e.out())
		switch {
		case v == nil || v == e.out() || !sameType(n.Out[0], e.out()):
			return false
		case e.product && e.bias == nil && e.residual == nil && rowBias(v, e.out().Dims[len(e.out().Dims)-1]):
			e.bias = v
			return true
		case e.residual == nil && !v.IsConst() && sameType(v, e.out()) && e.nodes[0].Type != "NhwcConvTranspose":
			e.residual = v
			return true
		}
		return false
	}
	if f, ok := e.factor(n); ok {
		e.alpha *= f
		return true
	}
	name, params := activation(n)
	if name == "" || n.In[0] != e.out() || e.norm && name != "Relu" && name != "Clip" {
		return false
	}
	if name == "Sigmoid" && r.gates(n) {
		name = "Gate"
	}
	e.activation, e.params = name, params
	return true
}

// gates reports whether the one thing that becomes of what n makes is a product with a larger value, as of the channels of a map.
func (r *rewriter) gates(n *graph.Node) bool {
	m := r.only(n.Out[0])
	return is(m, "Mul") && m.Out[0].Ranked && n.Out[0].Ranked && !sameShape(m.Out[0], n.Out[0])
}

// factor returns the constant by which n multiplies a product to which nothing has been added yet. It is none where all factors together
// are zero or infinite: with elements that are infinite or zero that would make other values than one factor after the other.
func (e *epilogue) factor(n *graph.Node) (float32, bool) {
	v, ok := scalar(other(n, e.out()))
	if !ok || !e.product || e.bias != nil || e.residual != nil || !sameType(n.Out[0], e.out()) {
		return 0, false
	}
	if is(n, "Div") && n.In[0] == e.out() {
		v = 1 / v
	} else if !is(n, "Mul") {
		return 0, false
	}
	all := math.Abs(float64(e.alpha * float32(v)))
	return float32(v), all > 0 && all <= math.MaxFloat32
}

// rowBias reports whether v is a constant with one element for each column and nothing else.
func rowBias(v *graph.Value, columns ops.Dim) bool {
	n, ok := columns.Const()
	if !ok || v == nil || v.Const == nil || v.DType != tensor.Float32 || int64(v.Const.Len()) != n {
		return false
	}
	shape := v.Const.Shape()
	return len(shape) > 0 && int64(shape[len(shape)-1]) == n
}

// activation returns the name and parameters under which a fused node can apply n, "" if it cannot.
func activation(n *graph.Node) (string, []float32) {
	if n.Domain != "" {
		return "", nil
	}
	switch n.Type {
	case "Relu", "Sigmoid", "Tanh", "HardSwish":
		return n.Type, nil
	case "LeakyRelu":
		return n.Type, []float32{n.Attrs.Float("alpha")}
	case "HardSigmoid":
		return n.Type, []float32{n.Attrs.Float("alpha"), n.Attrs.Float("beta")}
	case "Swish":
		if n.Attrs.Float("alpha") == 1 {
			return "Silu", nil
		}
	case "Gelu":
		if n.Attrs.Str("approximate") == "tanh" {
			return "GeluTanh", nil
		}
		return "Gelu", nil
	case "Clip":
		lo, okLo := bound(n, "min", 1, -math.MaxFloat32)
		hi, okHi := bound(n, "max", 2, math.MaxFloat32)
		if okLo && okHi && lo <= hi {
			return "Clip", []float32{lo, hi}
		}
	}
	return "", nil
}

// bound returns a limit of Clip, which is an attribute or, in later versions, an input.
func bound(n *graph.Node, attr string, input int, def float32) (float32, bool) {
	if n.Attrs.HasAttr(attr) {
		return n.Attrs.Float(attr), true
	}
	if input >= len(n.In) || n.In[input] == nil {
		return def, true
	}
	v, ok := scalar(n.In[input])
	return float32(v), ok
}

// node returns the fused node.
func (e *epilogue) node() *graph.Node {
	head := e.nodes[0]
	attrs := ops.Attrs{onnx.NewString("activation", e.activation), floats(e.params)}
	if !e.product {
		return e.convolution(head, attrs)
	}
	for _, name := range []string{"transA", "transB"} {
		attrs = append(attrs, onnx.NewInt(name, int64(head.Attrs.Int(name))))
	}
	attrs = append(attrs, onnx.NewFloat("alpha", e.alpha))
	bias := e.bias
	if bias != nil && bias.Rank() > 1 {
		t, _ := bias.Const.Reshaped(bias.Const.Len())
		bias = &graph.Value{Name: bias.Name, Value: ops.ConstValue(t)}
	}
	n := newNode("onnxrun", "FusedMatMul", 1, attrs, head.In[0], head.In[1], bias, e.residual)
	n.Name = head.Name
	return n
}

func (e *epilogue) convolution(head *graph.Node, attrs ops.Attrs) *graph.Node {
	op, in := "FusedConv", []*graph.Value{head.In[0], head.In[1], e.bias}
	if moved(head) || e.norm {
		op = head.Type
	}
	if e.norm {
		in = slices.Clone(head.In)
	}
	if e.residual != nil {
		in = append(in, e.residual)
	}
	for _, a := range head.Attrs {
		if a.Name != "activation" && a.Name != "activation_params" {
			attrs = append(attrs, a)
		}
	}
	if e.scaled != nil {
		in[2] = e.scaledBias()
		attrs = append(attrs, onnx.NewInt("scaled", 1))
	}
	if e.last {
		attrs = append(attrs, onnx.NewInt("add_last", 1))
	}
	n := newNode("onnxrun", op, 1, attrs, in...)
	n.Name = head.Name
	return n
}
