package convert

import (
	"fmt"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// labelPairs turns a list of classes into keys and values: strings become their places, or places strings.
func labelPairs(s *site) error {
	classes, err := s.given("classes_strings")
	if classes == nil || err != nil {
		return err
	}
	d, err := s.dtype(0)
	if err != nil {
		return err
	}
	s.del("classes_strings")
	places := make([]int64, len(classes.Strings))
	for i := range places {
		places[i] = int64(i)
	}
	names, numbers := "keys_strings", "values_int64s"
	if d != tensor.String {
		names, numbers = "values_strings", "keys_int64s"
	}
	s.set(onnx.NewStrings(names, texts(classes.Strings)...))
	s.set(onnx.NewInts(numbers, places...))
	return nil
}

// labelClasses turns keys and values into a list of classes.
func labelClasses(s *site) error {
	for _, pair := range [][2]string{{"keys_strings", "values_int64s"}, {"values_strings", "keys_int64s"}} {
		names, numbers := s.node.Attr(pair[0]), s.node.Attr(pair[1])
		if names == nil || numbers == nil || len(names.Strings) != len(numbers.Ints) {
			continue
		}
		for i, v := range numbers.Ints {
			if v != int64(i) {
				return fmt.Errorf("places %v, where version %d counts from 0", numbers.Ints, s.to)
			}
		}
		s.del(pair[0], pair[1])
		s.set(onnx.NewStrings("classes_strings", texts(names.Strings)...))
		s.del("default_float")
		return nil
	}
	return fmt.Errorf("version %d maps between strings and their places only", s.to)
}

// labelLists turns keys, values and default from tensors into lists.
func labelLists(s *site) error {
	for _, part := range []string{"keys", "values", "default"} {
		a, err := s.given(part + "_tensor")
		if err != nil {
			return err
		}
		if a == nil || a.T == nil {
			continue
		}
		t, err := a.T.Value()
		if err != nil {
			return err
		}
		s.del(part + "_tensor")
		b, err := listAttribute(part, t)
		if err != nil {
			return err
		}
		s.set(b)
	}
	return nil
}

func listAttribute(part string, t *tensor.Tensor) (*onnx.Attribute, error) {
	one := part == "default"
	if one && t.Len() != 1 {
		return nil, fmt.Errorf("a default of %d elements", t.Len())
	}
	switch t.DType() {
	case tensor.String:
		if one {
			return onnx.NewString("default_string", t.Strings()[0]), nil
		}
		return onnx.NewStrings(part+"_strings", t.Strings()...), nil
	case tensor.Int64:
		if one {
			return onnx.NewInt("default_int64", tensor.Of[int64](t)[0]), nil
		}
		return onnx.NewInts(part+"_int64s", tensor.Of[int64](t)...), nil
	case tensor.Float32:
		if one {
			return onnx.NewFloat("default_float", tensor.Of[float32](t)[0]), nil
		}
		return onnx.NewFloats(part+"_floats", tensor.Of[float32](t)...), nil
	}
	return nil, fmt.Errorf("labels of type %v", t.DType())
}
