package convert

import (
	"fmt"
	"slices"

	"github.com/onnxrun/onnxrun/onnx"
)

// drop removes an attribute whatever it says.
func drop(name string) func(*site) error {
	return func(s *site) error {
		s.del(name)
		return nil
	}
}

// setInt sets an attribute.
func setInt(name string, v int64) func(*site) error {
	return func(s *site) error {
		s.set(onnx.NewInt(name, v))
		return nil
	}
}

// setString sets an attribute.
func setString(name, v string) func(*site) error {
	return func(s *site) error {
		s.set(onnx.NewString(name, v))
		return nil
	}
}

// defaultInt writes down a default that the schemas do not tell.
func defaultInt(name string, v int64) func(*site) error {
	return func(s *site) error {
		if s.node.Attr(name) == nil {
			s.set(onnx.NewInt(name, v))
		}
		return nil
	}
}

// rename gives an attribute another name.
func rename(from, to string) func(*site) error {
	return func(s *site) error {
		if a := s.node.Attr(from); a != nil {
			b := *a
			b.Name = to
			s.del(from)
			s.set(&b)
		}
		return nil
	}
}

// renameOp gives an operator another name.
func renameOp(op string) func(*site) error {
	return func(s *site) error {
		s.node.OpType = op
		return nil
	}
}

// oneOf demands that a string attribute has one of some values.
func oneOf(name string, allowed ...string) func(*site) error {
	return func(s *site) error {
		v, err := s.str(name)
		if err != nil || v == "" || slices.Contains(allowed, v) {
			return err
		}
		return fmt.Errorf("%s=%s, which version %d does not have", name, v, s.to)
	}
}

// notOneOf demands that a string attribute has none of some values.
func notOneOf(name string, refused ...string) func(*site) error {
	return func(s *site) error {
		v, err := s.str(name)
		if err == nil && slices.Contains(refused, v) {
			return fmt.Errorf("%s=%s, which version %d does not have", name, v, s.to)
		}
		return err
	}
}

// renameModes replaces values of the attribute mode: pairs of old and new ones.
func renameModes(pairs ...string) func(*site) error {
	return func(s *site) error {
		mode, err := s.str("mode")
		for i := 0; err == nil && i < len(pairs); i += 2 {
			if mode == pairs[i] {
				s.set(onnx.NewString("mode", pairs[i+1]))
			}
		}
		return err
	}
}

// gridSampleDown takes the modes of GridSample back to two dimensions.
func gridSampleDown(s *site) error {
	if rank, err := s.rank(0); err != nil || rank != 4 {
		return fmt.Errorf("version %d takes pictures of two dimensions, input 0 has rank %d", s.to, rank)
	}
	return renameModes("linear", "bilinear", "cubic", "bicubic")(s)
}

// dropOnes removes a list of integers that are all 1.
func dropOnes(name string) func(*site) error {
	return func(s *site) error {
		a, err := s.given(name)
		if a == nil || err != nil {
			return err
		}
		for _, v := range a.Ints {
			if v != 1 {
				return fmt.Errorf("%s=%v, which version %d does not have", name, a.Ints, s.to)
			}
		}
		s.del(name)
		return nil
	}
}

// integerP turns the exponent of a norm into an integer.
func integerP(s *site) error {
	a, err := s.given("p")
	if a == nil || err != nil {
		return err
	}
	if p := int64(a.F); float32(p) == a.F {
		s.set(onnx.NewInt("p", p))
		return nil
	}
	return fmt.Errorf("p=%v is no integer, as version %d wants it", a.F, s.to)
}

// floatP turns the exponent of a norm into a float.
func floatP(s *site) error {
	p, err := s.int("p", 2)
	if err == nil {
		s.set(onnx.NewFloat("p", float32(p)))
	}
	return err
}

// gruDirection writes the direction that the first version of GRU misspells.
func gruDirection(s *site) error {
	d, err := s.str("direction")
	if err == nil && d == "foward" {
		s.set(onnx.NewString("direction", "forward"))
	}
	return err
}

// outputSequence says whether the whole sequence is an output.
func outputSequence(s *site) error {
	if len(s.node.Outputs) > 0 && s.node.Outputs[0] != "" {
		s.set(onnx.NewInt("output_sequence", 1))
	}
	return nil
}

// lastWindow refuses poolings whose sizes, rounded up, count a window that starts in the padding: older
// versions keep it.
func lastWindow(s *site) error {
	ceil, err := s.int("ceil_mode", 0)
	if err != nil || ceil == 0 {
		return err
	}
	in, ok1 := s.value(s.in(0)).Static()
	out, ok2 := s.value(s.node.Outputs[0]).Static()
	if !ok1 || !ok2 {
		return nil
	}
	list := func(name string, i int, def int64) int64 {
		if a := s.node.Attr(name); a != nil && i < len(a.Ints) {
			return a.Ints[i]
		}
		return def
	}
	auto, err := s.str("auto_pad")
	if err != nil || auto != "" && auto != "NOTSET" {
		return err
	}
	n := len(in) - 2
	for i := range n {
		reach := (list("kernel_shape", i, 1)-1)*list("dilations", i, 1) + 1
		stride := max(list("strides", i, 1), 1)
		span := int64(in[i+2]) + list("pads", i, 0) + list("pads", i+n, 0) - reach
		if want := (span+stride-1)/stride + 1; want != int64(out[i+2]) {
			return fmt.Errorf("axis %d has %d windows, of which version %d keeps one more", i+2, out[i+2], s.to)
		}
	}
	return nil
}
