package finetune

import "math"

// ParseInitializer reads the text form of an initialiser, such as
//
//	zeros  constant:value=0.1  uniform:low=-0.1,high=0.1  normal:std=0.02
//	xavier-uniform  xavier-normal:gain=2  kaiming-uniform  kaiming-normal:fan=out,activation=relu  orthogonal:gain=1.4
//
// kaiming-* takes an activation, and for leaky-relu its slope; without them it is that of PyTorch's Linear. uniform is from
// -0.05 to 0.05, and normal has the deviation 0.02, unless they are told otherwise.
func ParseInitializer(text string) (Initializer, error) {
	s, err := parseSettings("initialiser", text)
	if err != nil {
		return nil, err
	}
	inf := math.Inf(1)
	var out Initializer
	switch s.name {
	case "zeros":
		out = ConstantInit{}
	case "constant":
		v := ConstantInit{}
		s.number("value", &v.Value, -inf, inf)
		out = v
	case "uniform":
		v := UniformInit{-0.05, 0.05}
		s.number("low", &v.Low, -math.MaxFloat32, math.MaxFloat32)
		s.number("high", &v.High, -math.MaxFloat32, math.MaxFloat32)
		if v.Low > v.High {
			s.fail("high", "below low", "a number above it")
		}
		out = v
	case "normal":
		v := NormalInit{Std: 0.02}
		s.number("mean", &v.Mean, -inf, inf)
		s.number("std", &v.Std, 0, inf)
		out = v
	case "xavier-uniform", "xavier-normal":
		v := XavierInit{Normal: s.name == "xavier-normal"}
		s.positive("gain", &v.Gain)
		out = v
	case "kaiming-uniform", "kaiming-normal":
		out = parseKaiming(s)
	case "orthogonal":
		v := OrthogonalInit{}
		s.positive("gain", &v.Gain)
		out = v
	default:
		return nil, s.unknown("zeros", "constant", "uniform", "normal", "xavier-uniform", "xavier-normal", "kaiming-uniform", "kaiming-normal", "orthogonal")
	}
	return out, s.finish()
}

func parseKaiming(s *settings) KaimingInit {
	v := KaimingInit{Normal: s.name == "kaiming-normal"}
	fan, activation, slope := "in", "leaky-relu", math.Sqrt(5)
	s.word("fan", &fan, "in", "out")
	s.word("activation", &activation, "linear", "sigmoid", "tanh", "relu", "leaky-relu", "selu")
	s.number("slope", &slope, 0, math.Inf(1))
	v.FanOut = fan == "out"
	gain, err := ActivationGain(activation, slope)
	if err != nil && s.err == nil {
		s.err = err
	}
	v.Gain = gain
	return v
}
