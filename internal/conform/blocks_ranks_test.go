package conform_test

import (
	"fmt"
	"slices"

	"github.com/onnxrun/onnxrun/tensor"
)

// wholeTypes are the element types of models of whole numbers.
var wholeTypes = []tensor.DType{tensor.Int64, tensor.Int64, tensor.Int32, tensor.Int32, tensor.Uint8, tensor.Int8, tensor.Int16, tensor.Uint16, tensor.Uint32, tensor.Uint64}

// whole reports whether values are whole numbers, whose results have to be the same bits however they are computed.
func (m *blockModel) whole() bool { return slices.Contains(wholeTypes, m.elem) }

// ranked makes a network of values of any rank, which operators change, in floats or whole numbers; dimensions may be zero.
func (m *blockModel) ranked() blockValue {
	m.opset = max(m.opset, 14)
	if m.chance(60) && m.elem == tensor.Float32 && !m.only {
		m.elem = wholeTypes[m.r.IntN(len(wholeTypes))]
	}
	x := m.input(m.sizes(m.one(0, 1, 2, 2, 3, 3, 4, 4, 5, 6), 20000)...)
	for range 2 + m.r.IntN(9) {
		step := rankSteps[m.r.IntN(len(rankSteps))]
		if step.floats && m.whole() || step.wholes && !m.whole() || step.least > x.rank() {
			continue
		}
		m.say("%s %v", step.name, x.shape)
		if x = step.f(m, x); x.shape.Len() > 60000 {
			x = m.reduceSome(x)
		}
		if m.chance(10) {
			x = m.values[m.r.IntN(len(m.values))]
		}
	}
	return x
}

// sizes are dimensions of a tensor of at most so many elements, now and then a zero among them.
func (m *blockModel) sizes(rank, most int) []int {
	shape := make([]int, rank)
	for i := range shape {
		if shape[i] = m.one(1, 1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 33, 64, 100); tensor.Shape(shape[:i+1]).Len() > most {
			shape[i] = m.one(1, 1, 2)
		}
	}
	if rank > 0 && m.chance(6) {
		shape[m.r.IntN(rank)] = 0
	}
	return shape
}

// rankSteps are the ways in which a network of any rank grows.
var rankSteps []rankStep

type rankStep struct {
	name           string
	f              func(*blockModel, blockValue) blockValue
	least          int // rank
	floats, wholes bool
}

func init() {
	rankSteps = []rankStep{
		{"spread", (*blockModel).spread, 0, false, false}, {"spread", (*blockModel).spread, 0, false, false}, {"spread", (*blockModel).spread, 0, false, false},
		{"one by one", (*blockModel).oneByOne, 0, false, false}, {"one by one", (*blockModel).oneByOne, 0, false, false},
		{"order", (*blockModel).order, 2, false, false}, {"order", (*blockModel).order, 2, false, false}, {"reduce", (*blockModel).reduceSome, 1, false, false},
		{"cut", (*blockModel).cut, 1, false, false}, {"pick", (*blockModel).pick, 1, false, false}, {"join", (*blockModel).join, 1, false, false},
		{"parts", (*blockModel).parts, 1, false, false}, {"border", (*blockModel).border, 1, false, false}, {"repeat", (*blockModel).repeat, 0, false, false},
		{"products", (*blockModel).products, 2, false, false}, {"products", (*blockModel).products, 2, false, false},
		{"choose", (*blockModel).choose, 0, false, false}, {"shape", (*blockModel).reshaped, 0, false, false}, {"shape", (*blockModel).reshaped, 0, false, false},
		{"ones", (*blockModel).onesIn, 0, false, false}, {"sums", (*blockModel).sums, 1, false, false}, {"cast", (*blockModel).throughType, 0, false, false},
		{"top", (*blockModel).top, 1, false, false}, {"bits", (*blockModel).bits, 0, false, true}, {"where largest", (*blockModel).whereLargest, 1, false, true},
		{"norm", (*blockModel).normFrom, 1, true, false}, {"activation", (*blockModel).activate, 0, true, false}, {"after", func(m *blockModel, x blockValue) blockValue {
			if x.rank() < 2 {
				return m.activate(x)
			}
			return m.after(x)
		}, 1, true, false},
	}
}

// fixed is a constant of any shape; among whole numbers none is zero.
func (m *blockModel) fixed(shape ...int) string {
	if !m.whole() {
		return m.weight(-1, 1, shape...)
	}
	f := randomFloats(m.r, shape, 1, 10)
	if m.signed() {
		for i := range tensor.Of[float32](f) {
			if m.chance(50) {
				tensor.Of[float32](f)[i] *= -1
			}
		}
	}
	return m.constant(m.as(f))
}

// signed reports whether whole numbers may be below zero.
func (m *blockModel) signed() bool {
	return slices.Contains([]tensor.DType{tensor.Int8, tensor.Int16, tensor.Int32, tensor.Int64}, m.elem)
}

// sumsUp reports whether operators that sum take the element type.
func (m *blockModel) sumsUp() bool {
	return !m.whole() || slices.Contains([]tensor.DType{tensor.Int32, tensor.Int64, tensor.Uint32, tensor.Uint64}, m.elem)
}

