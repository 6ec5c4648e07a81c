package convert

import (
	"fmt"
	"slices"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// batchNormSpatial computes the statistics of each position, which version 9 does not know.
func batchNormSpatial(s *site) error {
	spatial, err := s.int("spatial", 1)
	if err != nil {
		return err
	}
	s.del("spatial")
	if spatial != 0 {
		return nil
	}
	d, err := s.dtype(0)
	if err != nil {
		return err
	}
	epsilon, err := s.attr("epsilon")
	if err != nil {
		return err
	}
	eps, err := s.scalar(d, float64(epsilon.F))
	if err != nil {
		return err
	}
	std := s.emit("Sqrt", []string{s.emit("Add", []string{s.in(4), eps})})
	x := s.emit("Div", []string{s.emit("Sub", []string{s.in(0), s.in(3)}), std})
	return s.replaceBy("Add", []string{s.emit("Mul", []string{x, s.in(1)}), s.in(2)})
}

// batchNormTraining says in an attribute that there are running means to be made.
func batchNormTraining(s *site) error {
	outputs := trimmed(s.node.Outputs)
	if len(outputs) < 2 {
		return nil
	}
	if len(outputs) > 3 {
		return fmt.Errorf("saved means, which version %d does not have", s.to)
	}
	s.set(onnx.NewInt("training_mode", 1))
	return nil
}

// batchNormNotTraining drops the mode of a node that is not in training.
func batchNormNotTraining(s *site) error {
	training, err := s.int("training_mode", 0)
	if err != nil {
		return err
	}
	if training != 0 {
		return fmt.Errorf("training_mode=1, which version %d does not have", s.to)
	}
	s.del("training_mode")
	return nil
}

// groupNormChannels repeats scale and bias of the groups for their channels.
func groupNormChannels(s *site) error {
	groups, err := s.int("num_groups", 0)
	if err != nil {
		return err
	}
	if groups <= 0 {
		return fmt.Errorf("num_groups=%d", groups)
	}
	if s.value(s.in(0)).DType == tensor.Float64 {
		s.set(onnx.NewInt("stash_type", int64(tensor.Float64)))
	}
	var shape string
	v := s.value(s.in(0))
	if v.Ranked && len(v.Dims) > 1 {
		if c, ok := v.Dims[1].Const(); ok {
			shape = s.vector(groups, c/groups)
		}
	}
	if shape == "" {
		channels := s.emit("Slice", []string{s.emit("Shape", []string{s.in(0)}), s.vector(1), s.vector(2)})
		shape = s.emit("Concat", []string{s.vector(groups), s.emit("Div", []string{channels, s.vector(groups)})}, onnx.NewInt("axis", 0))
	}
	for i := 1; i <= 2; i++ {
		wide := s.emit("Expand", []string{s.unsqueeze(s.in(i), 1), shape})
		s.setIn(i, s.reshape(wide, -1))
	}
	return nil
}

// groupNormApart normalises groups, and scales and shifts the channels after that.
func groupNormApart(s *site) error {
	groups, err := s.int("num_groups", 0)
	if err != nil {
		return err
	}
	d, err := s.dtype(0)
	if err != nil {
		return err
	}
	rank, err := s.rank(0)
	if err != nil {
		return err
	}
	if groups <= 0 || groups > 1<<20 {
		return fmt.Errorf("num_groups=%d", groups)
	}
	scale, bias := s.trailingOnes(s.in(1), 1, rank-2), s.trailingOnes(s.in(2), 1, rank-2)
	var unit [2]string
	for i := range unit {
		t, err := tensor.FromFloat64s(d, tensor.Shape{int(groups)}, slices.Repeat([]float64{float64(1 - i)}, int(groups)))
		if err != nil {
			return err
		}
		unit[i] = s.tensor(t)
	}
	y, err := s.groupInstances(groups, unit[0], unit[1])
	if err != nil {
		return err
	}
	return s.replaceBy("Add", []string{s.emit("Mul", []string{y, scale}), bias})
}

// groupInstances normalises the groups as instances of their own.
func (s *site) groupInstances(groups int64, scale, bias string) (string, error) {
	epsilon, err := s.attr("epsilon")
	if err != nil {
		return "", err
	}
	x := s.reshape(s.in(0), 0, groups, -1)
	y := s.emit("InstanceNormalization", []string{x, scale, bias}, onnx.NewFloat("epsilon", epsilon.F))
	return s.emit("Reshape", []string{y, s.emit("Shape", []string{s.in(0)})}), nil
}

// groupNormGroups does so with scale and bias per group.
func groupNormGroups(s *site) error {
	groups, err := s.int("num_groups", 0)
	if err != nil {
		return err
	}
	y, err := s.groupInstances(groups, s.in(1), s.in(2))
	if err != nil {
		return err
	}
	return s.replaceBy("Identity", []string{y})
}

// normAxes returns the axes of a layer normalisation, counted from the back.
func (s *site) normAxes() ([]int64, error) {
	axis, err := s.int("axis", -1)
	if err != nil {
		return nil, err
	}
	if axis >= 0 {
		rank, err := s.rank(0)
		if err != nil {
			return nil, err
		}
		axis -= int64(rank)
	}
	if axis < -64 || axis >= 0 {
		return nil, fmt.Errorf("axis %d", axis)
	}
	var axes []int64
	for a := axis; a < 0; a++ {
		axes = append(axes, a)
	}
	return axes, nil
}

// stashed returns the input in the precision in which statistics are computed, and that precision.
func (s *site) stashed() (string, tensor.DType, error) {
	d, err := s.dtype(0)
	if err != nil {
		return "", d, err
	}
	stash, err := s.int("stash_type", int64(tensor.Float32))
	if err != nil || tensor.DType(stash) == d {
		return s.in(0), d, err
	}
	return s.cast(s.in(0), tensor.DType(stash)), tensor.DType(stash), nil
}

// inverse emits 1 / sqrt(mean of squares + epsilon).
func (s *site) inverse(x string, d tensor.DType, axes []int64, out string) error {
	epsilon, err := s.attr("epsilon")
	if err != nil {
		return err
	}
	eps, err := s.scalar(d, float64(epsilon.F))
	if err != nil {
		return err
	}
	variance := s.withAxes("ReduceMean", 18, s.emit("Mul", []string{x, x}), axes, onnx.NewInt("keepdims", 1))
	std := s.emit("Sqrt", []string{s.emit("Add", []string{variance, eps})})
	s.emitTo(out, "Reciprocal", []string{std})
	return nil
}

// unstashed takes a normalised value back to the input's precision.
func (s *site) unstashed(x string, d tensor.DType) (string, error) {
	own, err := s.dtype(0)
	if err != nil || own == d {
		return x, err
	}
	return s.cast(x, own), nil
}

// outputOr returns the name of output i, a new one if it is left out.
func (s *site) outputOr(i int) string {
	if i < len(s.node.Outputs) && s.node.Outputs[i] != "" {
		return s.node.Outputs[i]
	}
	return s.fresh(nodeName(s.node))
}

// layerNorm writes a layer normalisation out.
func layerNorm(s *site) error {
	axes, err := s.normAxes()
	if err != nil {
		return err
	}
	x, d, err := s.stashed()
	if err != nil {
		return err
	}
	mean := s.outputOr(1)
	if s.to < 18 {
		s.emitTo(mean, "ReduceMean", []string{x}, onnx.NewInts("axes", axes...), onnx.NewInt("keepdims", 1))
	} else {
		s.emitTo(mean, "ReduceMean", []string{x, s.vector(axes...)}, onnx.NewInt("keepdims", 1))
	}
	centred := s.emit("Sub", []string{x, mean})
	inverse := s.outputOr(2)
	if err := s.inverse(centred, d, axes, inverse); err != nil {
		return err
	}
	y, err := s.unstashed(s.emit("Mul", []string{centred, inverse}), d)
	if err != nil {
		return err
	}
	s.node.Outputs = s.node.Outputs[:1]
	if s.in(2) == "" {
		return s.replaceBy("Mul", []string{y, s.in(1)})
	}
	return s.replaceBy("Add", []string{s.emit("Mul", []string{y, s.in(1)}), s.in(2)})
}

// rmsNorm writes a normalisation by the root of the mean square out.
func rmsNorm(s *site) error {
	axes, err := s.normAxes()
	if err != nil {
		return err
	}
	x, d, err := s.stashed()
	if err != nil {
		return err
	}
	inverse := s.fresh(nodeName(s.node))
	if err := s.inverse(x, d, axes, inverse); err != nil {
		return err
	}
	y, err := s.unstashed(s.emit("Mul", []string{x, inverse}), d)
	if err != nil {
		return err
	}
	return s.replaceBy("Mul", []string{y, s.in(1)})
}

// dropoutInputs turns the ratio of a Dropout into an input.
func dropoutInputs(s *site) error {
	a, err := s.given("ratio")
	if a == nil || err != nil {
		return err
	}
	s.del("ratio")
	s.setIn(1, s.tensor(tensor.Scalar(a.F)))
	return nil
}

// dropoutAttributes turns the ratio into an attribute; without training it has no effect, so one that is not
// known does not matter.
func dropoutAttributes(s *site) error {
	if s.in(2) != "" {
		t, err := s.constant(2)
		if err != nil {
			return err
		}
		if v := tensor.Float64s(t, 1); len(v) != 1 || v[0] != 0 {
			return fmt.Errorf("in training, which version %d does not have", s.to)
		}
	}
	if s.in(1) != "" {
		if ratio, err := s.floatOf(1); err == nil {
			s.set(onnx.NewFloat("ratio", ratio))
		}
	}
	s.del("seed")
	s.cutIn(1)
	return nil
}

// maskUp gives the mask of a Dropout the element type of the data.
func maskUp(s *site) error {
	if len(trimmed(s.node.Outputs)) < 2 {
		return nil
	}
	d, err := s.dtype(0)
	if err == nil {
		inner, outer := s.detach(1)
		s.emitAfter(outer, "Cast", []string{inner}, s.castTo(d))
	}
	return err
}

// maskDown gives the mask of a Dropout truth values.
func maskDown(s *site) error {
	if len(trimmed(s.node.Outputs)) > 1 {
		inner, outer := s.detach(1)
		s.emitAfter(outer, "Cast", []string{inner}, s.castTo(tensor.Bool))
	}
	return nil
}
