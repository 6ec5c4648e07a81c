package autodiff_test

import (
	"fmt"
	"strings"

	"github.com/onnxrun/onnxrun/tensor"
)

// randomSteps are the ways in which a random graph grows.
var randomSteps = []func(b *randomGraph){
	(*randomGraph).unary, (*randomGraph).binary, (*randomGraph).binary, (*randomGraph).centred, (*randomGraph).transpose, (*randomGraph).reshape,
	(*randomGraph).slice, (*randomGraph).gather, (*randomGraph).concat, (*randomGraph).softmax, (*randomGraph).layerNorm, (*randomGraph).matmul,
	(*randomGraph).matmulWeight, (*randomGraph).reduce, (*randomGraph).pad, (*randomGraph).cumsum, (*randomGraph).expand, (*randomGraph).where,
	(*randomGraph).scatter, (*randomGraph).conv, (*randomGraph).einsum, (*randomGraph).pool, (*randomGraph).split, (*randomGraph).tile,
}

func (b *randomGraph) step() { randomSteps[b.r.IntN(len(randomSteps))](b) }

func (b *randomGraph) unary() {
	v := b.pick(0)
	list := strings.Fields("Tanh Sigmoid Sin Cos Softplus Atan Erf Gelu Mish Neg Asinh Softsign")
	b.keep(b.node(v.shape, list[b.r.IntN(len(list))], nil, v.name))
}

// binary combines two values that broadcast, or the square of one.
func (b *randomGraph) binary() {
	x, y := b.pick(0), b.pick(0)
	shape, ok := broadcast(x.shape, y.shape)
	if !ok {
		y, shape = x, x.shape
	}
	switch op := []string{"Add", "Sub", "Mul", "Div", "Mean", "Pow"}[b.r.IntN(6)]; op {
	case "Div", "Pow": // by, or of, what is positive
		one := b.node(y.shape, "Sigmoid", nil, y.name)
		y = b.node(y.shape, "Exp", nil, one.name)
		if op == "Pow" {
			x, y = y, b.node(x.shape, "Tanh", nil, x.name)
		}
		b.keep(b.node(shape, op, nil, x.name, y.name))
	default:
		b.keep(b.node(shape, op, nil, x.name, y.name))
	}
}

// centred takes a mean away that is broadcast back.
func (b *randomGraph) centred() {
	v := b.pick(1)
	axis := b.axis(v)
	shape := v.shape.Clone()
	shape[axis] = 1
	mean := b.node(shape, "ReduceMean", nil, v.name, b.ints(axis))
	b.keep(b.node(v.shape, "Sub", nil, v.name, mean.name))
}

func (b *randomGraph) transpose() {
	v := b.pick(2)
	shape := make(tensor.Shape, len(v.shape))
	perm := b.r.Perm(len(shape))
	text := ""
	for i, p := range perm {
		shape[i] = v.shape[p]
		text += fmt.Sprintf("%d,", p)
	}
	b.keep(b.node(shape, "Transpose", map[string]string{"perm": text}, v.name))
}

func (b *randomGraph) reshape() {
	v := b.pick(1)
	switch n := v.shape.Len(); {
	case b.r.IntN(2) == 0:
		b.keep(b.node(tensor.Shape{n}, "Reshape", nil, v.name, b.ints(-1)))
	case n%2 == 0:
		b.keep(b.node(tensor.Shape{2, n / 2}, "Reshape", nil, v.name, b.ints(2, n/2)))
	default:
		b.keep(b.node(tensor.Shape{n, 1}, "Reshape", nil, v.name, b.ints(n, 1)))
	}
}

// slice goes forward or backward, by one or two.
func (b *randomGraph) slice() {
	v := b.pick(1)
	axis, step := b.axis(v), 1+b.r.IntN(2)
	n := v.shape[axis]
	shape := v.shape.Clone()
	shape[axis] = (n + step - 1) / step
	if b.r.IntN(2) == 0 {
		b.keep(b.node(shape, "Slice", nil, v.name, b.ints(0), b.ints(n), b.ints(axis), b.ints(step)))
		return
	}
	b.keep(b.node(shape, "Slice", nil, v.name, b.ints(n-1), b.ints(-n-1), b.ints(axis), b.ints(-step)))
}

