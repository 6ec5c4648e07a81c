package conform_test

import (
	"fmt"
	"math"

	"github.com/onnxrun/onnxrun/tensor"
)

// clip bounds x, from both sides or one.
func (m *blockModel) clip(x blockValue, lo, hi float64) blockValue {
	if m.opset < 11 {
		return m.like("Clip", fmt.Sprintf("min=%.4f max=%.4f", lo, hi), x)
	}
	switch m.r.IntN(6) {
	case 0:
		return m.like("Clip", "", x, m.scalar(lo))
	case 1:
		return m.like("Clip", "", x, "", m.scalar(hi))
	}
	return m.like("Clip", "", x, m.scalar(lo), m.scalar(hi))
}

// reduce goes over axes, which became an input.
func (m *blockModel) reduce(op string, x blockValue, keep bool, axes ...int) blockValue {
	shape := tensor.Shape{}
	in := map[int]bool{}
	for _, a := range axes {
		in[(a+x.rank())%x.rank()] = true
	}
	for i, n := range x.shape {
		switch {
		case !in[i]:
			shape = append(shape, n)
		case keep:
			shape = append(shape, 1)
		}
	}
	attrs := "keepdims=0"
	if keep {
		attrs = []string{"", "keepdims=1"}[m.r.IntN(2)]
	}
	if m.opset >= 18 || op == "ReduceSum" && m.opset >= 13 {
		return m.op(op, attrs, shape, x.name, m.ints(axes...))
	}
	return m.op(op, attrs+" axes="+list(axes...), shape, x.name)
}

// unsqueeze adds axes, ascending.
func (m *blockModel) unsqueeze(x blockValue, axes ...int) blockValue {
	shape := x.shape.Clone()
	for _, a := range axes {
		shape = append(shape[:a:a], append(tensor.Shape{1}, shape[a:]...)...)
	}
	if m.opset >= 13 {
		return m.op("Unsqueeze", "", shape, x.name, m.ints(axes...))
	}
	return m.op("Unsqueeze", "axes="+list(axes...), shape, x.name)
}

// squeeze takes an axis of one away.
func (m *blockModel) squeeze(x blockValue, axis int) blockValue {
	shape := append(x.shape[:axis:axis], x.shape[axis+1:]...)
	if m.opset >= 13 {
		return m.op("Squeeze", "", shape, x.name, m.ints(axis))
	}
	return m.op("Squeeze", "axes="+list(axis), shape, x.name)
}

// slice takes elements from, from+step ... of an axis.
func (m *blockModel) slice(x blockValue, axis, from, to, step int) blockValue {
	shape := x.shape.Clone()
	shape[axis] = (to - from + step - 1) / step
	if to == x.shape[axis] && m.chance(50) {
		to = math.MaxInt32
	}
	if m.opset < 10 && step == 1 {
		return m.op("Slice", fmt.Sprintf("axes=%s starts=%s ends=%s", list(axis), list(from), list(to)), shape, x.name)
	}
	if m.opset < 10 {
		return m.gather(x, axis, from, min(to, x.shape[axis]), step)
	}
	if step == 1 && m.chance(50) {
		return m.op("Slice", "", shape, x.name, m.ints(from), m.ints(to), m.ints(axis))
	}
	return m.op("Slice", "", shape, x.name, m.ints(from), m.ints(to), m.ints(axis), m.ints(step))
}

// gather takes elements from, from+step ... of an axis by their numbers.
func (m *blockModel) gather(x blockValue, axis, from, to, step int) blockValue {
	var at []int
	for i := from; i < to; i += step {
		at = append(at, i)
	}
	shape := x.shape.Clone()
	shape[axis] = len(at)
	return m.op("Gather", fmt.Sprintf("axis=%d", axis), shape, x.name, m.ints(at...))
}

// split cuts an axis into parts.
func (m *blockModel) split(x blockValue, axis int, sizes ...int) []blockValue {
	var outs []string
	var parts []blockValue
	name := m.name("p")
	for i, n := range sizes {
		shape := x.shape.Clone()
		shape[axis] = n
		outs = append(outs, fmt.Sprintf("%s_%d", name, i))
		parts = append(parts, blockValue{outs[i], shape})
	}
	switch attrs := fmt.Sprintf("axis=%d", axis); {
	case m.opset >= 13:
		m.node("Split", attrs, outs, x.name, m.ints(sizes...))
	default:
		m.node("Split", attrs+" split="+list(sizes...), outs, x.name)
	}
	m.values = append(m.values, parts...)
	return parts
}

// concat joins values along an axis.
func (m *blockModel) concat(axis int, parts ...blockValue) blockValue {
	shape := parts[0].shape.Clone()
	shape[axis] = 0
	var ins []string
	for _, p := range parts {
		shape[axis] += p.shape[axis]
		ins = append(ins, p.name)
	}
	at := axis
	if m.chance(30) {
		at -= len(shape)
	}
	return m.op("Concat", fmt.Sprintf("axis=%d", at), shape, ins...)
}

// transpose reorders the axes of x.
func (m *blockModel) transpose(x blockValue, perm ...int) blockValue {
	shape := make(tensor.Shape, len(perm))
	for i, p := range perm {
		shape[i] = x.shape[p]
	}
	return m.op("Transpose", "perm="+list(perm...), shape, x.name)
}

// reshape writes shape with a 0 for the batch, and where sizes are symbols with as many more zeros and a -1 as it needs.
func (m *blockModel) reshape(x blockValue, shape ...int) blockValue {
	to := append([]int(nil), shape...)
	for i := range to {
		same := i < x.rank() && x.shape[i] == to[i]
		if i == 0 && same && m.dynamic > 0 || same && m.chance(50) {
			to[i] = 0
		}
	}
	if k := m.r.IntN(len(to)); to[k] != 0 && m.chance(50) || m.dynamic > 0 && to[0] != 0 {
		if m.dynamic > 0 && to[0] != 0 {
			k = 0
		}
		to[k] = -1
	}
	return m.op("Reshape", "", tensor.Shape(shape), x.name, m.ints(to...))
}
