package resize

import "math"

// Mode is how values between samples are found.
type Mode uint8

// The modes.
const (
	NearestMode Mode = iota
	Linear
	Cubic
)

// Transform maps an output position to an input position.
type Transform uint8

// The transforms, named as in ONNX.
const (
	HalfPixel Transform = iota
	HalfPixelSymmetric
	PytorchHalfPixel
	AlignCorners
	Asymmetric
	TFHalfPixelForNN
	TFCropAndResize
)

// Rounding is which of two samples is nearest.
type Rounding uint8

// The roundings. Simple is that of version 10: down when enlarging, up when shrinking.
const (
	RoundPreferFloor Rounding = iota
	RoundPreferCeil
	Floor
	Ceil
	Simple
)

// Spec says how one axis is resampled.
type Spec struct {
	Mode           Mode
	Transform      Transform
	Rounding       Rounding
	Scale          float32
	Start, End     float32 // region of interest, for TFCropAndResize
	CubicA         float64
	Antialias      bool
	ExcludeOutside bool
}

// position maps output o to an input position. Like the other runtimes it computes in float32.
func (s *Spec) position(o, in, out int) float32 {
	x, scale := float32(o), s.Scale
	switch s.Transform {
	case AlignCorners:
		if out == 1 {
			return 0
		}
		return x * float32(in-1) / (s.resized(in, out) - 1)
	case Asymmetric:
		return x / scale
	case TFHalfPixelForNN:
		return (x + 0.5) / scale
	case TFCropAndResize:
		if out == 1 {
			return 0.5 * (s.Start + s.End) * float32(in-1)
		}
		return s.Start*float32(in-1) + x*(s.End-s.Start)*float32(in-1)/(s.resized(in, out)-1)
	case PytorchHalfPixel:
		if out == 1 {
			return 0
		}
	case HalfPixelSymmetric:
		adjust := float32(out) / (scale * float32(in))
		center := float32(in) / 2
		return center*(1-adjust) + (x+0.5)/scale - 0.5
	}
	return (x+0.5)/scale - 0.5
}

// resized is the length of the output before it was rounded down.
func (s *Spec) resized(in, out int) float32 {
	if v := s.Scale * float32(in); v-float32(out) > 1e-3 {
		return v
	}
	return float32(out)
}

// NewTable makes the table of an axis of in elements that becomes out.
func NewTable[T Float](s *Spec, in, out int) Table[T] {
	if in == out && s.Scale == 1 && s.Transform != TFCropAndResize {
		return IdentityTable[T](in)
	}
	t := Table[T]{In: in, Out: out}
	t.Taps, _ = s.taps()
	for o := range out {
		x := s.position(o, in, out)
		if s.Transform == TFCropAndResize && (x < 0 || x > float32(in-1)) {
			if t.Outside == nil {
				t.Outside = make([]bool, out)
			}
			t.Outside[o] = true
		}
		t.add(s, x)
	}
	return t
}

// NearestIndex returns the input position of every output, and which of them lie outside the region of interest.
func NearestIndex(s *Spec, in, out int) (index []int, outside []bool) {
	t := NewTable[float32](s, in, out)
	return t.Index, t.Outside
}

// taps returns how many samples make one output, and the first of them relative to the one below the position.
func (s *Spec) taps() (n, first int) {
	half := 1
	switch s.Mode {
	case NearestMode:
		return 1, 0
	case Cubic:
		half = 2
	}
	if s.Antialias {
		first = int(math.Floor(-float64(half)/s.support())) + 1
		return 2 * (1 - first), first
	}
	return 2 * half, 1 - half
}

// support is the scale by which an antialiasing filter is stretched.
func (s *Spec) support() float64 { return math.Min(float64(s.Scale), 1) }

// add appends the samples of one output at input position x.
func (t *Table[T]) add(s *Spec, x float32) {
	if s.Mode == NearestMode {
		t.Index = append(t.Index, clampIndex(s.nearest(x), t.In))
		return
	}
	n, first := s.taps()
	base := math.Floor(float64(x))
	frac := float64(x) - base
	w := make([]float64, n)
	sum := 0.0
	for i := range n {
		at := int(base) + first + i
		w[i] = s.weight(float64(first+i) - frac)
		if s.ExcludeOutside && (at < 0 || at >= t.In) {
			w[i] = 0
		}
		sum += w[i]
		t.Index = append(t.Index, clampIndex(at, t.In))
	}
	if !s.ExcludeOutside && !s.Antialias || sum == 0 {
		sum = 1
	}
	for _, v := range w {
		t.Weight = append(t.Weight, T(v/sum))
	}
}

// weight is the filter at distance d.
func (s *Spec) weight(d float64) float64 {
	if s.Antialias {
		d *= s.support()
	}
	d = math.Abs(d)
	if s.Mode == Linear {
		return math.Max(0, 1-d)
	}
	a := s.CubicA
	switch {
	case d <= 1:
		return ((a+2)*d-(a+3))*d*d + 1
	case d < 2:
		return ((a*d-5*a)*d+8*a)*d - 4*a
	}
	return 0
}

// nearest rounds a position.
func (s *Spec) nearest(x float32) int {
	v := float64(x)
	switch s.Rounding {
	case Floor:
		return int(math.Floor(v))
	case Ceil:
		return int(math.Ceil(v))
	case RoundPreferCeil:
		return int(math.Floor(v + 0.5))
	case Simple:
		if s.Scale < 1 {
			return int(math.Ceil(v))
		}
		return int(math.Floor(v))
	}
	return int(math.Ceil(v - 0.5))
}

func clampIndex(i, n int) int { return max(0, min(i, n-1)) }
