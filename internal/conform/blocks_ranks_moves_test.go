package conform_test

import (
	"fmt"

	"github.com/onnxrun/onnxrun/tensor"
)

// cut takes a piece of some axes, forward or backward.
func (m *blockModel) cut(x blockValue) blockValue {
	shape := x.shape.Clone()
	var axes, from, to, step []int
	for i, n := range shape {
		if m.chance(50) || n == 0 {
			continue
		}
		a, s := m.r.IntN(n), m.one(1, 1, 1, 2, 2, 3)
		b := a + 1 + m.r.IntN(n-a)
		axes, shape[i] = append(axes, i), (b-a+s-1)/s
		switch m.r.IntN(3) {
		case 0: // backward from b-1 to a
			from, to, step = append(from, b-1), append(to, a-1-n), append(step, -s)
			if a > 0 {
				to[len(to)-1] = a - 1
			}
		case 1: // counted from the end
			from, to, step = append(from, a-n), append(to, b-n), append(step, s)
			if b == n {
				to[len(to)-1] = n + 5
			}
		default:
			from, to, step = append(from, a), append(to, b), append(step, s)
		}
	}
	if axes == nil {
		return x
	}
	return m.op("Slice", "", shape, x.name, m.ints(from...), m.ints(to...), m.ints(axes...), m.ints(step...))
}

// pick gathers along an axis, with indices of rank 0 to 2.
func (m *blockModel) pick(x blockValue) blockValue {
	axis := m.r.IntN(x.rank())
	n := x.shape[axis]
	if n == 0 {
		return x
	}
	at := tensor.New(tensor.Int64, m.sizes(m.one(0, 1, 1, 2), 30)...)
	for i := range tensor.Of[int64](at) {
		tensor.Of[int64](at)[i] = m.r.Int64N(int64(2*n)) - int64(n)
	}
	if x.rank()+len(at.Shape()) > 7 || x.shape.Len()/n*at.Len() > 60000 {
		return x
	}
	shape := append(append(x.shape[:axis:axis].Clone(), at.Shape()...), x.shape[axis+1:]...)
	return m.op("Gather", fmt.Sprintf("axis=%d", axis), shape, x.name, m.constant(at))
}

