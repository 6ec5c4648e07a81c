package finetune

import (
	"slices"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/tensor"
)

// sampleShares are what the samples contribute to the gradient by an input of a node.
type sampleShares struct {
	square func() *graph.Value // the squared norms: [samples]
	full   func() *graph.Value // the gradients, flat: [samples, size]; nil: they would take too much memory
}

// maxFull bounds the elements of the gradients of all samples by one input.
const maxFull = 1 << 26

// shares emits what the samples contribute to the gradients by the parameters that a node reads.
func (u *use) shares(b *lossBuilder, samples int) error {
	rule := shareRules[ruleName(u.node)]
	if rule == nil {
		return noShare(u.node)
	}
	w := &shareWriter{lossBuilder: b, use: u, samples: int64(samples)}
	for _, in := range u.inputs {
		s := rule(w, in.index)
		if b.err != nil {
			return b.err
		}
		if s.square == nil && s.full == nil {
			return noShare(u.node)
		}
		if shape, ok := u.node.In[in.index].Static(); !ok || shape.Len() > maxFull/samples {
			s.full = nil
		}
		if s.square == nil {
			full := s.full
			if full == nil {
				return noShare(u.node)
			}
			s.square = func() *graph.Value { return b.sumSquare(full()) }
		}
		u.share[in.index] = s
	}
	return nil
}

// A shareWriter emits nodes for one use.
type shareWriter struct {
	*lossBuilder
	use     *use
	samples int64
}

// A shareRule returns the contributions to the gradient by input i of a node; none if it knows no way.
type shareRule func(w *shareWriter, i int) sampleShares

// shareRules are the rules of the operators that have one.
var shareRules = map[string]shareRule{
	"MatMul": productShares, "Gemm": gemmShares, "Add": sumShares, "Sub": sumShares, "Sum": sumShares, "Mul": factorShares, "Div": quotientShares,
	"PRelu": slopeShares, "Gather": tableShares, "Conv": filterShares, "LayerNormalization": normShares(false), "RMSNormalization": normShares(false),
	"SimplifiedLayerNormalization": normShares(false), "BatchNormalization": normShares(true), "InstanceNormalization": normShares(true),
	"GroupNormalization": normShares(true),
}

func (b *lossBuilder) reshape(v *graph.Value, dims ...int64) *graph.Value {
	return b.op("Reshape", v, b.ints(dims...))
}

// sumSquare sums the squares of each row of a matrix.
func (b *lossBuilder) sumSquare(v *graph.Value) *graph.Value {
	return b.with("ReduceSumSquare", map[string]any{"keepdims": 0}, v, b.ints(1))
}

// bySteps gives v the axes samples, steps and features, the last axis.
func (w *shareWriter) bySteps(v *graph.Value) (out *graph.Value, steps, features int64) {
	shape, ok := v.Static()
	if !ok || len(shape) < 2 || shape.Len() == 0 {
		return nil, 0, 0
	}
	features = int64(shape[len(shape)-1])
	steps = int64(shape.Len()) / features / w.samples
	return w.reshape(w.wide(v), w.samples, steps, features), steps, features
}

// outer are the shares of a matrix whose gradient is, for each sample, the sum over steps of the outer products of x and g.
func (w *shareWriter) outer(x, g *graph.Value) sampleShares {
	x, steps, rows := w.bySteps(x)
	g, _, columns := w.bySteps(g)
	if x == nil || g == nil {
		return sampleShares{}
	}
	flip := map[string]any{"perm": []int64{0, 2, 1}}
	full := func() *graph.Value {
		return w.reshape(w.op("MatMul", w.with("Transpose", flip, x), g), w.samples, -1)
	}
	square := func() *graph.Value { // of the products of all pairs of steps
		gram := func(v *graph.Value) *graph.Value { return w.op("MatMul", v, w.with("Transpose", flip, v)) }
		return w.total(w.mul(gram(x), gram(g)), true)
	}
	switch {
	case steps == 1:
		length := func(v *graph.Value) *graph.Value { return w.sumSquare(w.reshape(v, w.samples, -1)) }
		square = func() *graph.Value { return w.mul(length(x), length(g)) }
	case 2*steps*steps > rows*columns: // the gradients are the smaller ones
		square = nil
	}
	return sampleShares{square, full}
}

// productShares: y = x w, or w x of matrices.
func productShares(w *shareWriter, i int) sampleShares {
	n := w.use.node
	x, m := n.In[1-i], n.In[i]
	switch {
	case m.Rank() != 2 || x.Rank() < 2:
		return sampleShares{}
	case i == 1:
		return w.outer(x, w.use.dy)
	case x.Rank() != 3:
		return sampleShares{}
	}
	flip := map[string]any{"perm": []int64{0, 2, 1}}
	return w.outer(w.with("Transpose", flip, w.use.dy), w.with("Transpose", flip, x))
}

