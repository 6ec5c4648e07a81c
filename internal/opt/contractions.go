package opt

import (
	"slices"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// contractions writes each Einsum of float32 as products of matrices, sums and transpositions: other passes know these, pack their weights,
// find attention in them and give them epilogues. Inputs are joined from left to right.
func contractions(g *graph.Graph) error {
	return rewrite(g, func(r *rewriter) error {
		for _, n := range r.g.Nodes {
			if is(n, "Einsum") && !r.gone(n) {
				if c := contractionOf(r, n); c != nil {
					c.write()
				}
			}
		}
		return nil
	})
}

// contraction is an Einsum to be written.
type contraction struct {
	*rewriter
	n     *graph.Node
	in    []labelled
	out   []int
	sizes map[int]ops.Dim
	lost  bool // a shape that a Reshape needs is not known
}

// labelled is a value with a label for each axis.
type labelled struct {
	v      *graph.Value
	labels []int
}

// contractionOf reads n. It returns nil if a label occurs twice in one term or has several sizes.
func contractionOf(r *rewriter, n *graph.Node) *contraction {
	ranks := make([]int, len(n.In))
	for i, v := range n.In {
		if v.Kind != tensor.KindTensor || v.DType != tensor.Float32 || !v.Ranked {
			return nil
		}
		ranks[i] = v.Rank()
	}
	in, out, err := ops.EinsumLabels(n.Attrs.Str("equation"), ranks)
	if err != nil || len(in) < 2 {
		return nil
	}
	c := &contraction{rewriter: r, n: n, out: out, sizes: map[int]ops.Dim{}}
	for i, labels := range in {
		for j, l := range labels {
			d := n.In[i].Dims[j]
			if old, seen := c.sizes[l]; seen && !old.Equal(d) || slices.Contains(labels[:j], l) {
				return nil
			}
			c.sizes[l] = d
		}
		c.in = append(c.in, labelled{n.In[i], labels})
	}
	return c
}

func (c *contraction) write() {
	x := c.in[0]
	for i := 1; i < len(c.in); i++ {
		x = c.join(x, c.in[i], i)
	}
	c.ordered(x, c.out)
	made := c.before[c.n]
	if c.lost {
		c.before[c.n] = nil
		return
	}
	last := made[len(made)-1] // makes the result itself
	c.before[c.n] = made[:len(made)-1]
	c.replace(last, c.n)
}

// needed reports whether a label is in the result or in an input behind number i.
func (c *contraction) needed(l, i int) bool {
	return slices.Contains(c.out, l) || slices.ContainsFunc(c.in[i+1:], func(x labelled) bool { return slices.Contains(x.labels, l) })
}

// rank is where a label comes in the result; those of later inputs only come first.
func (c *contraction) rank(l int) int { return slices.Index(c.out, l) }

func (c *contraction) inOrderOfResult(labels []int) []int {
	slices.SortStableFunc(labels, func(a, b int) int { return c.rank(a) - c.rank(b) })
	return labels
}

// join multiplies a by b, input number i, and sums over what nobody needs any more.
func (c *contraction) join(a, b labelled, i int) labelled {
	a, b = c.sumAlone(a, b, i), c.sumAlone(b, a, i)
	var batch, inner, rows, cols []int
	for _, l := range a.labels {
		switch shared := slices.Contains(b.labels, l); {
		case shared && c.needed(l, i):
			batch = append(batch, l)
		case shared:
			inner = append(inner, l)
		default:
			rows = append(rows, l)
		}
	}
	for _, l := range b.labels {
		if !slices.Contains(a.labels, l) {
			cols = append(cols, l)
		}
	}
	c.inOrderOfResult(batch)
	c.inOrderOfResult(rows)
	c.inOrderOfResult(cols)
	switch {
	case len(inner) == 0:
		return c.spread(a, b, c.inOrderOfResult(slices.Concat(batch, rows, cols)))
	case len(rows) > 0 && (len(cols) == 0 || c.rank(rows[len(rows)-1]) > c.rank(cols[len(cols)-1])):
		a, b, rows, cols = b, a, cols, rows
	}
	return c.product(a, b, batch, inner, rows, cols)
}

// sumAlone sums a over the labels that only it has and nobody needs.
func (c *contraction) sumAlone(a, b labelled, i int) labelled {
	var axes []int64
	var left []int
	for j, l := range a.labels {
		if c.needed(l, i) || slices.Contains(b.labels, l) {
			left = append(left, l)
		} else {
			axes = append(axes, int64(j))
		}
	}
	if len(axes) == 0 {
		return a
	}
	n := newNode("", "ReduceSum", 13, ops.Attrs{onnx.NewInt("keepdims", 0), onnx.NewInt("noop_with_empty_axes", 0)}, a.v, ints(c.n.Path()+"/axes", axes...))
	return c.add(n, left)
}

// spread multiplies element by element: nothing is summed.
func (c *contraction) spread(a, b labelled, result []int) labelled {
	var in []*graph.Value
	for _, x := range []labelled{a, b} {
		x = c.ordered(x, result)
		var axes []int64
		for i, l := range result {
			if !slices.Contains(x.labels, l) && len(x.labels) > 0 {
				axes = append(axes, int64(i))
			}
		}
		if len(axes) > 0 {
			x.v = c.reshaped(x.v, "Unsqueeze", axes, c.dimsOf(result, x.labels))
		}
		in = append(in, x.v)
	}
	return c.add(newNode("", "Mul", 14, nil, in...), result)
}

// dimsOf returns the sizes of labels, 1 for those that are not among present.
func (c *contraction) dimsOf(labels, present []int) []ops.Dim {
	dims := make([]ops.Dim, len(labels))
	for i, l := range labels {
		if dims[i] = sym.Const(1); slices.Contains(present, l) {
			dims[i] = c.sizes[l]
		}
	}
	return dims
}

// product is a batch of products of matrices [rows, inner] and [inner, cols]. Labels that lie in front of inner in b, and in the result in front of
// rows, stay there: then a is multiplied by several matrices, and nothing has to be transposed; likewise those of a.
func (c *contraction) product(a, b labelled, batch, inner, rows, cols []int) labelled {
	inner = slices.Clone(inner)
	slices.SortFunc(inner, func(k, l int) int { return slices.Index(b.labels, k) - slices.Index(b.labels, l) })
	frontB, cols := c.front(b, inner, cols, rows)
	frontA, rows := c.front(a, inner, rows, cols)
	lead := len(batch) + len(frontA) + len(frontB)
	left := c.arranged(a, slices.Concat(alone(batch, frontA, frontB), [][]int{rows, inner}))
	right := c.arranged(b, slices.Concat(alone(batch, frontA, frontB), [][]int{inner, cols}))
	labels := slices.Concat(batch, frontA, frontB, rows, cols)
	dims := append(c.dimsOf(labels[:lead], labels), c.merged(rows), c.merged(cols))
	y := c.insert(c.n, newNode("", "MatMul", 13, nil, left, right), ops.TensorType(tensor.Float32, dims...))
	if len(rows) != 1 || len(cols) != 1 {
		y = c.reshape(y, c.dimsOf(labels, labels))
	}
	return labelled{y, labels}
}

// alone makes a group of each label.
func alone(lists ...[]int) (groups [][]int) {
	for _, l := range slices.Concat(lists...) {
		groups = append(groups, []int{l})
	}
	return groups
}

// front splits the labels that only x has into those that are like a batch, and the others, of which there is one at least.
func (c *contraction) front(x labelled, inner, own, others []int) (front, rest []int) {
	at := func(l int) int { return slices.Index(x.labels, l) }
	first, last := len(x.labels), 0
	for _, l := range inner {
		first, last = min(first, at(l)), max(last, at(l))
	}
	behind := slices.ContainsFunc(own, func(l int) bool { return at(l) > last })
	for _, l := range own {
		before := !slices.ContainsFunc(others, func(o int) bool { return c.rank(o) < c.rank(l) })
		if behind && at(l) < first && before && c.rank(l) >= 0 {
			front = append(front, l)
		} else {
			rest = append(rest, l)
		}
	}
	return front, rest
}

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
	missing := 0
	for i, g := range groups {
		if len(g) > 0 && slices.Contains(order, g[0]) {
			full = append(full, c.merged(g))
			continue
		}
		axes, full = append(axes, int64(i)), append(full, sym.Const(1))
		missing++
	}
	v := x.v
	if moved {
		v = c.insert(c.n, newNode("", "Transpose", 13, ops.Attrs{onnx.NewInts("perm", perm...)}, v), ops.TensorType(tensor.Float32, dims...))
	}
	if missing > 0 {
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
