package window

import "fmt"

// MaxRank is the largest number of spatial axes.
const MaxRank = 6

// maxAttr bounds every attribute value, so that sizes computed from them do not overflow.
const maxAttr = 1 << 30

// AutoPad is the auto_pad attribute.
type AutoPad uint8

// The values of auto_pad.
const (
	NotSet AutoPad = iota
	SameUpper
	SameLower
	Valid
)

// ParseAutoPad reads the ONNX spelling of auto_pad; the empty string is NOTSET.
func ParseAutoPad(s string) (AutoPad, error) {
	switch s {
	case "", "NOTSET":
		return NotSet, nil
	case "SAME_UPPER":
		return SameUpper, nil
	case "SAME_LOWER":
		return SameLower, nil
	case "VALID":
		return Valid, nil
	}
	return NotSet, fmt.Errorf("window: auto_pad is one of NOTSET, SAME_UPPER, SAME_LOWER, VALID, got %q", s)
}

// Axis is one spatial axis of a sliding window: output o, kernel element k read input o*Stride + k*Dilation - Lo.
type Axis struct {
	In, Out                  int
	Kernel, Stride, Dilation int
	Lo, Hi                   int // padding before and after
}

// Extent is the distance between the first and the last element of a window, plus one.
func (a Axis) Extent() int { return (a.Kernel-1)*a.Dilation + 1 }

// Attrs are the window attributes of an ONNX node. Empty slices take their defaults: strides and dilations 1, pads 0.
type Attrs struct {
	AutoPad   AutoPad
	Kernel    []int
	Strides   []int
	Dilations []int
	Pads      []int // ONNX order: all begins, then all ends
	Ceil      bool
}

// Check tells whether the attributes fit a tensor of the given spatial rank.
func (a *Attrs) Check(rank int) error {
	if rank < 1 || rank > MaxRank {
		return fmt.Errorf("window: 1 to %d spatial axes are possible, got %d", MaxRank, rank)
	}
	if len(a.Kernel) != rank {
		return fmt.Errorf("window: kernel has %d axes, want %d", len(a.Kernel), rank)
	}
	for _, v := range []struct {
		name string
		vals []int
		want int
	}{{"strides", a.Strides, rank}, {"dilations", a.Dilations, rank}, {"pads", a.Pads, 2 * rank}} {
		if len(v.vals) != 0 && len(v.vals) != v.want {
			return fmt.Errorf("window: %s has %d values, want %d", v.name, len(v.vals), v.want)
		}
	}
	for i := range rank {
		if a.Kernel[i] < 1 || at(a.Strides, i, 1) < 1 || at(a.Dilations, i, 1) < 1 {
			return fmt.Errorf("window: kernel, strides and dilations are at least 1, got %v %v %v", a.Kernel, a.Strides, a.Dilations)
		}
		if max(a.Kernel[i], at(a.Strides, i, 1), at(a.Dilations, i, 1), at(a.Pads, i, 0), at(a.Pads, rank+i, 0)) > maxAttr {
			return fmt.Errorf("window: kernel, strides, dilations and pads are at most %d, got %v %v %v %v",
				maxAttr, a.Kernel, a.Strides, a.Dilations, a.Pads)
		}
		if min(at(a.Pads, i, 0), at(a.Pads, rank+i, 0)) < 0 {
			return fmt.Errorf("window: pads are at least 0, got %v", a.Pads)
		}
	}
	return nil
}

func at(s []int, i, def int) int {
	if i < len(s) {
		return s[i]
	}
	return def
}

// Axis resolves spatial axis i of a tensor whose length there is in. The attributes must have passed Check.
func (a *Attrs) Axis(i, in int) (Axis, error) {
	rank := len(a.Kernel)
	x := Axis{In: in, Kernel: a.Kernel[i], Stride: at(a.Strides, i, 1), Dilation: at(a.Dilations, i, 1)}
	switch a.AutoPad {
	case SameUpper, SameLower:
		x.Out = (in + x.Stride - 1) / x.Stride
		total := max(0, (x.Out-1)*x.Stride+x.Extent()-in)
		x.Lo = total / 2
		if a.AutoPad == SameLower {
			x.Lo = total - total/2
		}
		x.Hi = total - x.Lo
		return x, nil
	case NotSet:
		x.Lo, x.Hi = at(a.Pads, i, 0), at(a.Pads, rank+i, 0)
	}
	span := in + x.Lo + x.Hi - x.Extent()
	if span < 0 {
		return x, fmt.Errorf("window: axis %d: window of %d (dilated) does not fit into %d with pads %d and %d",
			i, x.Extent(), in, x.Lo, x.Hi)
	}
	x.Out = span/x.Stride + 1
	if a.Ceil { // a window that would begin in the padding behind the input is left out
		x.Out = min((span+x.Stride-1)/x.Stride+1, (in+x.Lo+x.Stride-1)/x.Stride)
	}
	return x, nil
}

// Framed reports whether a frame of this axis stays of the order of the input: extreme strides and paddings, which would
// make it large, are for plain loops.
func (a Axis) Framed() bool {
	return a.Out > 0 && a.Lo+a.Hi <= 2*a.In+64 && a.Stride <= a.In+a.Lo+a.Hi+16
}

// Taps returns the kernel elements [lo, hi) of output o that fall inside the input.
func (a Axis) Taps(o int) (lo, hi int) {
	start := o*a.Stride - a.Lo
	if start < 0 {
		lo = (-start + a.Dilation - 1) / a.Dilation
	}
	hi = min(a.Kernel, (a.In-start+a.Dilation-1)/a.Dilation)
	return min(lo, a.Kernel), max(hi, min(lo, a.Kernel))
}
