package nn

// MaxPool takes the largest of each window of its spatial axes: [batch, channels, axes...].
type MaxPool struct {
	Kernel   Size
	Stride   Size // Kernel
	Padding  Size // 0: on both sides; or first at the begin of all axes, then at the ends
	Dilation Size // 1
	Ceil     bool // a window that does not fit whole at the end counts
}

// Apply adds the node.
func (l MaxPool) Apply(x *Value) *Value {
	b := x.b
	defer b.enter("MaxPool", "pool")()
	attrs := b.window(x, l.Kernel, l.Stride, l.Padding, l.Dilation, l.Ceil)
	return b.sole("MaxPool", attrs, x)
}

// AveragePool takes the mean of each window of its spatial axes: [batch, channels, axes...]. Zeros of the padding count,
// as in PyTorch, unless ExcludePad is set.
type AveragePool struct {
	Kernel     Size
	Stride     Size // Kernel
	Padding    Size // 0: on both sides; or first at the begin of all axes, then at the ends
	Dilation   Size // 1
	Ceil       bool // a window that does not fit whole at the end counts
	ExcludePad bool
}

// Apply adds the node.
func (l AveragePool) Apply(x *Value) *Value {
	b := x.b
	defer b.enter("AveragePool", "pool")()
	attrs := b.window(x, l.Kernel, l.Stride, l.Padding, l.Dilation, l.Ceil)
	if attrs != nil {
		attrs["count_include_pad"] = !l.ExcludePad
	}
	return b.sole("AveragePool", attrs, x)
}

// window returns the attributes of a pooling of x, nil after a mistake.
func (b *Builder) window(x *Value, kernel, stride, padding, dilation Size, ceil bool) Attrs {
	n, _, ok := b.spatial(x)
	if !ok {
		return nil
	}
	k := b.axes("Kernel", kernel, n, 0, 1)
	if len(stride) == 0 {
		stride = k
	}
	attrs := Attrs{"kernel_shape": k, "strides": b.axes("Stride", stride, n, 1, 1), "pads": b.pads(padding, n),
		"dilations": b.axes("Dilation", dilation, n, 1, 1), "ceil_mode": ceil}
	if b.err != nil {
		return nil
	}
	return attrs
}

// GlobalAveragePool takes the mean over all spatial axes: [batch, channels, axes...] becomes [batch, channels, 1...].
// A Flatten after it leaves [batch, channels].
type GlobalAveragePool struct{}

// Apply adds the node.
func (GlobalAveragePool) Apply(x *Value) *Value {
	defer x.b.enter("GlobalAveragePool", "pool")()
	return x.b.sole("GlobalAveragePool", nil, x)
}

// GlobalMaxPool takes the largest over all spatial axes: [batch, channels, axes...] becomes [batch, channels, 1...].
type GlobalMaxPool struct{}

// Apply adds the node.
func (GlobalMaxPool) Apply(x *Value) *Value {
	defer x.b.enter("GlobalMaxPool", "pool")()
	return x.b.sole("GlobalMaxPool", nil, x)
}
