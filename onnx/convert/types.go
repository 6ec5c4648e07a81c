package convert

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// protoName returns the name of an element type in TensorProto.
func protoName(d tensor.DType) string {
	switch d {
	case tensor.Float32:
		return "FLOAT"
	case tensor.Float64:
		return "DOUBLE"
	}
	return strings.ToUpper(d.String())
}

// castNumber turns the name of a Cast's type into its number.
func castNumber(s *site) error {
	a, err := s.given("to")
	if a == nil || err != nil {
		return err
	}
	for d := tensor.Undefined + 1; d < tensor.NumDTypes; d++ {
		if protoName(d) == strings.ToUpper(string(a.S)) {
			s.set(onnx.NewInt("to", int64(d)))
			return nil
		}
	}
	return fmt.Errorf("to=%q is no element type", a.S)
}

// castName turns the number of a Cast's type into its name.
func castName(s *site) error {
	a, err := s.given("to")
	if a == nil || err != nil {
		return err
	}
	s.set(s.castTo(tensor.DType(a.I)))
	return nil
}

var float8 = []tensor.DType{tensor.Float8E4M3FN, tensor.Float8E4M3FNUZ, tensor.Float8E5M2, tensor.Float8E5M2FNUZ, tensor.Float8E8M0}

// dropCast removes an attribute that is about casts to float8 only.
func dropCast(name string) func(*site) error {
	return func(s *site) error {
		to, err := s.given("to")
		if err == nil && to != nil && !slices.Contains(float8, tensor.DType(to.I)) {
			s.del(name)
		}
		return err
	}
}

// castLike puts a Cast in place of a CastLike.
func castLike(s *site) error {
	d, err := s.dtype(1)
	if err != nil {
		return err
	}
	return s.replaceBy("Cast", []string{s.in(0)}, s.castTo(d))
}

// through computes a node of one output in another element type.
func (s *site) through(own, via tensor.DType) {
	s.setIn(0, s.cast(s.in(0), via))
	inner, outer := s.detach(0)
	s.emitAfter(outer, "Cast", []string{inner}, s.castTo(own))
}

// throughFloat takes integers through float32, where the next version has floats only.
func throughFloat(s *site) error {
	if d := s.value(s.in(0)).DType; d.IsInt() {
		s.through(d, tensor.Float32)
	}
	return nil
}

// throughInt32 takes integers of 8 bits through int32.
func throughInt32(s *site) error {
	if d := s.value(s.in(0)).DType; d == tensor.Int8 || d == tensor.Uint8 {
		s.through(d, tensor.Int32)
	}
	return nil
}

// throughUint8 takes truth values through uint8.
func throughUint8(s *site) error {
	if d := s.value(s.in(0)).DType; d == tensor.Bool {
		s.through(d, tensor.Uint8)
	}
	return nil
}

// constantDense makes a sparse constant dense.
func constantDense(s *site) error {
	a, err := s.given("sparse_value")
	if a == nil || err != nil {
		return err
	}
	v := s.value(s.node.Outputs[0])
	if v.Const == nil {
		return fmt.Errorf("the sparse value cannot be made dense")
	}
	s.del("sparse_value")
	s.set(onnx.NewTensor("value", tensor.NewProto("", v.Const)))
	return nil
}

// constantTensor makes a tensor of numbers and strings in the attributes of a Constant.
func constantTensor(s *site) error {
	var t *tensor.Tensor
	for _, a := range s.node.Attributes {
		if _, err := s.given(a.Name); err != nil {
			return err
		}
		switch a.Name {
		case "value_float":
			t = tensor.Scalar(a.F)
		case "value_floats":
			t = tensor.FromSlice(a.Floats, len(a.Floats))
		case "value_int":
			t = tensor.Scalar(a.I)
		case "value_ints":
			t = tensor.FromSlice(a.Ints, len(a.Ints))
		case "value_string":
			t = tensor.Scalar(string(a.S))
		case "value_strings":
			t = tensor.FromSlice(texts(a.Strings), len(a.Strings))
		default:
			return nil
		}
	}
	if t != nil {
		s.node.Attributes = []*onnx.Attribute{onnx.NewTensor("value", tensor.NewProto("", t))}
	}
	return nil
}

func texts(list [][]byte) []string {
	out := make([]string, len(list))
	for i, b := range list {
		out[i] = string(b)
	}
	return out
}

// wholeAxis drops the axis of a quantisation with one scale.
func wholeAxis(scale int) func(*site) error {
	return func(s *site) error {
		if shape, err := s.shape(scale); err == nil && shape.Len() == 1 {
			s.del("axis")
			return nil
		}
		return fmt.Errorf("version %d has one scale for all elements, not some for each axis", s.to)
	}
}