// spread combines x with what broadcasts to it, or to which it broadcasts.
func (m *blockModel) spread(x blockValue) blockValue {
	shape, out := x.shape.Clone(), x.shape.Clone()
	for i, n := range shape {
		if m.chance(40) {
			shape[i] = 1
		} else if n == 1 && m.chance(40) && out.Len() < 20000 {
			shape[i] = m.one(2, 3, 8, 17)
			out[i] = shape[i]
		}
	}
	if len(shape) > 0 && m.chance(40) {
		k := m.r.IntN(len(shape))
		for _, n := range shape[:k] {
			if n != 1 {
				k = 0
			}
		}
		shape = shape[k:]
	} else if m.chance(10) && x.rank() < 6 {
		shape = append([]int{m.one(1, 2, 3)}, shape...)
		out = append(tensor.Shape{shape[0]}, out...)
	}
	ops := []string{"Add", "Add", "Sub", "Mul", "Mul", "Min", "Max"}
	y := blockValue{shape: shape}
	switch m.r.IntN(3) {
	case 0:
		y.name = m.input(shape...).name
	default:
		y.name = m.fixed(shape...)
		if m.whole() {
			ops = append(ops, "Div", "Mod")
		}
	}
	op := ops[m.r.IntN(len(ops))]
	if op == "Div" || op == "Mod" || m.chance(50) {
		return m.op(op, "", out, x.name, y.name)
	}
	return m.op(op, "", out, y.name, x.name)
}

// oneByOne is an operator of single elements.
func (m *blockModel) oneByOne(x blockValue) blockValue {
	ops := []string{"Abs", "Sign", "Identity"}
	switch {
	case !m.whole():
		ops = append(ops, "Neg", "Relu", "Tanh", "Sigmoid", "Sqrt", "Softplus", "Reciprocal")
	case m.signed():
		ops = append(ops, "Neg", "Relu")
	}
	switch op := ops[m.r.IntN(len(ops))]; {
	case m.chance(20):
		lo, hi := 1.0, 9.0
		if m.signed() || !m.whole() {
			lo = -1
		}
		return m.clip(x, lo, hi)
	case op == "Sqrt":
		return m.like(op, "", m.like("Abs", "", x))
	case op == "Reciprocal":
		return m.like(op, "", m.binary("Add", m.like("Abs", "", x), blockValue{m.scalar(1), nil}))
	case op == "Sign" && !m.whole():
		return m.binary("Mul", m.like("Tanh", "", x), x)
	default:
		return m.like(op, "", x)
	}
}

// order permutes the axes.
func (m *blockModel) order(x blockValue) blockValue { return m.transpose(x, m.r.Perm(x.rank())...) }

// reduceSome goes over some axes.
func (m *blockModel) reduceSome(x blockValue) blockValue {
	axes := m.r.Perm(x.rank())[:1+m.r.IntN(x.rank())]
	slices.Sort(axes)
	var ops []string
	if m.elem != tensor.Int16 && m.elem != tensor.Uint16 && !slices.ContainsFunc(axes, func(a int) bool { return x.shape[a] == 0 }) {
		ops = []string{"ReduceMax", "ReduceMin"}
	}
	if m.sumsUp() {
		ops = append(ops, "ReduceSum", "ReduceSum", "ReduceMean", "ReduceL1")
		if m.whole() {
			ops = append(ops, "ReduceProd", "ReduceSumSquare")
		}
	}
	if x.shape.Len() == 0 {
		ops = slices.DeleteFunc(ops, func(op string) bool { return op == "ReduceMean" })
	}
	if len(ops) == 0 {
		return x
	}
	if axes[0] > 0 && m.chance(30) {
		for i := range axes {
			axes[i] -= x.rank()
		}
	}
	return m.reduce(ops[m.r.IntN(len(ops))], x, m.chance(50), axes...)
}

// products multiplies the last two axes by a matrix, or by matrices whose axes in front broadcast.
func (m *blockModel) products(x blockValue) blockValue {
	if !m.sumsUp() || x.shape.Len() > 20000 {
		return x
	}
	k, n := x.last(), m.one(1, 2, 5, 8, 17, 33)
	shape := append(x.shape[:x.rank()-2:x.rank()-2].Clone(), k, n)
	for i := range x.rank() - 2 {
		if m.chance(40) {
			shape[i] = 1
		}
	}
	shape = shape[m.r.IntN(x.rank()-1):]
	out := x.shape.Clone()
	out[x.rank()-1] = n
	name := m.fixed(shape...)
	if m.chance(30) {
		name = m.input(shape...).name
	}
	if m.chance(15) { // from the left
		x = m.transpose(x, append(m.r.Perm(x.rank()-2), x.rank()-1, x.rank()-2)...)
		w := m.fixed(n, x.shape[x.rank()-2])
		return m.op("MatMul", "", append(x.shape[:x.rank()-2:x.rank()-2].Clone(), n, x.last()), w, x.name)
	}
	m.say(" by %v", shape)
	return m.op("MatMul", "", out, x.name, name)
}

// normFrom normalises the axes from one on.
func (m *blockModel) normFrom(x blockValue) blockValue {
	axis := m.r.IntN(x.rank())
	if m.opset < 17 || m.chance(40) {
		return m.like([]string{"Softmax", "LogSoftmax"}[m.r.IntN(2)], fmt.Sprintf("axis=%d", axis), x)
	}
	at := axis
	if m.chance(50) {
		at -= x.rank()
	}
	return m.like("LayerNormalization", fmt.Sprintf("epsilon=0.01 axis=%d", at), x, m.weight(0.5, 1.5, x.shape[axis:]...), m.weight(-0.5, 0.5, x.shape[axis:]...))
}
