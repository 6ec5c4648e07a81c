package nn

import "slices"

// BatchNorm normalises each channel of [batch, channels, ...] by the mean and variance of its running statistics. Where
// finetune.Spec.BatchNorm says so, training normalises by those of the batch, by ONNX's rule, and moves the running ones:
// running = Momentum * running + (1 - Momentum) * batch, both with the biased variance.
//
// Weights, each [channels]: weight (ones), bias (zeros), running_mean (zeros), running_var (ones).
type BatchNorm struct {
	Epsilon  float64 // 1e-5
	Momentum float64 // 0.9, which PyTorch calls 0.1
}

// Apply adds the node and its weights.
func (l BatchNorm) Apply(x *Value) *Value {
	b := x.b
	defer b.enter("BatchNorm", "bn")()
	if !b.ranked(x, 2, 5) {
		return b.none()
	}
	n, ok := b.sized(x, 1)
	if !ok {
		return b.none()
	}
	d := x.DType()
	args := []*Value{x, b.Weight("weight", ones, d, n), b.Weight("bias", zeros, d, n),
		b.Weight("running_mean", zeros, d, n), b.Weight("running_var", ones, d, n)}
	return b.sole("BatchNormalization", Attrs{"epsilon": orDefault(l.Epsilon, 1e-5), "momentum": orDefault(l.Momentum, 0.9)}, args...)
}

// LayerNorm normalises over the last Axes axes by their mean and variance.
//
// Weights, of the shape of these axes: weight (ones), bias (zeros).
type LayerNorm struct {
	Axes    int     // 1
	Epsilon float64 // 1e-5
	NoBias  bool
}

// Apply adds the node and its weights.
func (l LayerNorm) Apply(x *Value) *Value {
	b := x.b
	defer b.enter("LayerNorm", "norm")()
	axes := orDefault(l.Axes, 1)
	shape, ok := b.trailing(x, axes)
	if !ok {
		return b.none()
	}
	args := []*Value{x, b.Weight("weight", ones, x.DType(), shape...)}
	if !l.NoBias {
		args = append(args, b.Weight("bias", zeros, x.DType(), shape...))
	}
	return b.sole("LayerNormalization", Attrs{"axis": -axes, "epsilon": orDefault(l.Epsilon, 1e-5)}, args...)
}

// RMSNorm divides by the root of the mean square over the last Axes axes.
//
// Weights, of the shape of these axes: weight (ones).
type RMSNorm struct {
	Axes    int     // 1
	Epsilon float64 // 1e-5
}

// Apply adds the node and its weight.
func (l RMSNorm) Apply(x *Value) *Value {
	b := x.b
	defer b.enter("RMSNorm", "norm")()
	axes := orDefault(l.Axes, 1)
	shape, ok := b.trailing(x, axes)
	if !ok {
		return b.none()
	}
	w := b.Weight("weight", ones, x.DType(), shape...)
	return b.sole("RMSNormalization", Attrs{"axis": -axes, "epsilon": orDefault(l.Epsilon, 1e-5)}, x, w)
}

// trailing returns the sizes of the last axes of x, which must be known.
func (b *Builder) trailing(x *Value, axes int) (shape []int, ok bool) {
	if b.err == nil && (axes < 1 || axes >= x.Rank()) {
		b.fail("Axes is %d for %v, want at least 1 and less than the rank", axes, x)
	}
	for i := axes; i > 0; i-- {
		n, ok := b.sized(x, -i)
		if !ok {
			return nil, false
		}
		shape = append(shape, n)
	}
	return shape, true
}

// GroupNorm splits the channels of [batch, channels, axes...] into groups and normalises each by the mean and variance over
// its channels and all spatial axes.
//
// Weights, each [channels]: weight (ones), bias (zeros).
type GroupNorm struct {
	Groups  int
	Epsilon float64 // 1e-5
}

// Apply adds the node and its weights.
func (l GroupNorm) Apply(x *Value) *Value {
	b := x.b
	defer b.enter("GroupNorm", "norm")()
	args, ok := b.perChannel(x)
	if !ok || !b.positive("Groups", l.Groups) {
		return b.none()
	}
	if n, _ := x.Dim(1); n%l.Groups != 0 {
		return b.fail("%d channels, want a multiple of Groups, %d", n, l.Groups)
	}
	return b.sole("GroupNormalization", Attrs{"num_groups": l.Groups, "epsilon": orDefault(l.Epsilon, 1e-5)}, args...)
}

// InstanceNorm normalises each channel of each sample of [batch, channels, axes...] over all spatial axes.
//
// Weights, each [channels]: weight (ones), bias (zeros).
type InstanceNorm struct {
	Epsilon float64 // 1e-5
}

// Apply adds the node and its weights.
func (l InstanceNorm) Apply(x *Value) *Value {
	b := x.b
	defer b.enter("InstanceNorm", "norm")()
	args, ok := b.perChannel(x)
	if !ok {
		return b.none()
	}
	return b.sole("InstanceNormalization", Attrs{"epsilon": orDefault(l.Epsilon, 1e-5)}, args...)
}

// perChannel returns x with a weight and a bias for each channel.
func (b *Builder) perChannel(x *Value) (args []*Value, ok bool) {
	_, n, ok := b.spatial(x)
	if !ok {
		return nil, false
	}
	return slices.Concat([]*Value{x, b.Weight("weight", ones, x.DType(), n), b.Weight("bias", zeros, x.DType(), n)}), b.err == nil
}
