package conform_test

import (
	"fmt"
	"strings"

	"github.com/onnxrun/onnxrun/tensor"
)

// after puts what may follow a layer behind x: normalisations, activations, residuals, factors.
func (m *blockModel) after(x blockValue) blockValue {
	for range m.one(0, 1, 1, 2, 2, 3, 4) {
		switch m.r.IntN(9) {
		case 0, 1:
			x = m.batchNorm(x)
		case 2, 3, 4:
			x = m.activate(x)
		case 5:
			x = m.residual(x)
		case 6:
			x = m.perChannel(x)
		case 7:
			x = m.binary([]string{"Mul", "Add", "Div", "Sub"}[m.r.IntN(4)], x, blockValue{m.number([]float64{0.5, 2, 1, 1.5, -0.7}[m.r.IntN(5)]), tensor.Shape{}})
		case 8:
			if m.chance(30) {
				x = m.like("Identity", "", x)
			} else {
				x = m.activate(m.activate(x))
			}
		}
	}
	return x
}

// binary puts two operands in any order.
func (m *blockModel) binary(op string, x, y blockValue) blockValue {
	if op != "Div" && m.chance(50) {
		return m.op(op, "", x.shape, y.name, x.name)
	}
	return m.op(op, "", x.shape, x.name, y.name)
}

// batchNorm normalises axis 1.
func (m *blockModel) batchNorm(x blockValue) blockValue {
	if x.rank() < 2 || x.channels() == 0 {
		return x
	}
	c := x.channels()
	eps := []string{"", "epsilon=0.001", "epsilon=0.1"}[m.r.IntN(3)]
	return m.like("BatchNormalization", eps, x, m.weight(0.5, 1.5, c), m.weight(-0.5, 0.5, c), m.weight(-0.5, 0.5, c), m.weight(0.5, 2, c))
}

// perChannel multiplies by, or adds, constants of a shape that broadcasts.
func (m *blockModel) perChannel(x blockValue) blockValue {
	op := []string{"Mul", "Add", "Sub", "Div"}[m.r.IntN(4)]
	shape := make(tensor.Shape, x.rank())
	for i := range shape {
		shape[i] = 1
	}
	at := 1 % x.rank()
	if x.rank() == 3 && m.chance(70) || m.chance(10) {
		at = x.rank() - 1
	}
	shape[at] = x.shape[at]
	if at > 0 && m.chance(10) { // another axis, too
		k := 1 + m.r.IntN(x.rank()-1)
		if m.dynamic < 2 {
			shape[k] = x.shape[k]
		}
	}
	if m.dynamic == 2 && at > 1 && x.rank() > 3 {
		return x
	}
	if m.chance(50) {
		shape = shape[at:]
	}
	lo, hi := -1.0, 1.0
	if op == "Div" {
		lo, hi = 0.5, 2
	}
	return m.binary(op, x, blockValue{m.weight(lo, hi, shape...), shape})
}

// residual adds, or multiplies by, another value of the same shape, or one that broadcasts.
func (m *blockModel) residual(x blockValue) blockValue {
	y, ok := m.peer(x)
	if !ok {
		if m.chance(70) || m.dynamic == 2 {
			return x
		}
		shape := x.shape.Clone()
		for i := 1; i < len(shape); i++ {
			if m.chance(20) {
				shape[i] = 1
			}
		}
		y = m.input(shape...)
	}
	return m.binary([]string{"Add", "Add", "Add", "Mul", "Sub"}[m.r.IntN(5)], x, y)
}

// activations by name of one node: attributes, and the operator set that has it.
var activations = []struct {
	op, attrs string
	since     int
}{
	{"Relu", "", 1}, {"Relu", "", 1}, {"Relu", "", 1}, {"LeakyRelu", "alpha=0.1", 1}, {"LeakyRelu", "", 1}, {"Elu", "alpha=0.7", 1}, {"Selu", "", 1},
	{"Celu", "alpha=0.5", 12}, {"Sigmoid", "", 1}, {"HardSigmoid", "", 1}, {"HardSigmoid", "alpha=0.16666667 beta=0.5", 1}, {"HardSwish", "", 14},
	{"Tanh", "", 1}, {"Softplus", "", 1}, {"Softsign", "", 1}, {"ThresholdedRelu", "alpha=0.3", 10}, {"Mish", "", 18}, {"Gelu", "", 20},
	{"Gelu", "approximate=tanh", 20}, {"Erf", "", 9}, {"Abs", "", 1}, {"Neg", "", 1}, {"Sin", "", 7}, {"Atan", "", 7}, {"Asinh", "", 9},
	{"LeakyRelu", "alpha=-0.3", 1}, {"LeakyRelu", "alpha=1.5", 1}, {"Elu", "alpha=-0.5", 1},
}