// gemmShares: y = alpha x w + beta c.
func gemmShares(w *shareWriter, i int) sampleShares {
	n := w.use.node
	if i == 2 {
		return w.reduced(w.scale(w.wide(w.use.dy), float64(n.Attrs.Float("beta"))), n.In[2])
	}
	if i != 1 || n.Attrs.Bool("transA") {
		return sampleShares{}
	}
	g := w.scale(w.wide(w.use.dy), float64(n.Attrs.Float("alpha")))
	if n.Attrs.Bool("transB") {
		return w.outer(g, n.In[0])
	}
	return w.outer(n.In[0], g)
}

// reduced are the shares of a parameter that is broadcast to the shape of p, whose gradient is p summed over its repetitions.
func (w *shareWriter) reduced(p, param *graph.Value) sampleShares {
	shape, ok := param.Static()
	if !ok {
		return sampleShares{}
	}
	return w.reducedTo(p, shape)
}

func (w *shareWriter) reducedTo(p *graph.Value, shape tensor.Shape) sampleShares {
	if w.err != nil {
		return sampleShares{}
	}
	whole, ok := p.Static()
	if !ok || len(whole) == 0 || len(shape) > len(whole) || len(shape) == len(whole) && shape[0] != 1 {
		return sampleShares{}
	}
	dims, axes := []int64{w.samples, int64(whole[0]) / w.samples}, []int64{1}
	for axis := 1; axis < len(whole); axis++ {
		dims = append(dims, int64(whole[axis]))
		if at := axis - len(whole) + len(shape); at < 0 || shape[at] == 1 {
			axes = append(axes, int64(axis+1))
		}
	}
	return sampleShares{full: func() *graph.Value {
		v := w.wide(p)
		if slices.ContainsFunc(axes, func(i int64) bool { return dims[i] != 1 }) {
			v = w.with("ReduceSum", map[string]any{"keepdims": 0}, w.reshape(v, dims...), w.ints(axes...))
		}
		return w.reshape(v, w.samples, -1)
	}}
}

func sumShares(w *shareWriter, i int) sampleShares {
	n, g := w.use.node, w.use.dy
	if n.Type == "Sub" && i == 1 {
		g = w.op("Neg", g)
	}
	return w.reduced(g, n.In[i])
}

func factorShares(w *shareWriter, i int) sampleShares {
	n := w.use.node
	return w.reduced(w.mul(w.use.dy, n.In[1-i]), n.In[i])
}

// quotientShares: y = a/b has the derivatives 1/b and -y/b.
func quotientShares(w *shareWriter, i int) sampleShares {
	n := w.use.node
	p := w.op("Div", w.use.dy, n.In[1])
	if i == 1 {
		p = w.op("Neg", w.mul(p, n.Out[0]))
	}
	return w.reduced(p, n.In[i])
}

// slopeShares: y = slope x where x is below 0.
func slopeShares(w *shareWriter, i int) sampleShares {
	x := w.use.node.In[0]
	if i != 1 {
		return sampleShares{}
	}
	return w.reduced(w.op("Where", w.op("Less", x, w.num(x, 0)), w.mul(w.use.dy, x), w.num(x, 0)), w.use.node.In[1])
}

// tableShares: rows of a table by the samples' ids, whose products count for pairs of equal ids.
func tableShares(w *shareWriter, i int) sampleShares {
	n := w.use.node
	table, ok := n.In[0].Static()
	if i != 0 || !ok || n.Attrs.Int("axis") != 0 || len(table) == 0 || table.Len() == 0 {
		return sampleShares{}
	}
	rows := int64(table[0])
	ids := w.reshape(w.to(n.In[1], tensor.Int64), w.samples, -1)
	ids = w.op("Where", w.op("Less", ids, w.ints(0)), w.add(ids, w.ints(rows)), ids)
	g := w.reshape(w.wide(w.use.dy), w.samples, -1, int64(table.Len())/rows)
	square := func() *graph.Value {
		same := w.to(w.op("Equal", w.op("Unsqueeze", ids, w.ints(2)), w.op("Unsqueeze", ids, w.ints(1))), g.DType)
		gram := w.op("MatMul", g, w.with("Transpose", map[string]any{"perm": []int64{0, 2, 1}}, g))
		return w.total(w.mul(gram, same), true)
	}
	full := func() *graph.Value { // a table of all samples, one after the other
		offset := make([]int64, w.samples)
		for k := range offset {
			offset[k] = int64(k) * rows
		}
		at := w.reshape(w.add(ids, w.reshape(w.ints(offset...), w.samples, 1)), -1)
		flat := w.reshape(g, -1, int64(table.Len())/rows)
		sum := w.own("GatherGrad", map[string]any{"axis": 0}, flat, at, w.ints(w.samples*rows, int64(table.Len())/rows))
		return w.reshape(sum, w.samples, -1)
	}
	return sampleShares{square, full}
}

