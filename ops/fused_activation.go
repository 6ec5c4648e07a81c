package ops

import (
	"math"

	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/vec"
)

// fusedKinds are the activations without parameters that fused nodes name.
var fusedKinds = map[string]gemm.ActKind{
	"": gemm.None, "Relu": gemm.Relu, "Sigmoid": gemm.Sigmoid, "Tanh": gemm.Tanh, "Gelu": gemm.Gelu, "GeluTanh": gemm.GeluTanh,
	"FastGelu": gemm.GeluTanh, "Silu": gemm.Silu, "Swish": gemm.Silu, "HardSwish": gemm.HardSwish,
}

// gateLeast is the least argument of Gate, a Sigmoid whose results are only factors: it ends at 2**-60. Products with ordinary numbers would
// otherwise be subnormal, which costs some processors a hundred cycles each, and again wherever they are read.
const gateLeast = -60 * math.Ln2

// fusedActivation reads the activation of a fused node: the name of an operator, and its parameters in activation_params,
// in the order of that operator's attributes, or each in an attribute such as activation_alpha.
func fusedActivation(a Attrs) (gemm.Activation, error) {
	param := fusedParam(a)
	name := a.Str("activation")
	if kind, ok := fusedKinds[name]; ok {
		return gemm.Activation{Kind: kind}, nil
	}
	switch name {
	case "Clip":
		return gemm.Activation{Kind: gemm.Clip, Alpha: param(0, "alpha", -math.MaxFloat32), Beta: param(1, "beta", math.MaxFloat32)}, nil
	case "LeakyRelu":
		return gemm.Activation{Kind: gemm.LeakyRelu, Alpha: param(0, "alpha", 0.01)}, nil
	case "HardSigmoid":
		return gemm.Activation{Kind: gemm.HardSigmoid, Alpha: param(0, "alpha", 0.2), Beta: param(1, "beta", 0.5)}, nil
	case "QuickGelu":
		return gemm.Activation{Kind: gemm.QuickGelu, Alpha: param(0, "alpha", 1.702)}, nil
	}
	f := customActivation(name, param)
	if f == nil {
		return gemm.Activation{}, Unsupported("fused activation %q", name)
	}
	return gemm.Activation{Kind: gemm.Custom, Func: f}, nil
}

// fusedParam returns the function that looks up parameter i of the activation, or the attribute activation_name.
func fusedParam(a Attrs) func(i int, name string, def float32) float32 {
	p := a.FloatList("activation_params")
	return func(i int, name string, def float32) float32 {
		if i < len(p) {
			return p[i]
		}
		if a.HasAttr("activation_" + name) {
			return a.Float("activation_" + name)
		}
		return def
	}
}

// customActivation returns the function of an activation that package gemm does not know, nil if it is unknown here, too.
func customActivation(name string, param func(i int, name string, def float32) float32) func(x []float32) {
	alpha := param(0, "alpha", 1)
	switch name {
	case "Gate":
		return func(x []float32) {
			vec.Clip(x, x, gateLeast, math.MaxFloat32)
			vec.Sigmoid(x, x)
		}
	case "Elu":
		return func(x []float32) { vec.Elu(x, x, alpha) }
	case "Selu":
		alpha, gamma := param(0, "alpha", 1.67326319217681884765625), param(1, "gamma", 1.05070102214813232421875)
		return func(x []float32) {
			vec.Elu(x, x, alpha)
			vec.ScaleShift(x, x, gamma, 0)
		}
	case "Softplus":
		return func(x []float32) { vec.Softplus(x, x) }
	case "Softsign":
		return func(x []float32) { vec.Softsign(x, x) }
	case "ThresholdedRelu":
		return func(x []float32) {
			for i, v := range x {
				if !(v > alpha) {
					x[i] = 0
				}
			}
		}
	}
	return nil
}
