package ops

import (
	"math"

	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/tensor"
)

// Activations. Attributes are settled when the kernel is made. The definitions for float64 are those of the
// standard; the float32 kernels follow them within rounding.

var (
	sigmoidKernel   = floatFunction(vec.Sigmoid, sigmoid)
	softplusKernel  = floatFunction(vec.Softplus, softplus)
	mishKernel      = floatFunction(vec.Mish, func(x float64) float64 { return x * math.Tanh(softplus(x)) })
	softsignKernel  = floatFunction(vec.Softsign, func(x float64) float64 { return x / (1 + math.Abs(x)) })
	erfGeluKernel   = floatFunction(vec.Gelu, geluErf)
	tanhGeluKernel  = floatFunction(vec.GeluTanh, tanhGelu)
	hardSwishKernel = floatFunction(vec.HardSwish, func(x float64) float64 { return x * max(0, min(1, x/6+0.5)) })
)

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// softplus is log(1+exp(x)) without overflow.
func softplus(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }

func geluErf(x float64) float64 { return x / 2 * (1 + math.Erf(x/math.Sqrt2)) }

func tanhGelu(x float64) float64 {
	return x / 2 * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
}

var (
	sigmoidGrad   = unaryGrad(func(g grads, dy, _, y Ref) Ref { return g.mul(dy, y, g.sub(g.num(y, 1), y)) })
	softplusGrad  = unaryGrad(func(g grads, dy, x, _ Ref) Ref { return g.mul(dy, g.op("Sigmoid", x)) })
	softsignGrad  = unaryGrad(func(g grads, dy, x, _ Ref) Ref { d := g.shift(g.op("Abs", x), 1); return g.div(g.div(dy, d), d) })
	erfGeluGrad   = func(c GradCtx) error { return geluRule(grads{c}, "none") }
	hardSwishGrad = unaryGrad(func(g grads, dy, x, _ Ref) Ref {
		inner := g.mul(dy, g.shift(g.scale(x, 1.0/3), 0.5))
		return g.where(g.above(x, 3), dy, g.keep(g.op("GreaterOrEqual", x, g.num(x, -3)), inner))
	})
	mishGrad = unaryGrad(func(g grads, dy, x, _ Ref) Ref {
		t := g.op("Tanh", g.op("Softplus", x))
		return g.mul(dy, g.add(t, g.mul(x, g.oneMinusSquare(t), g.op("Sigmoid", x))))
	})
)

// erfGeluSlope is the normal distribution plus x times its density.
func erfGeluSlope(g grads, x Ref) Ref {
	below := g.scale(g.shift(g.op("Erf", g.scale(x, 1/math.Sqrt2)), 1), 0.5)
	density := g.scale(g.op("Exp", g.scale(g.mul(x, x), -0.5)), 1/math.Sqrt(2*math.Pi))
	return g.add(below, g.mul(x, density))
}

// tanhGeluSlope is (1+t)/2 + x/2*(1-t*t)*u' for t = tanh(u), that is s + 2*x*s*(1-s)*u' for s = sigmoid(2u), with 1-s
// as sigmoid(-2u): nothing cancels in the tails.
func tanhGeluSlope(g grads, x Ref) Ref {
	const a, b = 0.7978845608028654, 0.044715 // sqrt(2/pi)
	square := g.mul(x, x)
	u := g.mul(g.scale(x, 2*a), g.shift(g.scale(square, b), 1))
	s := g.op("Sigmoid", u)
	slope := g.shift(g.scale(square, 6*a*b), 2*a)
	return g.mul(s, g.shift(g.mul(x, slope, g.op("Sigmoid", g.neg(u))), 1))
}

// parametric makes the kernel of one node from a float32 kernel and a definition that know its attributes.
func parametric(k *KernelCtx, f32 func(dst, x []float32), f func(float64) float64) (Kernel, error) {
	if f32 == nil {
		f32 = mapped[float32](f)
	}
	return floatKernel(k, f32, mapped[float64](f))
}

func leakyReluKernel(k *KernelCtx) (Kernel, error) {
	a := k.Float("alpha")
	return parametric(k, func(dst, x []float32) { vec.LeakyRelu(dst, x, a) }, func(x float64) float64 {
		if x < 0 {
			return float64(a) * x
		}
		return x
	})
}

func leakyReluGrad(c GradCtx) error {
	return slopeBelowZero(c, func(g grads, dy, _ Ref) Ref { return g.scale(dy, float64(g.Attrs().Float("alpha"))) })
}

// slopeBelowZero is the rule of an activation that hands on what is positive; f emits the gradient of the rest.
func slopeBelowZero(c GradCtx, f func(g grads, dy, x Ref) Ref) error {
	return unaryGrad(func(g grads, dy, x, _ Ref) Ref { return g.where(g.above(x, 0), dy, f(g, dy, x)) })(c)
}

