package convert

import (
	"fmt"
	"slices"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// upsampleScales turns the scales of height and width into a list for all axes.
func upsampleScales(s *site) error {
	h, err := s.given("height_scale")
	if err != nil {
		return err
	}
	w, err := s.given("width_scale")
	if err != nil {
		return err
	}
	s.del("height_scale", "width_scale")
	if h == nil || w == nil {
		return fmt.Errorf("no scales")
	}
	s.set(onnx.NewFloats("scales", 1, 1, h.F, w.F))
	return nil
}

// upsampleSides turns the list of scales into those of height and width.
func upsampleSides(s *site) error {
	a, err := s.given("scales")
	if err != nil {
		return err
	}
	if a == nil || len(a.Floats) != 4 || a.Floats[0] != 1 || a.Floats[1] != 1 {
		return fmt.Errorf("version %d scales height and width only", s.to)
	}
	s.del("scales")
	s.set(onnx.NewFloat("height_scale", a.Floats[2]))
	s.set(onnx.NewFloat("width_scale", a.Floats[3]))
	return nil
}

// upsampleInput turns the scales into an input.
func upsampleInput(s *site) error {
	a, err := s.given("scales")
	if a == nil || err != nil {
		return err
	}
	s.del("scales")
	s.setIn(1, s.floats(a.Floats...))
	return nil
}

// floats makes a constant list.
func (s *site) floats(v ...float32) string { return s.tensor(tensor.FromSlice(v, len(v))) }

// upsampleAttribute turns the scales into an attribute.
func upsampleAttribute(s *site) error {
	scales, err := s.scales(1)
	if err == nil {
		s.cutIn(1)
		s.set(onnx.NewFloats("scales", scales...))
	}
	return err
}

// scales returns input i, which must be constant floats.
func (s *site) scales(i int) ([]float32, error) {
	t, err := s.constant(i)
	if err != nil {
		return nil, err
	}
	if t.DType() != tensor.Float32 {
		return nil, fmt.Errorf("input %d (%s) is %v, want float32", i, s.in(i), t.DType())
	}
	return tensor.Of[float32](t), nil
}

// resizeToUpsample calls a Resize that does not shrink an Upsample.
func resizeToUpsample(s *site) error {
	scales, err := s.scales(1)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(scales, func(v float32) bool { return v < 1 }) {
		return fmt.Errorf("scales %v, where version %d only enlarges", scales, s.to)
	}
	s.node.OpType = "Upsample"
	return nil
}

// resizeModes says how version 10 found coordinates.
func resizeModes(s *site) error {
	scales := s.in(1)
	s.setIn(1, s.floats())
	s.setIn(2, scales)
	s.set(onnx.NewString("coordinate_transformation_mode", "asymmetric"))
	s.set(onnx.NewString("nearest_mode", "floor"))
	return nil
}

// resizeNoModes drops what version 10 does anyway.
func resizeNoModes(s *site) error {
	scales, err := s.resizeScales()
	if err != nil {
		return err
	}
	mode, err := s.str("mode")
	if err != nil {
		return err
	}
	coordinates, err := s.str("coordinate_transformation_mode")
	if err != nil {
		return err
	}
	nearest, err := s.str("nearest_mode")
	if err != nil {
		return err
	}
	switch {
	case mode == "cubic":
		return fmt.Errorf("mode=cubic, which version %d does not have", s.to)
	case coordinates == "asymmetric" && (mode == "linear" || nearest == "floor"):
	case mode == "nearest" && integral(scales) && (nearest == "round_prefer_floor" || nearest == "round_prefer_ceil") &&
		(coordinates == "half_pixel" || coordinates == "pytorch_half_pixel"):
		// whole factors have each element repeated
	case mode == "nearest" && integral(scales) && nearest == "floor" && coordinates == "asymmetric":
	default:
		return fmt.Errorf("coordinates %s, %s, where version %d has asymmetric ones", coordinates, nearest, s.to)
	}
	s.del("coordinate_transformation_mode", "nearest_mode", "cubic_coeff_a", "extrapolation_value")
	s.cutIn(1)
	s.setIn(1, s.floats(scales...))
	return nil
}

func integral(scales []float32) bool {
	return !slices.ContainsFunc(scales, func(v float32) bool { return v < 1 || v != float32(int(v)) })
}

// resizeScales returns the scales of a Resize, or the quotients of its sizes and those of the input.
func (s *site) resizeScales() ([]float32, error) {
	if s.in(3) == "" {
		return s.scales(2)
	}
	sizes, err := s.ints(3)
	if err != nil {
		return nil, err
	}
	shape, err := s.shape(0)
	if err != nil {
		return nil, err
	}
	if len(sizes) != len(shape) {
		return nil, fmt.Errorf("%d sizes for rank %d", len(sizes), len(shape))
	}
	out := make([]float32, len(sizes))
	for i, n := range sizes {
		if shape[i] == 0 {
			return nil, fmt.Errorf("input 0 (%s) is empty", s.in(0))
		}
		out[i] = float32(n) / float32(shape[i])
		if int64(out[i]*float32(shape[i])) != n {
			return nil, fmt.Errorf("no scale makes %d of %d", n, shape[i])
		}
	}
	return out, nil
}

// resizeHalfPixel replaces a mode that version 13 does not have: (x+0.5)/scale, rounded down, is the middle
// of the pixel rounded to the nearest.
func resizeHalfPixel(s *site) error {
	coordinates, err := s.str("coordinate_transformation_mode")
	if err != nil || coordinates != "tf_half_pixel_for_nn" {
		return err
	}
	nearest, err := s.str("nearest_mode")
	if err != nil {
		return err
	}
	if nearest != "floor" {
		return fmt.Errorf("coordinates %s with %s, which version %d does not have", coordinates, nearest, s.to)
	}
	s.set(onnx.NewString("coordinate_transformation_mode", "half_pixel"))
	s.set(onnx.NewString("nearest_mode", "round_prefer_ceil"))
	return nil
}

// resizeEmpty gives a Resize empty regions and scales.
func resizeEmpty(s *site) error {
	for i := 1; i <= 2; i++ {
		if s.in(i) == "" {
			s.setIn(i, s.floats())
		}
	}
	return nil
}

// resizeAllAxes writes scales, sizes and regions for all axes.
func resizeAllAxes(s *site) error {
	antialias, err := s.int("antialias", 0)
	if err != nil {
		return err
	}
	policy, err := s.str("keep_aspect_ratio_policy")
	if err != nil {
		return err
	}
	if antialias != 0 || policy != "stretch" && s.in(3) != "" {
		return fmt.Errorf("antialias=%d and keep_aspect_ratio_policy=%s, which version %d does not have", antialias, policy, s.to)
	}
	s.del("antialias", "keep_aspect_ratio_policy")
	axes, err := s.given("axes")
	if axes == nil || err != nil {
		return err
	}
	s.del("axes")
	rank, err := s.rank(0)
	if err != nil {
		return err
	}
	list := fromFront(axes.Ints, rank)
	if slices.ContainsFunc(list, func(a int64) bool { return a < 0 || a >= int64(rank) }) {
		return fmt.Errorf("axes %v of rank %d", axes.Ints, rank)
	}
	return s.resizeParts(list, rank)
}

func (s *site) resizeParts(axes []int64, rank int) error {
	if s.in(1) != "" {
		roi, err := s.scales(1)
		if err != nil {
			return err
		}
		full := append(make([]float32, rank), slices.Repeat([]float32{1}, rank)...)
		for i := 0; i < len(axes) && len(roi) == 2*len(axes); i++ {
			full[axes[i]], full[int(axes[i])+rank] = roi[i], roi[len(axes)+i]
		}
		s.setIn(1, s.floats(full...))
	}
	if s.in(3) != "" {
		sizes, err := s.ints(3)
		if err != nil {
			return err
		}
		shape, err := s.shape(0)
		if err != nil || len(sizes) != len(axes) {
			return fmt.Errorf("sizes %v of axes %v: %w", sizes, axes, err)
		}
		full := longs(shape)
		for i, a := range axes {
			full[a] = sizes[i]
		}
		s.setIn(3, s.vector(full...))
		return nil
	}
	scales, err := s.scales(2)
	if err != nil || len(scales) != len(axes) {
		return fmt.Errorf("scales %v of axes %v: %w", scales, axes, err)
	}
	full := slices.Repeat([]float32{1}, rank)
	for i, a := range axes {
		full[a] = scales[i]
	}
	s.setIn(2, s.floats(full...))
	return nil
}

// roiAlignDown drops the mode that version 10 has anyway.
func roiAlignDown(s *site) error {
	mode, err := s.str("coordinate_transformation_mode")
	if err != nil {
		return err
	}
	if mode != "output_half_pixel" {
		return fmt.Errorf("coordinates %s, where version %d has output_half_pixel", mode, s.to)
	}
	s.del("coordinate_transformation_mode")
	return nil
}