func (b *randomGraph) gather() {
	v := b.pick(1)
	axis := b.axis(v)
	index := make([]int, 1+b.r.IntN(4))
	for i := range index {
		index[i] = b.r.IntN(2*v.shape[axis]) - v.shape[axis]
	}
	shape := v.shape.Clone()
	shape[axis] = len(index)
	b.keep(b.node(shape, "Gather", map[string]string{"axis": fmt.Sprint(axis)}, v.name, b.ints(index...)))
}

func (b *randomGraph) concat() {
	v := b.pick(1)
	axis := b.axis(v)
	other := b.node(v.shape, "Sin", nil, v.name)
	shape := v.shape.Clone()
	shape[axis] *= 3
	b.keep(b.node(shape, "Concat", map[string]string{"axis": fmt.Sprint(axis)}, v.name, other.name, v.name))
}

func (b *randomGraph) softmax() {
	v := b.pick(1)
	op := []string{"Softmax", "LogSoftmax"}[b.r.IntN(2)]
	b.keep(b.node(v.shape, op, map[string]string{"axis": fmt.Sprint(b.axis(v))}, v.name))
}

func (b *randomGraph) layerNorm() {
	v := b.pick(1)
	axis := b.axis(v)
	scale := b.input(v.shape[axis:])
	if b.r.IntN(2) == 0 {
		b.keep(b.node(v.shape, "RMSNormalization", map[string]string{"axis": fmt.Sprint(axis), "epsilon": "0.1"}, v.name, scale.name))
		return
	}
	bias := b.input(v.shape[axis:])
	b.keep(b.node(v.shape, "LayerNormalization", map[string]string{"axis": fmt.Sprint(axis), "epsilon": "0.1"}, v.name, scale.name, bias.name))
}

// matmul multiplies a value by its transpose.
func (b *randomGraph) matmul() {
	v := b.pick(2)
	n := len(v.shape)
	perm := ""
	for i := range n - 2 {
		perm += fmt.Sprintf("%d,", i)
	}
	other := v.shape.Clone()
	other[n-1], other[n-2] = other[n-2], other[n-1]
	t := b.node(other, "Transpose", map[string]string{"perm": perm + fmt.Sprintf("%d,%d", n-1, n-2)}, v.name)
	shape := v.shape.Clone()
	shape[n-1] = v.shape[n-2]
	b.keep(b.node(shape, "MatMul", nil, v.name, t.name))
}

func (b *randomGraph) matmulWeight() {
	v := b.pick(1)
	n := len(v.shape)
	w := b.input(tensor.Shape{v.shape[n-1], 1 + b.r.IntN(3)})
	shape := v.shape.Clone()
	shape[n-1] = w.shape[1]
	b.keep(b.node(shape, "MatMul", nil, v.name, w.name))
}

func (b *randomGraph) reduce() {
	v := b.pick(1)
	axis, keep := b.axis(v), b.r.IntN(2)
	shape := append(v.shape[:axis:axis], v.shape[axis+1:]...)
	if keep == 1 || len(v.shape) == 1 {
		keep = 1
		shape = v.shape.Clone()
		shape[axis] = 1
	}
	op := []string{"ReduceSum", "ReduceMean", "ReduceLogSumExp", "ReduceSumSquare", "ReduceProd"}[b.r.IntN(5)]
	b.keep(b.node(shape, op, map[string]string{"keepdims": fmt.Sprint(keep)}, v.name, b.ints(axis)))
}

func (b *randomGraph) pad() {
	v := b.pick(1)
	axis := b.axis(v)
	mode := []string{"constant", "edge", "wrap", "reflect"}[b.r.IntN(4)]
	n := v.shape[axis]
	before, behind := min(1, n-1), min(2, n-1)
	shape := v.shape.Clone()
	shape[axis] += before + behind
	b.keep(b.node(shape, "Pad", map[string]string{"mode": mode}, v.name, b.ints(before, behind), "", b.ints(axis)))
}

func (b *randomGraph) cumsum() {
	v := b.pick(1)
	attrs := map[string]string{"exclusive": fmt.Sprint(b.r.IntN(2)), "reverse": fmt.Sprint(b.r.IntN(2))}
	b.keep(b.node(v.shape, "CumSum", attrs, v.name, b.ints(b.axis(v))))
}

