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