func eluKernel(k *KernelCtx) (Kernel, error) {
	a := k.Float("alpha")
	return parametric(k, func(dst, x []float32) { vec.Elu(dst, x, a) }, func(x float64) float64 { return elu(x, float64(a)) })
}

func elu(x, alpha float64) float64 {
	if x < 0 {
		return alpha * math.Expm1(x)
	}
	return x
}

func eluGrad(c GradCtx) error {
	return slopeBelowZero(c, func(g grads, dy, x Ref) Ref {
		return g.mul(g.scale(dy, float64(g.Attrs().Float("alpha"))), g.op("Exp", x))
	})
}

func seluKernel(k *KernelCtx) (Kernel, error) {
	a, g := k.Float("alpha"), k.Float("gamma")
	return parametric(k, func(dst, x []float32) {
		vec.Elu(dst, x, a)
		vec.ScaleShift(dst, dst, g, 0)
	}, func(x float64) float64 { return float64(g) * elu(x, float64(a)) })
}

func seluGrad(c GradCtx) error {
	return unaryGrad(func(g grads, dy, x, _ Ref) Ref {
		dy = g.scale(dy, float64(g.Attrs().Float("gamma")))
		return g.where(g.above(x, 0), dy, g.mul(g.scale(dy, float64(g.Attrs().Float("alpha"))), g.op("Exp", x)))
	})(c)
}

func celuKernel(k *KernelCtx) (Kernel, error) {
	a := float64(k.Float("alpha"))
	var f32 func(dst, x []float32)
	if a == 1 {
		f32 = func(dst, x []float32) { vec.Elu(dst, x, 1) }
	}
	return parametric(k, f32, func(x float64) float64 { return max(0, x) + min(0, a*math.Expm1(x/a)) })
}

func celuGrad(c GradCtx) error {
	return slopeBelowZero(c, func(g grads, dy, x Ref) Ref {
		return g.mul(dy, g.op("Exp", g.div(x, g.num(x, float64(g.Attrs().Float("alpha"))))))
	})
}

func thresholdedReluKernel(k *KernelCtx) (Kernel, error) {
	a := k.Float("alpha")
	return parametric(k, func(dst, x []float32) { vec.ThresholdedRelu(dst, x, a) }, func(x float64) float64 {
		if x > float64(a) {
			return x
		}
		return 0
	})
}

var thresholdedReluGrad = unaryGrad(func(g grads, dy, x, _ Ref) Ref {
	return g.keep(g.above(x, float64(g.Attrs().Float("alpha"))), dy)
})

func hardSigmoidKernel(k *KernelCtx) (Kernel, error) {
	a, b := k.Float("alpha"), k.Float("beta")
	return parametric(k, func(dst, x []float32) { vec.HardSigmoid(dst, x, a, b) },
		func(x float64) float64 { return max(0, min(1, float64(a)*x+float64(b))) })
}

var hardSigmoidGrad = unaryGrad(func(g grads, dy, _, y Ref) Ref {
	inside := g.op("And", g.above(y, 0), g.below(y, 1))
	return g.keep(inside, g.scale(dy, float64(g.Attrs().Float("alpha"))))
})

func swishKernel(k *KernelCtx) (Kernel, error) {
	a := k.Float("alpha")
	return parametric(k, func(dst, x []float32) { vec.Swish(dst, x, a) },
		func(x float64) float64 { return x * sigmoid(float64(a)*x) })
}

var swishGrad = unaryGrad(func(g grads, dy, x, _ Ref) Ref { return g.mul(dy, swishSlope(g, x)) })

// swishSlope is s + a*x*s*(1-s) for s = sigmoid(a*x).
func swishSlope(g grads, x Ref) Ref {
	ax := g.scale(x, float64(g.Attrs().Float("alpha")))
	s := g.op("Sigmoid", ax)
	return g.add(s, g.mul(ax, s, g.sub(g.num(s, 1), s)))
}

func geluKernel(k *KernelCtx) (Kernel, error) {
	switch mode := k.Str("approximate"); mode {
	case "", "none":
		return erfGeluKernel(k)
	case "tanh":
		return tanhGeluKernel(k)
	default:
		return Kernel{}, Unsupported("approximate=%q", mode)
	}
}

func geluGrad(c GradCtx) error {
	return geluRule(grads{c}, c.Attrs().Str("approximate"))
}

func reluKernel(k *KernelCtx) (Kernel, error) {
	return reluFns.kernel(k)
}

var reluGrad = unaryGrad(func(g grads, dy, _, y Ref) Ref { return g.keep(g.above(y, 0), dy) })

var reluFns = numFns{vec.Relu, reluOf[float64], reluOf[int8], reluOf[int16], reluOf[int32], reluOf[int64],
	reluOf[uint8], reluOf[uint16], reluOf[uint32], reluOf[uint64]}

func reluOf[T vec.Number](dst, x []T) {
	for i, v := range x[:len(dst)] {
		dst[i] = max(v, 0)
	}
}

