package ops

import (
	"fmt"
	"math"

	"github.com/onnxrun/onnxrun/internal/kernel/resize"
	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/tensor"
)

// resizeNode is what the attributes of a Resize or Upsample say. The input fields are positions, -1 where the version lacks
// the input.
type resizeNode struct {
	spec             resize.Spec
	axes             []int64
	policy           string
	outside          float32
	roi, scale, size int
	fixed            []float32 // scales given as an attribute
}

func readResize(a Attrs) (*resizeNode, error) {
	r := &resizeNode{roi: 1, scale: 2, size: 3, axes: a.IntList("axes"), policy: a.Str("keep_aspect_ratio_policy")}
	r.outside = a.Float("extrapolation_value")
	s := &r.spec
	s.CubicA, s.Antialias, s.ExcludeOutside = -0.75, a.Bool("antialias"), a.Bool("exclude_outside")
	if x := a.Find("cubic_coeff_a"); x != nil {
		s.CubicA = float64(x.F)
	}
	if err := pick(&s.Mode, a.Str("mode"), map[string]resize.Mode{"": resize.NearestMode, "nearest": resize.NearestMode,
		"linear": resize.Linear, "bilinear": resize.Linear, "cubic": resize.Cubic}); err != nil {
		return nil, err
	}
	if err := pick(&s.Transform, a.Str("coordinate_transformation_mode"), map[string]resize.Transform{"": resize.HalfPixel,
		"half_pixel": resize.HalfPixel, "half_pixel_symmetric": resize.HalfPixelSymmetric, "pytorch_half_pixel": resize.PytorchHalfPixel,
		"align_corners": resize.AlignCorners, "asymmetric": resize.Asymmetric, "tf_half_pixel_for_nn": resize.TFHalfPixelForNN,
		"tf_crop_and_resize": resize.TFCropAndResize}); err != nil {
		return nil, err
	}
	err := pick(&s.Rounding, a.Str("nearest_mode"), map[string]resize.Rounding{"": resize.RoundPreferFloor,
		"round_prefer_floor": resize.RoundPreferFloor, "round_prefer_ceil": resize.RoundPreferCeil, "floor": resize.Floor, "ceil": resize.Ceil})
	if s.Mode == resize.NearestMode {
		s.Antialias = false
	}
	return r, err
}

// readUpsample reads an Upsample, or a Resize of version 10: scales count from position 0, and nothing can be set.
func readUpsample(a Attrs) (*resizeNode, error) {
	r, err := readResize(a)
	if err != nil {
		return nil, err
	}
	r.roi, r.scale, r.size = -1, 1, -1
	r.fixed = a.FloatList("scales")
	if a.HasAttr("height_scale") { // version 1, of pictures [N, C, H, W]
		r.fixed = []float32{1, 1, a.Float("height_scale"), a.Float("width_scale")}
	}
	r.spec.Transform, r.spec.Rounding = resize.Asymmetric, resize.Simple
	return r, nil
}

func pick[T any](dst *T, name string, from map[string]T) error {
	v, ok := from[name]
	if !ok {
		return Unsupported("Resize with %q", name)
	}
	*dst = v
	return nil
}

// axisOf returns the axis that entry i of scales, sizes and half of roi is about.
func (r *resizeNode) axisOf(i, rank int) (int, error) {
	if len(r.axes) == 0 {
		return i, nil
	}
	a := int(r.axes[i])
	if a < 0 {
		a += rank
	}
	if a < 0 || a >= rank {
		return 0, fmt.Errorf("ops: axis %d is not in a tensor of rank %d", r.axes[i], rank)
	}
	return a, nil
}