// join concatenates x, something else and x along an axis.
func (m *blockModel) join(x blockValue) blockValue {
	axis := m.r.IntN(x.rank())
	shape := x.shape.Clone()
	shape[axis] = m.one(0, 1, 2, 5)
	y := blockValue{m.fixed(shape...), shape}
	if m.chance(40) {
		y = m.input(shape...)
	}
	parts := []blockValue{x, y, m.like("Identity", "", x)}
	m.r.Shuffle(3, func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	return m.concat(axis, parts[:2+m.r.IntN(2)]...)
}

// parts splits an axis and joins the parts in another order.
func (m *blockModel) parts(x blockValue) blockValue {
	axis := m.r.IntN(x.rank())
	n := x.shape[axis]
	a := m.r.IntN(n + 1)
	b := a + m.r.IntN(n-a+1)
	p := m.split(x, axis, a, b-a, n-b)
	for i := range p {
		if m.chance(50) {
			p[i] = m.oneByOne(p[i])
		}
	}
	m.r.Shuffle(3, func(i, j int) { p[i], p[j] = p[j], p[i] })
	if m.chance(20) {
		return p[0]
	}
	return m.concat(axis, p...)
}

// border pads any axes, or takes elements away.
func (m *blockModel) border(x blockValue) blockValue {
	if x.shape.Len() == 0 {
		return x
	}
	shape, pads := x.shape.Clone(), make([]int, 2*x.rank())
	mode := []string{"constant", "constant", "edge", "reflect"}[m.r.IntN(4)]
	for i, n := range x.shape {
		for _, k := range []int{i, x.rank() + i} {
			switch {
			case m.chance(50):
			case mode == "constant" && m.chance(20) && shape[i] > 1:
				pads[k] = -1
			case mode == "reflect":
				pads[k] = min(m.r.IntN(3), n-1)
			default:
				pads[k] = m.r.IntN(3)
			}
			shape[i] += pads[k]
		}
	}
	ins := []string{x.name, m.ints(pads...)}
	if mode == "constant" && m.chance(50) {
		ins = append(ins, m.scalar(3))
	}
	return m.op("Pad", "mode="+mode, shape, ins...)
}

// repeat tiles or expands.
func (m *blockModel) repeat(x blockValue) blockValue {
	shape := x.shape.Clone()
	times := ones(x.rank())
	for i, n := range x.shape {
		if m.chance(40) && shape.Len() < 20000 {
			times[i] = m.one(0, 2, 2, 3)
			if m.chance(90) {
				times[i] = max(1, times[i])
			}
			shape[i] = n * times[i]
		}
	}
	if x.rank() > 0 && m.chance(50) {
		return m.op("Tile", "", shape, x.name, m.ints(times...))
	}
	to := x.shape.Clone()
	for i, n := range to {
		if n == 1 && m.chance(50) && to.Len() < 20000 {
			to[i] = m.one(1, 3, 8)
		}
	}
	if x.rank() < 6 && m.chance(30) {
		to = append(tensor.Shape{m.one(1, 2)}, to...)
	}
	return m.op("Expand", "", to, x.name, m.ints(to...))
}

// choose takes elements of x or of something else.
func (m *blockModel) choose(x blockValue) blockValue {
	y, ok := m.peer(x)
	if !ok {
		y = m.oneByOne(x)
	}
	c := tensor.New(tensor.Bool, x.shape...)
	if x.rank() > 0 && m.chance(50) {
		c = tensor.New(tensor.Bool, x.last())
	}
	for i := range tensor.Of[bool](c) {
		tensor.Of[bool](c)[i] = m.chance(50)
	}
	name := m.constant(c)
	if m.whole() && m.chance(60) {
		name = m.name("b")
		m.node([]string{"Less", "Greater", "Equal", "LessOrEqual"}[m.r.IntN(4)], "", []string{name}, x.name, y.name)
	}
	if m.chance(30) {
		n := m.name("b")
		m.node("Not", "", []string{n}, name)
		name = n
	}
	return m.op("Where", "", x.shape, name, x.name, y.name)
}

// reshaped is x with other dimensions.
func (m *blockModel) reshaped(x blockValue) blockValue {
	n := x.shape.Len()
	if n == 0 {
		return m.op("Reshape", "allowzero=1", x.shape, x.name, m.ints(x.shape...))
	}
	var shape []int
	for _, f := range []int{2, 3, 5, 7, 4, 16} {
		if n%f == 0 && len(shape) < 4 && m.chance(50) {
			shape, n = append(shape, f), n/f
		}
	}
	if n > 1 || m.chance(50) {
		shape = append(shape, n)
	}
	m.r.Shuffle(len(shape), func(i, j int) { shape[i], shape[j] = shape[j], shape[i] })
	to := append([]int{}, shape...)
	if len(to) > 0 && m.chance(50) {
		to[m.r.IntN(len(to))] = -1
	}
	return m.op("Reshape", "", tensor.Shape(shape), x.name, m.ints(to...))
}

// onesIn adds axes of one, or takes one away.
func (m *blockModel) onesIn(x blockValue) blockValue {
	for i, n := range x.shape {
		if n == 1 && m.chance(50) {
			return m.squeeze(x, i)
		}
	}
	if x.rank() > 5 {
		return x
	}
	return m.unsqueeze(x, m.r.IntN(x.rank()+1))
}

// sums adds up along an axis.
func (m *blockModel) sums(x blockValue) blockValue {
	if !m.sumsUp() || m.elem == tensor.BFloat16 || m.elem == tensor.Float16 {
		return x
	}
	attrs := fmt.Sprintf("exclusive=%d reverse=%d", m.r.IntN(2), m.r.IntN(2))
	return m.like("CumSum", attrs, x, m.constant(scalar64(int64(m.r.IntN(x.rank())))))
}

// throughType converts x to another type and back.
func (m *blockModel) throughType(x blockValue) blockValue {
	to := []tensor.DType{tensor.Float32, tensor.Float64, tensor.Int64, tensor.Int32, tensor.Int8, tensor.Uint8}[m.r.IntN(6)]
	if !m.whole() {
		to = []tensor.DType{tensor.Float32, tensor.Float64}[m.r.IntN(2)]
	}
	c := m.name("c")
	m.node("Cast", fmt.Sprintf("to=%d", to), []string{c}, x.name)
	return m.op("Cast", fmt.Sprintf("to=%d", m.elem), x.shape, c)
}

// top takes the largest or smallest along an axis.
func (m *blockModel) top(x blockValue) blockValue {
	axis := m.r.IntN(x.rank())
	if x.shape[axis] == 0 {
		return x
	}
	k := 1 + m.r.IntN(min(x.shape[axis], 9))
	shape := x.shape.Clone()
	shape[axis] = k
	v := blockValue{m.name("v"), shape}
	m.node("TopK", fmt.Sprintf("axis=%d largest=%d", axis, m.r.IntN(2)), []string{v.name, m.name("i")}, x.name, m.ints(k))
	m.values = append(m.values, v)
	return v
}

// bits works on the bits of whole numbers.
func (m *blockModel) bits(x blockValue) blockValue {
	y, ok := m.peer(x)
	if !ok {
		y = m.oneByOne(x)
	}
	switch {
	case !m.signed() && m.chance(40):
		n := tensor.New(tensor.Float32)
		tensor.Of[float32](n)[0] = float32(m.r.IntN(8))
		return m.op("BitShift", "direction="+[]string{"LEFT", "RIGHT"}[m.r.IntN(2)], x.shape, x.name, m.constant(m.as(n)))
	case m.opset >= 18:
		return m.op([]string{"BitwiseAnd", "BitwiseOr", "BitwiseXor"}[m.r.IntN(3)], "", x.shape, x.name, y.name)
	}
	return m.op("Add", "", x.shape, x.name, y.name)
}

// whereLargest is where the largest elements along an axis are.
func (m *blockModel) whereLargest(x blockValue) blockValue {
	axis := m.r.IntN(x.rank())
	if x.shape[axis] == 0 {
		return x
	}
	shape := x.shape.Clone()
	shape[axis] = 1
	c := m.name("i")
	m.node([]string{"ArgMax", "ArgMin"}[m.r.IntN(2)], fmt.Sprintf("axis=%d keepdims=1 select_last_index=%d", axis, m.r.IntN(2)), []string{c}, x.name)
	return m.op("Cast", fmt.Sprintf("to=%d", m.elem), shape, c)
}
