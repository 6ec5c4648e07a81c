package nn

import "github.com/onnxrun/onnxrun/finetune"

// Conv is a convolution of one to three spatial axes: [batch, channels, axes...] becomes [batch, Out, axes...], each axis of
// length n as (n + padding - Dilation*(Kernel-1) - 1)/Stride + 1.
//
// Weights: weight [Out, channels/Groups, Kernel...] and bias [Out], uniform within 1/sqrt(channels/Groups * the elements of
// Kernel), as PyTorch's are.
type Conv struct {
	Out      int
	Kernel   Size
	Stride   Size // 1
	Padding  Size // 0: zeros on both sides; or first those at the begin of all axes, then those at the ends
	Same     bool // as much padding as keeps the lengths; Stride is 1
	Dilation Size // 1
	Groups   int  // 1
	NoBias   bool
	Init     finetune.Initializer // of weight; nil: as above
}

// Apply adds the node and its weights.
func (l Conv) Apply(x *Value) *Value {
	b := x.b
	defer b.enter("Conv", "conv")()
	n, channels, ok := b.spatial(x)
	if !ok {
		return b.none()
	}
	groups := orDefault(l.Groups, 1)
	kernel := b.axes("Kernel", l.Kernel, n, 0, 1)
	stride := b.axes("Stride", l.Stride, n, 1, 1)
	dilation := b.axes("Dilation", l.Dilation, n, 1, 1)
	if !b.grouped(channels, l.Out, groups) {
		return b.none()
	}
	pads := b.pads(l.Padding, n)
	if l.Same {
		pads = b.samePads(l.Padding, kernel, stride, dilation)
	}
	if b.err != nil {
		return b.none()
	}
	args := []*Value{x, b.Weight("weight", orInit(l.Init, kaiming), x.DType(), append([]int{l.Out, channels / groups}, kernel...)...)}
	if !l.NoBias {
		args = append(args, b.Weight("bias", within(channels/groups*product(kernel)), x.DType(), l.Out))
	}
	return b.sole("Conv", Attrs{"kernel_shape": kernel, "strides": stride, "pads": pads, "dilations": dilation, "group": groups}, args...)
}

// grouped notes a mistake unless both numbers of channels are multiples of the number of groups.
func (b *Builder) grouped(in, out, groups int) bool {
	if !b.positive("Out", out) || !b.positive("Groups", groups) {
		return false
	}
	if in%groups != 0 || out%groups != 0 {
		b.fail("%d channels in and %d out, want multiples of Groups, %d", in, out, groups)
	}
	return b.err == nil
}

// samePads returns the padding that keeps the lengths. Of an odd number the larger half is at the end, as in PyTorch.
func (b *Builder) samePads(given Size, kernel, stride, dilation []int) []int {
	n := len(kernel)
	pads := make([]int, 2*n)
	for i := range kernel {
		if stride[i] != 1 || len(given) > 0 {
			b.fail("Same with Stride %v and Padding %v, want strides of 1 and no Padding", stride, []int(given))
			return nil
		}
		total := dilation[i] * (kernel[i] - 1)
		pads[i], pads[n+i] = total/2, total-total/2
	}
	return pads
}

// ConvTranspose is a transposed convolution of one to three spatial axes: [batch, channels, axes...] becomes
// [batch, Out, axes...], each axis of length n as (n-1)*Stride - padding + Dilation*(Kernel-1) + OutputPadding + 1.
//
// Weights: weight [channels, Out/Groups, Kernel...] and bias [Out], uniform within 1/sqrt(Out/Groups * the elements of
// Kernel), as PyTorch's are.
type ConvTranspose struct {
	Out           int
	Kernel        Size
	Stride        Size // 1
	Padding       Size // 0: how much is cut off at both sides; or first at the begin of all axes, then at the ends
	OutputPadding Size // 0: how much longer the end is
	Dilation      Size // 1
	Groups        int  // 1
	NoBias        bool
	Init          finetune.Initializer // of weight; nil: as above
}

// Apply adds the node and its weights.
func (l ConvTranspose) Apply(x *Value) *Value {
	b := x.b
	defer b.enter("ConvTranspose", "deconv")()
	n, channels, ok := b.spatial(x)
	if !ok {
		return b.none()
	}
	groups := orDefault(l.Groups, 1)
	kernel := b.axes("Kernel", l.Kernel, n, 0, 1)
	attrs := Attrs{
		"kernel_shape": kernel, "strides": b.axes("Stride", l.Stride, n, 1, 1), "pads": b.pads(l.Padding, n), "group": groups,
		"dilations": b.axes("Dilation", l.Dilation, n, 1, 1), "output_padding": b.axes("OutputPadding", l.OutputPadding, n, 0, 0),
	}
	if !b.grouped(channels, l.Out, groups) {
		return b.none()
	}
	args := []*Value{x, b.Weight("weight", orInit(l.Init, kaiming), x.DType(), append([]int{channels, l.Out / groups}, kernel...)...)}
	if !l.NoBias {
		args = append(args, b.Weight("bias", within(l.Out/groups*product(kernel)), x.DType(), l.Out))
	}
	return b.sole("ConvTranspose", attrs, args...)
}
