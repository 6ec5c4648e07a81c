package opt

import (
	"slices"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// merged returns the product of the sizes of labels.
func (c *contraction) merged(labels []int) ops.Dim {
	d := sym.Const(1)
	for _, l := range labels {
		d = d.Mul(c.sizes[l])
	}
	return d
}

// arranged makes one axis of each group of labels; groups of which x has none get an axis of length 1. Axes that lie side by side
// are merged before anything is transposed, so that a product can read its operand as it lies.
func (c *contraction) arranged(x labelled, groups [][]int) *graph.Value {
	var present [][]int
	for _, g := range groups {
		if len(g) > 0 && slices.Contains(x.labels, g[0]) {
			present = append(present, g)
		}
	}
	if !slices.ContainsFunc(present, func(g []int) bool { return !together(x.labels, g) }) {
		own := slices.Clone(present)
		slices.SortFunc(own, func(g, h []int) int { return slices.Index(x.labels, g[0]) - slices.Index(x.labels, h[0]) })
		x = c.merge(x, own)
	} else {
		x = c.merge(c.ordered(x, slices.Concat(present...)), present)
	}
	var order []int
	for _, g := range present {
		order = append(order, g[0])
	}
	perm, moved := make([]int64, len(order)), false
	for i, l := range order {
		perm[i] = int64(slices.Index(x.labels, l))
		moved = moved || perm[i] != int64(i)
	}
	dims := make([]ops.Dim, 0, len(groups))
	for _, g := range present {
		dims = append(dims, c.merged(g))
	}
	// Axes of length 1 come before the transposition: then that is one of the last two axes, if no others move.
	var axes []int64
	var full []ops.Dim
	for i, g := range groups {
		if len(g) > 0 && slices.Contains(order, g[0]) {
			full = append(full, c.merged(g))
			continue
		}
		axes, full = append(axes, int64(i)), append(full, sym.Const(1))
	}
	v := x.v
	if moved {
		v = c.insert(c.n, newNode("", "Transpose", 13, ops.Attrs{onnx.NewInts("perm", perm...)}, v), ops.TensorType(tensor.Float32, dims...))
	}
	if len(axes) > 0 {
		v = c.reshaped(v, "Unsqueeze", axes, full)
	}
	return v
}

// together reports whether the labels of g follow each other in labels.
func together(labels, g []int) bool {
	at := slices.Index(labels, g[0])
	return at+len(g) <= len(labels) && slices.Equal(labels[at:at+len(g)], g)
}

// merge makes one axis of each group, in whose order x lies; it has the label of the first.
func (c *contraction) merge(x labelled, groups [][]int) labelled {
	if len(groups) == len(x.labels) {
		return x
	}
	y := labelled{}
	var dims []ops.Dim
	for _, g := range groups {
		y.labels, dims = append(y.labels, g[0]), append(dims, c.merged(g))
	}
	y.v = c.reshape(x.v, dims)
	return y
}

// ordered transposes x to the order of labels, some of which it may lack.
func (c *contraction) ordered(x labelled, labels []int) labelled {
	var perm []int64
	var order []int
	moved := false
	for _, l := range labels {
		if at := slices.Index(x.labels, l); at >= 0 {
			moved = moved || at != len(perm)
			perm, order = append(perm, int64(at)), append(order, l)
		}
	}
	if !moved {
		return x
	}
	return c.add(newNode("", "Transpose", 13, ops.Attrs{onnx.NewInts("perm", perm...)}, x.v), order)
}

// add adds a node whose result has the given labels.
func (c *contraction) add(n *graph.Node, labels []int) labelled {
	return labelled{c.insert(c.n, n, ops.TensorType(tensor.Float32, c.dimsOf(labels, labels)...)), labels}
}

// reshape gives v the given sizes: those that are unknown are those of v, but for one.
func (c *contraction) reshape(v *graph.Value, dims []ops.Dim) *graph.Value {
	shape, open := make([]int64, len(dims)), false
	for i, d := range dims {
		n, ok := d.Const()
		switch shape[i] = n; {
		case ok && n > 0:
		case !ok && i < v.Rank() && d.Equal(v.Dims[i]):
			shape[i] = 0
		case !ok && !open:
			shape[i], open = -1, true
		default:
			c.lost = true
		}
	}
	return c.reshaped(v, "Reshape", shape, dims)
}

// reshaped adds a node that changes the shape of v as the numbers say.
func (c *contraction) reshaped(v *graph.Value, op string, numbers []int64, dims []ops.Dim) *graph.Value {
	version, attrs := 13, ops.Attrs(nil)
	if op == "Reshape" {
		version, attrs = 14, ops.Attrs{onnx.NewInt("allowzero", 0)}
	}
	return c.insert(c.n, newNode("", op, version, attrs, v, ints(c.n.Path()+"/"+op, numbers...)), ops.TensorType(tensor.Float32, dims...))
}
