package opt

import (
	"slices"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// phases lets a convolution read a picture itself where it reads its phases: every step-th row and column, from each of the first
// ones on, sliced out and joined as channels. Windows and strides become as many times larger, and each element of the filter goes to
// the pixel that it saw.
func phases(g *graph.Graph) error {
	return rewrite(g, func(r *rewriter) error {
		for _, n := range r.g.Nodes {
			if r.gone(n) || !is(n, "Conv") {
				continue
			}
			join := r.by(n.In[0], "Concat")
			if join == nil || !plainConv(n) {
				continue
			}
			x, order := phasesOf(join)
			if x == nil {
				continue
			}
			if c := convOfPhases(n, x, order); c != nil {
				r.replace(c, n)
			}
		}
		return nil
	})
}

// plainConv reports whether n is a convolution over two axes with all its attributes and a constant filter, without groups or dilation.
func plainConv(n *graph.Node) bool {
	pad := n.Attrs.Str("auto_pad")
	if n.Attrs.IntOr("group", 1) != 1 || pad != "NOTSET" && pad != "" || slices.ContainsFunc(n.Attrs.IntList("dilations"), func(d int64) bool { return d != 1 }) {
		return false
	}
	return n.In[1].Const != nil && n.In[1].DType == tensor.Float32 && n.In[1].Rank() == 4
}

// A phase is every step-th row and column of a value of rank 4, from the first ones on.
type phase struct {
	of               *graph.Value
	row, col         int
	rowStep, colStep int
	sliced           bool
}

// phasesOf returns the picture of which the inputs of a Concat are all phases, and the phases in order; nil if they are not.
func phasesOf(join *graph.Node) (x *graph.Value, order []phase) {
	if join.Attrs.Int("axis") != 1 || join.In[0] == nil {
		return nil, nil
	}
	for _, v := range join.In {
		p := phaseOf(v)
		if !p.sliced || len(order) > 0 && (p.of != x || p.rowStep != order[0].rowStep) || slices.Contains(order, p) {
			return nil, nil
		}
		x, order = p.of, append(order, p)
	}
	step := order[0].rowStep
	shape, ok := x.Static()
	if !ok || step < 2 || len(order) != step*step || shape[2]%step != 0 || shape[3]%step != 0 {
		return nil, nil
	}
	for _, p := range order {
		if p.colStep != step || p.row >= step || p.col >= step {
			return nil, nil
		}
	}
	return x, order
}

// phaseOf follows slices of rows and columns back.
func phaseOf(v *graph.Value) phase {
	p := phase{of: v, rowStep: 1, colStep: 1}
	for v != nil && v.From != nil && is(v.From, "Slice") {
		first, step, ok := slicedFrom(v.From)
		if !ok {
			break
		}
		p.row, p.col = first[2]+step[2]*p.row, first[3]+step[3]*p.col
		p.rowStep, p.colStep = step[2]*p.rowStep, step[3]*p.colStep
		v = v.From.In[0]
		p.of, p.sliced = v, true
	}
	return p
}

// slicedFrom returns where a Slice of all rows and columns, or every step-th, of a value of rank 4 begins along each axis.
func slicedFrom(n *graph.Node) (first, step [4]int, ok bool) {
	step = [4]int{1, 1, 1, 1}
	shape, known := n.In[0].Static()
	if !known || len(shape) != 4 || len(n.In) < 4 || n.In[3] == nil {
		return first, step, false
	}
	starts, okS := n.In[1].Ints()
	ends, okE := n.In[2].Ints()
	axes, okA := n.In[3].Ints()
	if !okS || !okE || !okA || len(axes) != len(starts) || len(ends) != len(starts) {
		return first, step, false
	}
	steps := slices.Repeat([]int64{1}, len(axes))
	if len(n.In) > 4 && n.In[4] != nil {
		if steps, ok = n.In[4].Ints(); !ok || len(steps) != len(axes) {
			return first, step, false
		}
	}
	for i, a := range axes {
		if a < 0 {
			a += 4
		}
		if a < 2 || a > 3 || starts[i] < 0 || steps[i] < 1 || steps[i] > int64(shape[a]) || starts[i] >= steps[i] || ends[i] < int64(shape[a]) {
			return first, step, false
		}
		first[a], step[a] = int(starts[i]), int(steps[i])
	}
	return first, step, true
}

// convOfPhases returns the convolution of x that gives what n makes of its phases, nil if shapes do not fit.
func convOfPhases(n *graph.Node, x *graph.Value, order []phase) *graph.Node {
	shape, _ := x.Static()
	step, channels, w := order[0].rowStep, shape[1], n.In[1].Const.Shape()
	if w[1] != channels*len(order) {
		return nil
	}
	rows, cols := step*w[2], step*w[3]
	filter := graph.DeriveSum(n.In[1].Name+"/phases", []*graph.Value{n.In[1]}, tensor.Shape{w[0], channels, rows, cols}, func(dst, src []float32, _ int) {
		for i := range w[0] * len(order) * channels * w[2] * w[3] {
			kx, ky, c := i%w[3], i/w[3]%w[2], i/w[3]/w[2] // c counts the channels of all outputs
			p := order[c%w[1]/channels]
			to := c/w[1]*channels + c%channels
			dst[(to*rows+step*ky+p.row)*cols+step*kx+p.col] = src[i]
		}
	})
	larger := func(name string, missing int64, count int) *onnx.Attribute {
		list := slices.Clone(n.Attrs.IntList(name))
		if len(list) != count {
			list = slices.Repeat([]int64{missing}, count)
		}
		for i := range list {
			list[i] *= int64(step)
		}
		return onnx.NewInts(name, list...)
	}
	c := *n
	c.In = append([]*graph.Value{x, filter}, n.In[2:]...)
	c.Attrs = with(with(with(n.Attrs, larger("pads", 0, 4)), larger("strides", 1, 2)), onnx.NewInts("kernel_shape", int64(rows), int64(cols)))
	return &c
}