// outputDType drops the element type of a DequantizeLinear's output where it is that of the scale.
func outputDType(s *site) error {
	a, err := s.given("output_dtype")
	if a == nil || err != nil {
		return err
	}
	if d, err := s.dtype(1); err == nil && int64(d) == a.I {
		s.del("output_dtype")
	}
	return nil
}

// quantizedType drops the element type of a QuantizeLinear's output: the zero point has it.
func quantizedType(s *site) error {
	a, err := s.given("output_dtype")
	if a == nil || err != nil || a.I == 0 {
		return err
	}
	s.del("output_dtype")
	if s.in(2) != "" {
		return nil
	}
	shape, err := s.shape(1)
	if err != nil {
		return err
	}
	d := tensor.DType(a.I)
	if !d.Valid() {
		return fmt.Errorf("output_dtype=%d is no element type", a.I)
	}
	s.setIn(2, s.tensor(tensor.New(d, shape...)))
	return nil
}

// rangeStash drops the precision in which a Range of full precision adds up.
func rangeStash(s *site) error {
	d, err := s.dtype(0)
	if err == nil && d != tensor.Float16 && d != tensor.BFloat16 {
		s.del("stash_type")
	}
	return nil
}

// powOneType gives base and exponent of a Pow one floating type.
func powOneType(s *site) error {
	base, err := s.dtype(0)
	if err != nil {
		return err
	}
	exponent, err := s.dtype(1)
	if err != nil {
		return err
	}
	switch {
	case base.IsInt():
		s.through(base, tensor.Float64)
		s.setIn(1, s.cast(s.in(1), tensor.Float64))
	case base != exponent:
		s.setIn(1, s.cast(s.in(1), base))
	}
	return nil
}

// constantFloats makes initializers of constants that are no floats, or casts them.
func constantFloats(s *site) error {
	a, err := s.given("value")
	if err != nil {
		return err
	}
	if a == nil || a.T == nil {
		return fmt.Errorf("no value")
	}
	t, err := a.T.Value()
	if err != nil {
		return err
	}
	if d := t.DType(); d == tensor.Float32 || d == tensor.Float64 || d == tensor.Float16 {
		return nil
	}
	out := s.node.Outputs[0]
	if s.scope.outer == nil && s.isModel {
		s.initializers = append(s.initializers, renamedTensor(a.T, out))
		s.node = nil
		return nil
	}
	return s.replaceBy("Identity", []string{s.tensor(t)})
}

// equalDown compares what version 7 of Equal cannot: floats by what they are not, other integers as int64.
func equalDown(s *site) error {
	d, err := s.dtype(0)
	if err != nil {
		return err
	}
	a, b := s.in(0), s.in(1)
	switch d {
	case tensor.Bool, tensor.Int32, tensor.Int64:
		return nil
	case tensor.Int8, tensor.Int16, tensor.Uint8, tensor.Uint16, tensor.Uint32, tensor.Uint64:
		wide := tensor.Int64 // a bijection for uint64, too
		return s.replaceBy("Equal", []string{s.cast(a, wide), s.cast(b, wide)})
	case tensor.Float16, tensor.Float32, tensor.Float64:
	default:
		return fmt.Errorf("input 0 (%s) is %v, which version %d does not allow", a, d, s.to)
	}
	differ := s.emit("Or", []string{s.emit("Less", []string{a, b}), s.emit("Less", []string{b, a})})
	none := s.emit("Or", []string{s.emit("IsNaN", []string{a}), s.emit("IsNaN", []string{b})})
	return s.replaceBy("Not", []string{s.emit("Or", []string{differ, none})})
}

// triluMask keeps the triangle of matrices of a known size, by comparing the number of each diagonal.
func triluMask(s *site) error {
	shape, err := s.shape(0)
	if err != nil {
		return err
	}
	upper, err := s.int("upper", 1)
	if err != nil {
		return err
	}
	d, err := s.dtype(0)
	if err != nil {
		return err
	}
	rank := len(shape)
	if rank < 2 {
		return fmt.Errorf("rank %d", rank)
	}
	rows, cols := shape[rank-2], shape[rank-1]
	if rows != 0 && cols > maxMask/rows {
		return fmt.Errorf("matrices of %d x %d are too large for a constant", rows, cols)
	}
	diagonals := make([]int64, rows*cols)
	for i := range diagonals {
		diagonals[i] = int64(i%cols) - int64(i/cols)
	}
	k := s.in(1)
	if k == "" {
		k = s.tensor(tensor.Scalar(int64(0)))
	}
	compared := []string{s.tensor(tensor.FromSlice(diagonals, rows, cols)), k}
	if upper == 0 {
		slices.Reverse(compared)
	}
	kept := s.emit("Not", []string{s.emit("Less", compared)})
	return s.replaceBy("Where", []string{kept, s.in(0), s.tensor(tensor.New(d))})
}

// maxMask bounds the elements of constants that adapters compute.
const maxMask = 1 << 22