// targets returns the output shape and the scale of every axis. Either scales or sizes is not empty.
func (r *resizeNode) targets(x tensor.Shape, scales []float32, sizes []int64) (tensor.Shape, []float32, error) {
	rank := len(x)
	want := rank
	if len(r.axes) > 0 {
		want = len(r.axes)
	}
	if len(scales)+len(sizes) != want {
		return nil, nil, fmt.Errorf("ops: %d scales and %d sizes for %d axes, want exactly one of them", len(scales), len(sizes), want)
	}
	out, factor := x.Clone(), make([]float32, rank)
	for i := range factor {
		factor[i] = 1
	}
	policy := float32(0)
	for i := range want {
		a, err := r.axisOf(i, rank)
		if err != nil {
			return nil, nil, err
		}
		if len(scales) > 0 {
			size := math.Floor(float64(scales[i] * float32(x[a])))
			if !(scales[i] > 0) || size > math.MaxInt32 {
				return nil, nil, fmt.Errorf("ops: scale %v of an axis of %d is out of range", scales[i], x[a])
			}
			factor[a], out[a] = scales[i], int(size)
			continue
		}
		if sizes[i] < 0 || sizes[i] > math.MaxInt32 {
			return nil, nil, fmt.Errorf("ops: size %d is out of range", sizes[i])
		}
		factor[a], out[a] = float32(sizes[i])/float32(max(1, x[a])), int(sizes[i])
		if policy == 0 || r.policy == "not_larger" && factor[a] < policy || r.policy == "not_smaller" && factor[a] > policy {
			policy = factor[a]
		}
	}
	if len(sizes) > 0 && (r.policy == "not_larger" || r.policy == "not_smaller") {
		for i := range want {
			a, _ := r.axisOf(i, rank)
			factor[a], out[a] = policy, int(policy*float32(x[a])+0.5)
		}
	}
	return out, factor, nil
}

var (
	resizeInfer   = inferResize(readResize)
	upsampleInfer = inferResize(readUpsample)
)

func inferResize(read func(Attrs) (*resizeNode, error)) func(*InferCtx) error {
	return func(c *InferCtx) error {
		x := c.Type(0)
		if !x.Ranked {
			c.SetType(0, Unranked(x.DType))
			return nil
		}
		r, err := read(c.Attrs)
		if err != nil {
			return err
		}
		scales := r.fixed
		var sizes []Dim
		if scales == nil && r.scale < len(c.In) && c.In[r.scale].Const != nil {
			scales = tensor.Of[float32](c.In[r.scale].Const)
		}
		if len(scales) == 0 && r.size > 0 && c.Has(r.size) {
			sizes, _ = c.Exprs(r.size)
		}
		shape, static := x.Static()
		if ints, ok := constExprs(sizes); static && ok && len(scales)+len(ints) > 0 {
			out, _, err := r.targets(shape, scales, ints)
			if err != nil {
				return err
			}
			c.Set(0, x.DType, constShape(out)...)
			return nil
		}
		c.Set(0, x.DType, r.symbolic(c, x.Dims, scales, sizes)...)
		return nil
	}
}

// symbolic infers the output dimensions where some are not known.
func (r *resizeNode) symbolic(c *InferCtx, in []Dim, scales []float32, sizes []Dim) []Dim {
	out := append([]Dim(nil), in...)
	if len(scales)+len(sizes) == 0 || r.policy == "not_larger" || r.policy == "not_smaller" {
		if len(r.axes) == 0 {
			return c.FreshDims(len(in))
		}
		for i := range r.axes {
			if a, err := r.axisOf(i, len(in)); err == nil {
				out[a] = c.Fresh()
			}
		}
		return out
	}
	for i := range max(len(scales), len(sizes)) {
		if i >= len(in) {
			break
		}
		a, err := r.axisOf(i, len(in))
		if err != nil || len(r.axes) > 0 && i >= len(r.axes) {
			break
		}
		if len(sizes) > 0 {
			out[a] = sizes[i]
			continue
		}
		out[a] = scaled(c, in[a], scales[i])
	}
	return out
}

// scaled is floor(d * scale).
func scaled(c *InferCtx, d Dim, scale float32) Dim {
	if v, ok := d.Const(); ok {
		return sym.Const(int64(math.Floor(float64(scale * float32(v)))))
	}
	if s := float64(scale); s >= 1 && s == math.Floor(s) && s < 1<<20 {
		return d.Mul(sym.Const(int64(s)))
	}
	if inv := 1 / float64(scale); inv >= 1 && inv == math.Floor(inv) && inv < 1<<20 {
		return d.Div(sym.Const(int64(inv)))
	}
	return c.Fresh()
}

func constExprs(e []Dim) ([]int64, bool) {
	out := make([]int64, len(e))
	for i, d := range e {
		v, ok := d.Const()
		if !ok {
			return nil, false
		}
		out[i] = v
	}
	return out, true
}

func constShape(s tensor.Shape) []Dim {
	out := make([]Dim, len(s))
	for i, d := range s {
		out[i] = sym.Const(int64(d))
	}
	return out
}
