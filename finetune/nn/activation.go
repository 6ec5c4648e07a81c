package nn

import (
	"strings"

	"github.com/onnxrun/onnxrun/finetune"
)

// unary adds the only node of a layer without weights.
func unary(x *Value, kind, op string, attrs Attrs) *Value {
	defer x.b.enter(kind, prefixOf(kind))()
	return x.b.sole(op, attrs, x)
}

// prefixOf returns what the layers of a kind are named after.
func prefixOf(kind string) string { return strings.ToLower(kind) }

// ReLU is max(0, x).
type ReLU struct{}

// Apply adds the node.
func (ReLU) Apply(x *Value) *Value { return unary(x, "ReLU", "Relu", nil) }

// ReLU6 is x between 0 and 6.
type ReLU6 struct{}

// Apply adds the node.
func (ReLU6) Apply(x *Value) *Value {
	b := x.b
	defer b.enter("ReLU6", "relu6")()
	return b.sole("Clip", nil, x, b.number("min", x.DType(), 0), b.number("max", x.DType(), 6))
}

// LeakyReLU is x where x is positive, and Slope * x elsewhere.
type LeakyReLU struct {
	Slope float64 // 0.01
}

// Apply adds the node.
func (l LeakyReLU) Apply(x *Value) *Value {
	return unary(x, "LeakyReLU", "LeakyRelu", Attrs{"alpha": orDefault(l.Slope, 0.01)})
}

// PReLU is a LeakyReLU with a slope for each channel that is trained.
//
// Weights: weight [channels, 1...], each 0.25.
type PReLU struct{}

// Apply adds the node and its weight.
func (PReLU) Apply(x *Value) *Value {
	b := x.b
	defer b.enter("PReLU", "prelu")()
	n, ok := b.sized(x, 1)
	if !ok {
		return b.none()
	}
	shape := []int{n}
	for range x.Rank() - 2 {
		shape = append(shape, 1)
	}
	return b.sole("PRelu", nil, x, b.Weight("weight", finetune.ConstantInit{Value: 0.25}, x.DType(), shape...))
}

// ELU is x where x is positive, and Alpha * (exp(x) - 1) elsewhere.
type ELU struct {
	Alpha float64 // 1
}

// Apply adds the node.
func (l ELU) Apply(x *Value) *Value {
	return unary(x, "ELU", "Elu", Attrs{"alpha": orDefault(l.Alpha, 1)})
}

// CELU is x where x is positive, and Alpha * (exp(x / Alpha) - 1) elsewhere.
type CELU struct {
	Alpha float64 // 1
}

// Apply adds the node.
func (l CELU) Apply(x *Value) *Value {
	return unary(x, "CELU", "Celu", Attrs{"alpha": orDefault(l.Alpha, 1)})
}

// SELU is the scaled ELU of self-normalising networks (Klambauer et al., 2017).
type SELU struct{}

// Apply adds the node.
func (SELU) Apply(x *Value) *Value { return unary(x, "SELU", "Selu", nil) }

// GELU is x times the distribution function of the normal distribution, exact or by the approximation with tanh
// (Hendrycks and Gimpel, 2016).
type GELU struct {
	Tanh bool
}

// Apply adds the node.
func (l GELU) Apply(x *Value) *Value {
	approximate := "none"
	if l.Tanh {
		approximate = "tanh"
	}
	return unary(x, "GELU", "Gelu", Attrs{"approximate": approximate})
}

// SiLU is x * sigmoid(x), also called Swish.
type SiLU struct{}

// Apply adds the two nodes.
func (SiLU) Apply(x *Value) *Value {
	b := x.b
	defer b.enter("SiLU", "silu")()
	return b.sole("Mul", nil, x, b.Op("Sigmoid", nil, x))
}

// Mish is x * tanh(log(1 + exp(x))).
type Mish struct{}

// Apply adds the node.
func (Mish) Apply(x *Value) *Value { return unary(x, "Mish", "Mish", nil) }

// HardSwish is x times HardSigmoid.
type HardSwish struct{}

// Apply adds the node.
func (HardSwish) Apply(x *Value) *Value { return unary(x, "HardSwish", "HardSwish", nil) }

// HardSigmoid is x/6 + 1/2, between 0 and 1.
type HardSigmoid struct{}

// Apply adds the node.
func (HardSigmoid) Apply(x *Value) *Value {
	return unary(x, "HardSigmoid", "HardSigmoid", Attrs{"alpha": 1.0 / 6, "beta": 0.5})
}

// Tanh is the hyperbolic tangent.
type Tanh struct{}

// Apply adds the node.
func (Tanh) Apply(x *Value) *Value { return unary(x, "Tanh", "Tanh", nil) }

// Sigmoid is 1 / (1 + exp(-x)).
type Sigmoid struct{}

// Apply adds the node.
func (Sigmoid) Apply(x *Value) *Value { return unary(x, "Sigmoid", "Sigmoid", nil) }

// Softplus is log(1 + exp(x)).
type Softplus struct{}

// Apply adds the node.
func (Softplus) Apply(x *Value) *Value { return unary(x, "Softplus", "Softplus", nil) }

// Softmax makes numbers along an axis positive with a sum of 1.
type Softmax struct {
	Axis int // 0 stands for the last
}

// Apply adds the node.
func (l Softmax) Apply(x *Value) *Value {
	return unary(x, "Softmax", "Softmax", Attrs{"axis": orDefault(l.Axis, -1)})
}

// LogSoftmax is the logarithm of Softmax.
type LogSoftmax struct {
	Axis int // 0 stands for the last
}

// Apply adds the node.
func (l LogSoftmax) Apply(x *Value) *Value {
	return unary(x, "LogSoftmax", "LogSoftmax", Attrs{"axis": orDefault(l.Axis, -1)})
}
