package convert

import (
	"fmt"
	"math"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/tensor"
)

// clipInputs turns the bounds of a Clip into inputs.
func clipInputs(s *site) error {
	d, err := s.dtype(0)
	if err != nil {
		return err
	}
	for i, name := range []string{"min", "max"} {
		a, err := s.attr(name)
		if err != nil {
			return err
		}
		s.del(name)
		if a == nil || math.IsInf(float64(a.F), 0) || d == tensor.Float16 && math.Abs(float64(a.F)) > 65504 {
			continue // no bound
		}
		v, err := s.scalar(d, float64(a.F))
		if err != nil {
			return err
		}
		s.setIn(i+1, v)
	}
	return nil
}

// clipAttributes turns the bounds of a Clip into attributes, and into Max and Min where they are not constant.
func clipAttributes(s *site) error {
	low, high := float32(math.Inf(-1)), float32(math.Inf(1))
	var err error
	if s.in(1) != "" {
		low, err = s.floatOf(1)
	}
	if s.in(2) != "" && err == nil {
		high, err = s.floatOf(2)
	}
	if err == nil {
		s.set(onnx.NewFloat("min", low))
		s.set(onnx.NewFloat("max", high))
		s.cutIn(1)
		return nil
	}
	x := s.in(0)
	if s.in(1) != "" {
		x = s.emit("Max", []string{x, s.in(1)})
	}
	if s.in(2) != "" {
		x = s.emit("Min", []string{x, s.in(2)})
	}
	return s.replaceBy("Identity", []string{x})
}

// clipIntegers compares integers with the bounds and chooses.
func clipIntegers(s *site) error {
	d, err := s.dtype(0)
	if err != nil || !d.IsInt() {
		return err
	}
	x := s.in(0)
	if low := s.in(1); low != "" {
		x = s.emit("Where", []string{s.emit("Less", []string{x, low}), low, x})
	}
	if high := s.in(2); high != "" {
		x = s.emit("Where", []string{s.emit("Less", []string{high, x}), high, x})
	}
	return s.replaceBy("Identity", []string{x})
}

// reluIntegers takes the larger of zero and an integer.
func reluIntegers(s *site) error {
	d, err := s.dtype(0)
	if err != nil || !d.IsInt() {
		return err
	}
	zero, err := s.scalar(d, 0)
	if err != nil {
		return err
	}
	return s.replaceBy("Max", []string{s.in(0), zero})
}

// celu is alpha Elu(x/alpha).
func celu(s *site) error {
	_, alpha, err := s.alpha()
	if err != nil {
		return err
	}
	y := s.emit("Elu", []string{s.emit("Div", []string{s.in(0), alpha})}, onnx.NewFloat("alpha", 1))
	return s.replaceBy("Mul", []string{y, alpha})
}

// alpha returns the element type of the first input and the attribute alpha as a scalar of it.
func (s *site) alpha() (d tensor.DType, name string, err error) {
	if d, err = s.dtype(0); err != nil {
		return d, "", err
	}
	a, err := s.attr("alpha")
	if err != nil {
		return d, "", err
	}
	name, err = s.scalar(d, float64(a.F))
	return d, name, err
}

// swish is x Sigmoid(alpha x).
func swish(s *site) error {
	_, alpha, err := s.alpha()
	if err != nil {
		return err
	}
	y := s.emit("Sigmoid", []string{s.emit("Mul", []string{s.in(0), alpha})})
	return s.replaceBy("Mul", []string{s.in(0), y})
}

// gelu is x/2 (1 + erf(x/sqrt 2)), or x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))).
func gelu(s *site) error {
	d, err := s.dtype(0)
	if err != nil {
		return err
	}
	approximate, err := s.str("approximate")
	if err != nil {
		return err
	}
	number := func(v float64) string {
		name, scalarErr := s.scalar(d, v)
		if scalarErr != nil {
			err = scalarErr
		}
		return name
	}
	x := s.in(0)
	var inner string
	if approximate == "tanh" {
		cube := s.emit("Mul", []string{x, s.emit("Mul", []string{x, x})})
		sum := s.emit("Add", []string{x, s.emit("Mul", []string{cube, number(0.044715)})})
		inner = s.emit("Tanh", []string{s.emit("Mul", []string{sum, number(math.Sqrt(2 / math.Pi))})})
	} else {
		inner = s.emit("Erf", []string{s.emit("Mul", []string{x, number(math.Sqrt(0.5))})})
	}
	half := s.emit("Mul", []string{x, number(0.5)})
	factor := s.emit("Add", []string{inner, number(1)})
	if err != nil {
		return err
	}
	return s.replaceBy("Mul", []string{half, factor})
}

// thresholded keeps what is greater than alpha.
func thresholded(s *site) error {
	d, alpha, err := s.alpha()
	if err != nil {
		return err
	}
	zero, err := s.scalar(d, 0)
	if err != nil {
		return err
	}
	return s.replaceBy("Where", []string{s.emit("Greater", []string{s.in(0), alpha}), s.in(0), zero})
}

// gemmZero adds nothing where C is left out.
func gemmZero(s *site) error {
	if s.in(2) != "" {
		return nil
	}
	d, err := s.dtype(0)
	if err != nil {
		return err
	}
	zero, err := s.scalar(d, 0)
	if err != nil {
		return fmt.Errorf("input C: %w", err)
	}
	s.setIn(2, zero)
	return nil
}

// modFloor gives the remainder of floats the sign of the divisor, which only the newest Mod does by itself.
func modFloor(s *site) error {
	fmod, err := s.int("fmod", 0)
	if err != nil || fmod != 0 {
		return err
	}
	d, err := s.dtype(0)
	if err != nil || !d.IsFloat() {
		return err
	}
	zero, err := s.scalar(d, 0)
	if err != nil {
		return err
	}
	x, y := s.in(0), s.in(1)
	r := s.emit("Mod", []string{x, y}, onnx.NewInt("fmod", 1))
	differ := s.emit("Xor", []string{s.emit("Less", []string{r, zero}), s.emit("Less", []string{y, zero})})
	signed := s.emit("Where", []string{differ, s.emit("Add", []string{r, y}), r})
	none := s.emit("Mul", []string{s.emit("Sign", []string{y}), zero}) // with the divisor's sign, too
	return s.replaceBy("Where", []string{s.emit("Equal", []string{r, zero}), none, signed})
}