func (b *randomGraph) expand() {
	v := b.pick(0)
	shape := append(tensor.Shape{2}, v.shape...)
	b.keep(b.node(shape, "Expand", nil, v.name, b.ints(shape...)))
}

// where chooses between a value and a function of it.
func (b *randomGraph) where() {
	v := b.pick(1)
	mask := make([]bool, v.shape[len(v.shape)-1])
	for i := range mask {
		mask[i] = b.r.IntN(2) == 0
	}
	name := b.name()
	b.g.Initializers = append(b.g.Initializers, tensor.NewProto(name, tensor.FromSlice(mask, len(mask))))
	other := b.node(v.shape, "Cos", nil, v.name)
	b.keep(b.node(v.shape, "Where", nil, name, v.name, other.name))
}

// scatter adds, to a value, rows of a function of it, some of them to the same place.
func (b *randomGraph) scatter() {
	v := b.pick(1)
	name := b.name()
	at := []int64{int64(b.r.IntN(v.shape[0])), int64(b.r.IntN(v.shape[0]))}
	b.g.Initializers = append(b.g.Initializers, tensor.NewProto(name, tensor.FromSlice(at, 2, 1)))
	shape := v.shape.Clone()
	shape[0] = 2
	rows := b.node(shape, "Gather", nil, v.name, b.ints(b.r.IntN(v.shape[0]), b.r.IntN(v.shape[0])))
	rows = b.node(shape, "Sigmoid", nil, rows.name)
	op := []string{"add", "mul"}[b.r.IntN(2)]
	b.keep(b.node(v.shape, "ScatterND", map[string]string{"reduction": op}, v.name, name, rows.name))
}

func (b *randomGraph) conv() {
	v := b.pick(3)
	if len(v.shape) != 3 {
		return
	}
	w := b.input(tensor.Shape{2, v.shape[1], 2})
	shape := tensor.Shape{v.shape[0], 2, v.shape[2] + 1}
	b.keep(b.node(shape, "Conv", map[string]string{"pads": "1,1"}, v.name, w.name))
}

func (b *randomGraph) einsum() {
	v := b.pick(2)
	if len(v.shape) != 2 {
		return
	}
	equation := []string{"ij,ij->ij", "ij,kj->ik", "ij,ik->jk"}[b.r.IntN(3)]
	n, m := v.shape[0], v.shape[1]
	shape := map[string]tensor.Shape{"ij,ij->ij": {n, m}, "ij,kj->ik": {n, n}, "ij,ik->jk": {m, m}}[equation]
	other := b.node(v.shape, "Tanh", nil, v.name)
	b.keep(b.node(shape, "Einsum", map[string]string{"equation": equation}, v.name, other.name))
}

func (b *randomGraph) pool() {
	v := b.pick(3)
	if len(v.shape) != 3 {
		return
	}
	attrs := map[string]string{"kernel_shape": "2,", "pads": "1,1"}
	b.keep(b.node(tensor.Shape{v.shape[0], v.shape[1], v.shape[2] + 1}, "AveragePool", attrs, v.name))
}

// split uses both parts, the second through another function.
func (b *randomGraph) split() {
	v := b.pick(1)
	axis := b.axis(v)
	n := v.shape[axis]
	if n < 2 {
		return
	}
	one, rest := v.shape.Clone(), v.shape.Clone()
	one[axis], rest[axis] = 1, n-1
	first := b.node(one, "Split", map[string]string{"axis": fmt.Sprint(axis)}, v.name, b.ints(1, n-1))
	second := randomValue{b.name(), rest}
	last := b.g.Nodes[len(b.g.Nodes)-1]
	last.Outputs = append(last.Outputs, second.name)
	b.keep(b.node(rest, "Mul", nil, second.name, first.name))
}

func (b *randomGraph) tile() {
	v := b.pick(1)
	repeats := make([]int, len(v.shape))
	shape := v.shape.Clone()
	for i := range repeats {
		repeats[i] = 1 + b.r.IntN(2)
		shape[i] *= repeats[i]
	}
	b.keep(b.node(shape, "Tile", nil, v.name, b.ints(repeats...)))
}
