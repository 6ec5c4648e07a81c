package ops

import (
	"maps"
	"math"
	"strings"
)

// composedGrad makes the rule of an operator whose first output f writes in other operators.
func composedGrad(f func(g grads) (Ref, error)) func(GradCtx) error {
	return func(c GradCtx) error {
		g := grads{c}
		if g.Dy(0) == 0 {
			return nil
		}
		y, err := f(g)
		if err == nil {
			g.SetOutput(0, y)
		}
		return err
	}
}

// fusedGrad makes the rule of an operator that ends in an activation. Where the output tells the derivative of that,
// rule goes on with the gradient before it; else plain writes what the activation is applied to.
func fusedGrad(rule func(c GradCtx, dy Ref) error, plain func(g grads) Ref) func(GradCtx) error {
	return func(c GradCtx) error {
		g := grads{c}
		dy := g.Dy(0)
		if dy == 0 {
			return nil
		}
		if dx := undoActivation(g, dy, g.Out(0)); dx != 0 {
			return rule(c, dx)
		}
		y, err := applyActivation(g, plain(g))
		if err == nil {
			g.SetOutput(0, y)
		}
		return err
	}
}

// undoActivation is the gradient before the activation of a fused node, from that after it and the output y; 0 where
// y does not tell.
func undoActivation(g grads, dy, y Ref) Ref {
	switch g.Attrs().Str("activation") {
	case "":
		return dy
	case "Relu":
		return g.keep(g.above(y, 0), dy)
	case "Sigmoid":
		return g.mul(dy, y, g.sub(g.num(y, 1), y))
	case "Tanh":
		return g.mul(dy, g.oneMinusSquare(y))
	case "LeakyRelu":
		if alpha := float64(fusedParam(g.Attrs())(0, "alpha", 0.01)); alpha > 0 {
			return g.where(g.above(y, 0), dy, g.scale(dy, alpha))
		}
	}
	return 0
}

// applyActivation emits the activation of a fused node.
func applyActivation(g grads, x Ref) (Ref, error) {
	param := fusedParam(g.Attrs())
	alpha := func(def float32) map[string]any { return map[string]any{"alpha": param(0, "alpha", def)} }
	switch name := g.Attrs().Str("activation"); name {
	case "Relu", "Sigmoid", "Tanh", "Gelu", "HardSwish", "Softplus", "Softsign":
		return g.op(name, x), nil
	case "GeluTanh", "FastGelu":
		return g.with("Gelu", map[string]any{"approximate": "tanh"}, x), nil
	case "Silu", "Swish":
		return g.op("Swish", x), nil
	case "LeakyRelu":
		return g.with(name, alpha(0.01), x), nil
	case "Elu", "ThresholdedRelu":
		return g.with(name, alpha(1), x), nil
	case "QuickGelu":
		return g.with("Swish", alpha(1.702), x), nil
	case "HardSigmoid":
		return g.with(name, map[string]any{"alpha": param(0, "alpha", 0.2), "beta": param(1, "beta", 0.5)}, x), nil
	case "Selu":
		return g.with(name, map[string]any{"alpha": param(0, "alpha", 1.67326319217681884765625),
			"gamma": param(1, "gamma", 1.05070102214813232421875)}, x), nil
	case "Clip":
		lo, hi := param(0, "alpha", -math.MaxFloat32), param(1, "beta", math.MaxFloat32)
		return g.op("Clip", x, g.num(x, float64(lo)), g.num(x, float64(hi))), nil
	default:
		return 0, Unsupported("no gradient of a fused activation (%s)", name)
	}
}

// plainAttrs are the attributes of a fused node that are not about its activation.
func plainAttrs(a Attrs) map[string]any {
	attrs := a.values()
	maps.DeleteFunc(attrs, func(name string, _ any) bool { return strings.HasPrefix(name, "activation") })
	return attrs
}