// Shrink moves what is beyond lambd towards zero by bias and makes the rest zero.
func shrinkKernel(k *KernelCtx) (Kernel, error) {
	lambd32, bias32 := k.Float("lambd"), k.Float("bias")
	lambd, bias := float64(lambd32), float64(bias32)
	f := func(x float64) float64 {
		switch {
		case x < -lambd:
			return x + bias
		case x > lambd:
			return x - bias
		}
		return 0
	}
	return mappedFns(func(dst, x []float32) { vec.Shrink(dst, x, lambd32, bias32) }, f, f).kernel(k)
}

var shrinkGrad = unaryGrad(func(g grads, dy, x, _ Ref) Ref {
	return g.keep(g.above(g.op("Abs", x), float64(g.Attrs().Float("lambd"))), dy)
})

// PRelu scales what is negative by a slope that broadcasts to the input. Up to version 6 the slope is one
// number, or one per channel.
var preluFns = arithFns{vec.Prelu, prelu[float64], prelu[int8], prelu[int16], prelu[int32], prelu[int64],
	prelu[uint8], prelu[uint16], prelu[uint32], prelu[uint64]}

func prelu[T vec.Number](dst, x, slope []T) {
	ms := -1
	if len(slope) == 1 {
		ms = 0
	}
	if len(x) == 1 {
		for i := range dst {
			dst[i] = preluAt(x[0], slope[i&ms])
		}
		return
	}
	for i, v := range x[:len(dst)] {
		dst[i] = preluAt(v, slope[i&ms])
	}
}

func preluAt[T vec.Number](x, slope T) T {
	if x < 0 {
		return x * slope
	}
	return x
}

func preluInfer(c *InferCtx) error {
	if err := binaryInfer(c); err != nil {
		return err
	}
	c.SetType(0, c.Type(0))
	return nil
}

func preluKernel(k *KernelCtx) (Kernel, error) { return preluFns.kernel(k) }

var preluGrad = binaryGrad(
	func(g grads, dy, x, slope, _ Ref) Ref { return g.where(g.above(x, 0), dy, g.mul(dy, slope)) },
	func(g grads, dy, x, _, _ Ref) Ref { return g.keep(g.below(x, 0), g.mul(dy, x)) },
)

func legacyPReluKernel(k *KernelCtx) (Kernel, error) {
	inner, err := preluFns.kernel(k)
	if err != nil {
		return inner, err
	}
	aligned := alignedKernel(inner, channelAxis)
	return Kernel{Run: func(c *Call) error {
		if c.In[1].Len() == 1 {
			return inner.Run(c)
		}
		return aligned.Run(c)
	}}, nil
}

// SwiGLU is swish of the first input times the second, of the same shape.
func swigluInfer(c *InferCtx) error {
	if err := binaryInfer(c); err != nil {
		return err
	}
	a, b := c.Type(0), c.Type(1)
	if a.Ranked && b.Ranked {
		return legacyFits(nil, a.Dims, b.Dims)
	}
	return nil
}

func swigluKernel(k *KernelCtx) (Kernel, error) {
	alpha := k.Float("alpha")
	f := func(dst, a, b []float32) {
		buf := floatBlocks.Get().(*[floatBlock]float32)
		defer floatBlocks.Put(buf)
		for lo := 0; lo < len(dst); lo += floatBlock {
			hi := min(lo+floatBlock, len(dst))
			vec.Swish(buf[:hi-lo], a[lo:hi], alpha)
			vec.Mul(dst[lo:hi], buf[:hi-lo], b[lo:hi])
		}
	}
	switch d := k.DType(0); d {
	case tensor.Float32:
		return sameShape(binary(f))
	case tensor.Float16:
		return sameShape(binary(vec.Half2[tensor.Float16Bits](f)))
	case tensor.BFloat16:
		return sameShape(binary(vec.Half2[tensor.BFloat16Bits](f)))
	case tensor.Float64:
		return sameShape(binary(func(dst, a, b []float64) {
			for i, x := range a[:len(dst)] {
				dst[i] = x * sigmoid(float64(alpha)*x) * b[i]
			}
		}))
	default:
		return Kernel{}, Unsupported("element type %v", d)
	}
}

// sameShape guards a kernel of two inputs that must not broadcast.
func sameShape(inner Kernel, err error) (Kernel, error) {
	return Kernel{Run: func(c *Call) error {
		if !c.In[0].Shape().Equal(c.In[1].Shape()) {
			return errBroadcast(c)
		}
		return inner.Run(c)
	}}, err
}

var swigluGrad = binaryGrad(
	func(g grads, dy, a, b, _ Ref) Ref { return g.mul(dy, b, swishSlope(g, a)) },
	func(g grads, dy, a, _, _ Ref) Ref {
		return g.mul(dy, a, g.op("Sigmoid", g.scale(a, float64(g.Attrs().Float("alpha")))))
	},
)
