package ops

import (
	"math"

	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
)

// fusedActivation reads the attributes activation and activation_params of a fused node: the name of an operator and its
// parameters in the order of that operator's attributes.
func fusedActivation(a Attrs) (gemm.Activation, error) {
	p := a.FloatList("activation_params")
	param := func(i int, def float32) float32 {
		if i < len(p) {
			return p[i]
		}
		return def
	}
	switch name := a.Str("activation"); name {
	case "":
		return gemm.Activation{}, nil
	case "Relu":
		return gemm.Activation{Kind: gemm.Relu}, nil
	case "Clip":
		return gemm.Activation{Kind: gemm.Clip, Alpha: param(0, -math.MaxFloat32), Beta: param(1, math.MaxFloat32)}, nil
	case "LeakyRelu":
		return gemm.Activation{Kind: gemm.LeakyRelu, Alpha: param(0, 0.01)}, nil
	case "HardSigmoid":
		return gemm.Activation{Kind: gemm.HardSigmoid, Alpha: param(0, 0.2), Beta: param(1, 0.5)}, nil
	case "QuickGelu":
		return gemm.Activation{Kind: gemm.QuickGelu, Alpha: param(0, 1.702)}, nil
	default:
		kind, ok := map[string]gemm.ActKind{"Sigmoid": gemm.Sigmoid, "Tanh": gemm.Tanh, "Gelu": gemm.Gelu, "GeluTanh": gemm.GeluTanh,
			"Silu": gemm.Silu, "Swish": gemm.Silu, "HardSwish": gemm.HardSwish}[name]
		if !ok {
			return gemm.Activation{}, Unsupported("fused activation %q", name)
		}
		return gemm.Activation{Kind: kind}, nil
	}
}
