package rnn

import (
	"math"

	"github.com/onnxrun/onnxrun/internal/kernel/vec"
)

// ActKind names an activation function.
type ActKind uint8

// The activations.
const (
	Sigmoid         ActKind = iota
	Tanh                    // tanh(x)
	Relu                    // max(x, 0)
	Affine                  // Alpha*x + Beta
	LeakyRelu               // x, or Alpha*x below zero
	ThresholdedRelu         // x above Alpha, else 0
	ScaledTanh              // Alpha * tanh(Beta*x)
	HardSigmoid             // min(max(Alpha*x+Beta, 0), 1)
	Elu                     // x, or Alpha*(exp(x)-1) below zero
	Softsign                // x / (1+|x|)
	Softplus                // log(1+exp(x))
)

// Activation is a function applied to every element.
type Activation struct {
	Kind        ActKind
	Alpha, Beta float32
}

// apply sets dst[i] to the function of x[i]. dst may be x.
func (a Activation) apply(dst, x []float32) {
	switch a.Kind {
	case Sigmoid:
		vec.Sigmoid(dst, x)
	case Tanh:
		vec.Tanh(dst, x)
	case Relu:
		vec.Relu(dst, x)
	case Affine:
		vec.ScaleShift(dst, x, a.Alpha, a.Beta)
	case LeakyRelu:
		vec.LeakyRelu(dst, x, a.Alpha)
	case ScaledTanh:
		vec.ScaleShift(dst, x, a.Beta, 0)
		vec.Tanh(dst, dst)
		vec.ScaleShift(dst, dst, a.Alpha, 0)
	case HardSigmoid:
		vec.HardSigmoid(dst, x, a.Alpha, a.Beta)
	case Elu:
		vec.Elu(dst, x, a.Alpha)
	case Softplus:
		vec.Softplus(dst, x)
	default:
		for i, v := range x {
			dst[i] = float32(a.of(float64(v)))
		}
	}
}

// of returns the function of x.
func (a Activation) of(x float64) float64 {
	alpha, beta := float64(a.Alpha), float64(a.Beta)
	switch a.Kind {
	case Sigmoid:
		return 1 / (1 + math.Exp(-x))
	case Tanh:
		return math.Tanh(x)
	case Relu:
		return max(x, 0)
	case Affine:
		return alpha*x + beta
	case ScaledTanh:
		return alpha * math.Tanh(beta*x)
	case HardSigmoid:
		return min(max(alpha*x+beta, 0), 1)
	case Softsign:
		return x / (1 + math.Abs(x))
	case Softplus:
		return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x)))
	case ThresholdedRelu:
		if x > alpha {
			return x
		}
		return 0
	}
	switch {
	case x >= 0 || x != x:
		return x
	case a.Kind == LeakyRelu:
		return alpha * x
	}
	return alpha * math.Expm1(x)
}

// slope returns the derivative of the function at x.
func (a Activation) slope(x float64) float64 {
	alpha, beta := float64(a.Alpha), float64(a.Beta)
	step := func(on bool, yes, no float64) float64 {
		if on {
			return yes
		}
		return no
	}
	switch a.Kind {
	case Sigmoid:
		y := a.of(x)
		return y * (1 - y)
	case Tanh:
		y := math.Tanh(x)
		return (1 - y) * (1 + y)
	case Relu:
		return step(x > 0, 1, 0)
	case Affine:
		return alpha
	case LeakyRelu:
		return step(x > 0, 1, alpha)
	case ThresholdedRelu:
		return step(x > alpha, 1, 0)
	case ScaledTanh:
		y := math.Tanh(beta * x)
		return alpha * beta * (1 - y) * (1 + y)
	case HardSigmoid:
		y := alpha*x + beta
		return step(y > 0 && y < 1, alpha, 0)
	case Elu:
		return step(x > 0, 1, alpha*math.Exp(x))
	case Softsign:
		return 1 / ((1 + math.Abs(x)) * (1 + math.Abs(x)))
	}
	return 1 / (1 + math.Exp(-x)) // Softplus
}