// filterShares: a convolution of all samples as groups of one image has the filters of the samples, as in Rochette, Manoel and
// Tramel, "Efficient Per-Example Gradient Computations in Convolutional Neural Networks", 2019 (arXiv:1912.06015).
func filterShares(w *shareWriter, i int) sampleShares {
	n := w.use.node
	x, okX := n.In[0].Static()
	y, okY := n.Out[0].Static()
	filter, okW := n.In[1].Static()
	if !okX || !okY || !okW || int64(x[0]) != w.samples {
		return sampleShares{}
	}
	g := w.wide(w.use.dy)
	if i == 2 {
		return sampleShares{full: func() *graph.Value {
			return w.with("ReduceSum", map[string]any{"keepdims": 0}, w.reshape(g, w.samples, int64(y[1]), -1), w.ints(2))
		}}
	}
	if i != 1 {
		return sampleShares{}
	}
	return sampleShares{full: func() *graph.Value {
		one := func(v *graph.Value, shape tensor.Shape) (*graph.Value, []int64) {
			dims := int64s(shape)
			dims[0], dims[1] = 1, w.samples*dims[1]
			return w.reshape(v, dims...), dims
		}
		image, dims := one(w.wide(n.In[0]), x)
		gradient, _ := one(g, y)
		filters := int64s(filter)
		filters[0] *= w.samples
		attrs := map[string]any{"group": w.samples * int64(max(1, n.Attrs.IntOr("group", 1)))}
		if auto := n.Attrs.Str("auto_pad"); auto != "" {
			attrs["auto_pad"] = auto
		}
		for _, name := range []string{"kernel_shape", "strides", "dilations", "pads"} {
			if n.Attrs.HasAttr(name) {
				attrs[name] = n.Attrs.IntList(name)
			}
		}
		return w.reshape(w.own("ConvGradW", attrs, gradient, image, w.ints(dims...), w.ints(filters...)), w.samples, -1)
	}}
}

// own emits a node of the onnxrun domain.
func (w *shareWriter) own(name string, attrs map[string]any, in ...*graph.Value) *graph.Value {
	if w.err != nil {
		return nil
	}
	out, err := w.e.Node(1, "onnxrun", name, attrs, in...)
	if w.err = err; err != nil {
		return nil
	}
	return out[0]
}

// normShares: a normalised value times a scale plus a shift, which are broadcast to the last axes or belong to the channels of
// axis 1. The normalised value is computed once more, with a scale of 1.
func normShares(channels bool) shareRule {
	return func(w *shareWriter, i int) sampleShares {
		n := w.use.node
		y, okY := n.Out[0].Static()
		shape, okW := n.In[i].Static()
		if !okY || !okW || len(y) < 2 || i < 1 || i > 2 {
			return sampleShares{}
		}
		if channels {
			if shape.Len() != y[1] {
				return sampleShares{} // one for each group
			}
			shape = make(tensor.Shape, len(y)-1)
			for k := range shape {
				shape[k] = 1
			}
			shape[0] = y[1]
		}
		if i == 2 {
			return w.reducedTo(w.use.dy, shape)
		}
		return w.reducedTo(w.mul(w.use.dy, w.normalised()), shape)
	}
}

// normalised emits the node once more, with a scale of 1 and a shift of 0.
func (w *shareWriter) normalised() *graph.Value {
	n := w.use.node
	in := append([]*graph.Value{}, n.In...)
	for i := 1; i <= 2 && i < len(in); i++ {
		if in[i] == nil {
			continue
		}
		v, err := w.e.Filled(in[i], float64(2-i))
		if w.err = err; err != nil {
			return nil
		}
		in[i] = v
	}
	op, attrs := n.Type, map[string]any{"epsilon": n.Attrs.Float("epsilon")}
	switch op {
	case "GroupNormalization":
		attrs["num_groups"] = n.Attrs.Int("num_groups")
	case "SimplifiedLayerNormalization":
		op, attrs["axis"] = "RMSNormalization", n.Attrs.Int("axis")
	case "LayerNormalization", "RMSNormalization":
		attrs["axis"] = n.Attrs.Int("axis")
	}
	return w.with(op, attrs, in...)
}
