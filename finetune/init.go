package finetune

import (
	"fmt"
	"math"

	"github.com/onnxrun/onnxrun/tensor"
)

// An Initializer fills a new parameter with what its training starts from. What it fills depends on the seed and stream of
// r only.
type Initializer interface {
	// Name is the initialiser's name in specifications, such as "kaiming-uniform".
	Name() string
	// Fill sets the elements of w, which has the given dimensions.
	Fill(w []float32, dims Fan, r Random) error
}

// A Fan describes a weight to an Initializer.
type Fan struct {
	Shape tensor.Shape
	In    int // inputs that an output is the sum of
	Out   int // outputs that an input is a part of
}

// A WeightLayout says which axes of a weight are which.
type WeightLayout int

// The layouts of weights. Axes after the first two are those of a kernel.
const (
	OutIn WeightLayout = iota // [out, in, kernel...]: Conv, Gemm with transB, Linear of PyTorch
	InOut                     // [in, out, kernel...]: MatMul, Gemm, ConvTranspose
)

// FanOf counts inputs and outputs as PyTorch does: channels times the size of the kernel. PyTorch itself takes the layout
// OutIn for ConvTranspose as well. A vector has none of either.
func FanOf(shape tensor.Shape, layout WeightLayout) Fan {
	f := Fan{Shape: shape}
	if len(shape) < 2 {
		return f
	}
	kernel := shape[2:].Len()
	f.In, f.Out = shape[1]*kernel, shape[0]*kernel
	if layout == InOut {
		f.In, f.Out = f.Out, f.In
	}
	return f
}

// ConstantInit fills with one number; its zero value with zeros.
type ConstantInit struct{ Value float64 }

// Name implements Initializer.
func (c ConstantInit) Name() string {
	if c.Value == 0 {
		return "zeros"
	}
	return "constant"
}

// Fill implements Initializer.
func (c ConstantInit) Fill(w []float32, _ Fan, _ Random) error {
	for i := range w {
		w[i] = float32(c.Value)
	}
	return nil
}

// UniformInit draws evenly from [Low, High).
type UniformInit struct{ Low, High float64 }

// Name implements Initializer.
func (UniformInit) Name() string { return "uniform" }

// Fill implements Initializer.
func (u UniformInit) Fill(w []float32, _ Fan, r Random) error {
	for i := range w {
		w[i] = float32(u.Low + (u.High-u.Low)*r.Uniform(uint64(i)))
	}
	return nil
}

// NormalInit draws from a Gaussian distribution.
type NormalInit struct{ Mean, Std float64 }

// Name implements Initializer.
func (NormalInit) Name() string { return "normal" }

// Fill implements Initializer.
func (n NormalInit) Fill(w []float32, _ Fan, r Random) error {
	for i := range w {
		w[i] = float32(n.Mean + n.Std*r.Normal(uint64(i)))
	}
	return nil
}

// XavierInit draws with the variance Gain*Gain*2/(in+out) (Glorot, Bengio: Understanding the difficulty of training deep
// feedforward neural networks, 2010).
type XavierInit struct {
	Normal bool    // from a Gaussian instead of a uniform distribution
	Gain   float64 // 0 means 1
}

// Name implements Initializer.
func (x XavierInit) Name() string { return "xavier-" + distribution(x.Normal) }

// Fill implements Initializer.
func (x XavierInit) Fill(w []float32, f Fan, r Random) error {
	if f.In+f.Out == 0 {
		return noFan(x.Name(), f)
	}
	return spread(w, r, x.Normal, or(x.Gain, 1)*math.Sqrt(2/float64(f.In+f.Out)))
}

// KaimingInit draws with the variance Gain*Gain/in (He et al.: Delving deep into rectifiers, 2015). Its zero value is that of
// PyTorch's Linear and Conv: uniform between -1/sqrt(in) and 1/sqrt(in).
type KaimingInit struct {
	Normal bool    // from a Gaussian instead of a uniform distribution
	FanOut bool    // with the outputs instead of the inputs
	Gain   float64 // see ActivationGain; 0 means that of leaky-relu with the slope sqrt(5), which is sqrt(1/3)
}

// Name implements Initializer.
func (k KaimingInit) Name() string { return "kaiming-" + distribution(k.Normal) }

// Fill implements Initializer.
func (k KaimingInit) Fill(w []float32, f Fan, r Random) error {
	fan := f.In
	if k.FanOut {
		fan = f.Out
	}
	if fan == 0 {
		return noFan(k.Name(), f)
	}
	return spread(w, r, k.Normal, or(k.Gain, math.Sqrt(1./3))/math.Sqrt(float64(fan)))
}

// spread draws numbers of mean 0 and the given standard deviation.
func spread(w []float32, r Random, normal bool, std float64) error {
	if normal {
		return NormalInit{Std: std}.Fill(w, Fan{}, r)
	}
	bound := math.Sqrt(3) * std
	return UniformInit{-bound, bound}.Fill(w, Fan{}, r)
}

func distribution(normal bool) string {
	if normal {
		return "normal"
	}
	return "uniform"
}

func noFan(name string, f Fan) error {
	return fmt.Errorf("finetune: initialiser %s: a weight of shape %v has no inputs and outputs, want at least 2 axes", name, f.Shape)
}

// ActivationGain returns the gain that keeps the variance of what an activation lets through, as
// torch.nn.init.calculate_gain: linear, sigmoid, tanh, relu, leaky-relu with its slope, selu.
func ActivationGain(activation string, slope float64) (float64, error) {
	switch plainName(activation) {
	case "linear", "sigmoid":
		return 1, nil
	case "tanh":
		return 5. / 3, nil
	case "relu":
		return math.Sqrt2, nil
	case "leaky-relu":
		return math.Sqrt(2 / (1 + slope*slope)), nil
	case "selu":
		return 0.75, nil
	}
	return 0, fmt.Errorf("finetune: no gain for the activation %q, want one of linear, sigmoid, tanh, relu, leaky-relu, selu", activation)
}