// written are activations in terms of others: letters are values of the same shape, numbers constants.
var written = []string{
	"Sigmoid x s; Mul x s y",
	"Sigmoid x s; Mul s x y",
	"HardSigmoid x s; Mul x s y",
	"Softplus x s; Tanh s t; Mul x t y",
	"Add x 3. a; Relu a b; Min b 6. c; Mul x c d; Div d 6. y",
	"Add x 3. a; Clip06 a c; Div c 6. d; Mul d x y",
	"Add x 3. a; Clip06 a c; Mul x c d; Mul d .16666667 y",
	"Add x 3. a; Clip06 a c; Div c 6. y",
	"Div x 1.41421356 d; Erf d e; Add e 1. a; Mul x a m; Mul m .5 y",
	"Mul x .70710678 d; Erf d e; Add 1. e a; Mul x .5 h; Mul h a y",
	"Mul x x q; Mul q x c; Mul c .044715 k; Add x k s; Mul s .7978845608 t; Tanh t h; Add h 1. a; Mul x .5 f; Mul f a y",
	"Mul x 1.702 t; Sigmoid t s; Mul x s y",
	"Neg x n; Exp n e; Add e 1. a; Div x a y",
	"Neg x n; Exp n e; Add e 1. a; Reciprocal a y",
	"Clip06 x y",
	"Max x 0. y",
	"Max x -.5 a; Min a .7 y",
	"Relu x a; Clip06 a y",
	"Relu x a; Neg x b; Relu b c; Mul c .25 d; Sub a d y",
	"Relu x a; Mul a a y",
	"Mul x .1 a; Max x a y",
	"Tanh x a; Mul a 2. b; Clip06 b y",
	"Relu x a; Sigmoid x b; Add a b y",
	"Add x 1. a; Relu a b; Sub b 1. y",
	"Abs x a; Add a x b; Mul b .5 y",
	"Abs x a; Sqrt a b; Mul b x y",
	"Exp x a; Add a 1. b; Log b c; Tanh c t; Mul x t y",
}

// activate puts an activation behind x.
func (m *blockModel) activate(x blockValue) blockValue {
	switch k := m.r.IntN(20); {
	case k < 12:
		for {
			a := activations[m.r.IntN(len(activations))]
			if a.since <= m.opset && (m.elem == tensor.Float32 || a.op != "Celu" && a.op != "ThresholdedRelu") {
				return m.like(a.op, a.attrs, x)
			}
		}
	case k < 13:
		return m.clip(x, -0.5, 1)
	case k < 14 && x.rank() > 2:
		shape := []int{1}
		if m.chance(70) {
			shape = []int{x.channels()}
			for range x.rank() - 2 {
				shape = append(shape, 1)
			}
		}
		return m.like("PRelu", "", x, m.weight(-0.3, 0.5, shape...))
	case k < 15 && m.elem == tensor.Float32: // elsewhere rounding jumps far more
		y, _ := m.peer(x)
		c := m.name("b")
		m.node("Greater", "", []string{c}, x.name, m.scalar(0))
		return m.op("Where", "", x.shape, c, y.name, x.name)
	}
	return m.writtenOut(x, written[m.r.IntN(len(written))])
}

func (m *blockModel) writtenOut(x blockValue, text string) blockValue {
	at := map[string]blockValue{"x": x}
	last := x
	for _, step := range strings.Split(text, "; ") {
		words := strings.Fields(step)
		var ins []string
		for _, w := range words[1 : len(words)-1] {
			if v, ok := at[w]; ok {
				ins = append(ins, v.name)
				continue
			}
			var f float64
			fmt.Sscan(w, &f)
			if words[0] == "Min" || words[0] == "Max" {
				ins = append(ins, m.scalar(f))
			} else {
				ins = append(ins, m.number(f))
			}
		}
		if words[0] == "Clip06" {
			last = m.clip(at[words[1]], 0, 6)
		} else {
			last = m.op(words[0], "", x.shape, ins...)
		}
		at[words[len(words)-1]] = last
	}
	return last
}
