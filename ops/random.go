package ops

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync/atomic"

	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/tensor"
)

// randomSource gives every run of a node its own stream of numbers. Nodes with the attribute seed repeat the same
// streams in every session.
type randomSource struct {
	seed uint64
	runs atomic.Uint64
}

func newRandomSource(a Attrs) *randomSource {
	if a.HasAttr("seed") {
		return &randomSource{seed: uint64(math.Float32bits(a.Float("seed")))}
	}
	return &randomSource{seed: rand.Uint64()}
}

// next returns the stream of the next run.
func (s *randomSource) next() (p randomStream) {
	p.Seed(s.seed, s.runs.Add(1))
	return p
}

type randomStream struct{ rand.PCG }

// unit returns a number in [0, 1).
func (p *randomStream) unit() float64 { return float64(p.Uint64()>>11) * 0x1p-53 }

// normals fills x with normally distributed numbers, by the method of Box and Muller.
func (p *randomStream) normals(x []float64) {
	for i := 0; i < len(x); i += 2 {
		r := math.Sqrt(-2 * math.Log(1-p.unit()))
		sin, cos := math.Sincos(2 * math.Pi * p.unit())
		x[i] = r * cos
		if i+1 < len(x) {
			x[i+1] = r * sin
		}
	}
}

// randomDType is the element type asked for by attribute dtype, else that of input 0.
func randomDType(a Attrs, in tensor.DType) tensor.DType {
	if d := a.Int("dtype"); d > 0 && d < int(tensor.NumDTypes) {
		return tensor.DType(d)
	}
	if in == tensor.Undefined {
		return tensor.Float32
	}
	return in
}

func randomInfer(c *InferCtx) error {
	var dims []Dim
	for _, d := range c.IntList("shape") {
		if d < 0 {
			return fmt.Errorf("ops: attribute shape is %v", c.IntList("shape"))
		}
		dims = append(dims, sym.Const(d))
	}
	c.Set(0, randomDType(c.Attrs, tensor.Undefined), dims...)
	return nil
}

func randomLikeInfer(c *InferCtx) error {
	t := c.Type(0)
	t.DType = randomDType(c.Attrs, t.DType)
	c.SetType(0, t)
	return nil
}

func randomNormalKernel(k *KernelCtx) (Kernel, error) {
	mean, scale := float64(k.Float("mean")), 1.0
	if k.HasAttr("scale") {
		scale = float64(k.Float("scale"))
	}
	return randomFill(k, func(p *randomStream, x []float64) {
		p.normals(x)
		for i, v := range x {
			x[i] = mean + scale*v
		}
	})
}

func randomUniformKernel(k *KernelCtx) (Kernel, error) {
	low, high := float64(k.Float("low")), 1.0
	if k.HasAttr("high") {
		high = float64(k.Float("high"))
	}
	return randomFill(k, func(p *randomStream, x []float64) {
		for i := range x {
			x[i] = low + (high-low)*p.unit()
		}
	})
}

// randomFill is a kernel that fills output 0 with what draw gives.
func randomFill(k *KernelCtx, draw func(p *randomStream, x []float64)) (Kernel, error) {
	if d := k.OutType(0).DType; !float.Has(d) {
		return Kernel{}, fmt.Errorf("ops: random numbers of type %v, want a type of floats in attribute dtype", d)
	}
	source, encode := newRandomSource(k.Attrs), castEncoder(nil, k.OutType(0).DType)
	const part = 512 // numbers drawn at a time
	return Kernel{Scratch: func(*Call) int { return carveBytes(part, 8) }, Run: func(c *Call) error {
		x, _ := carve[float64](c.Scratch, part)
		stream := source.next()
		for at, n := 0, c.Out[0].Len(); at < n; at += part {
			m := min(part, n-at)
			draw(&stream, x[:m])
			encode(c.Out[0], at, x[:m])
		}
		return nil
	}}, nil
}

// bernoulliKernel draws a one with the probability that each element gives.
func bernoulliKernel(k *KernelCtx) (Kernel, error) {
	d := k.OutType(0).DType
	one := []byte{1}
	if d != tensor.Bool {
		t, err := tensor.FromFloat64s(d, tensor.Shape{1}, []float64{1})
		if err != nil || d.Size() == 0 {
			return Kernel{}, Unsupported("element type %v", d)
		}
		one = t.Bytes()
	}
	source := newRandomSource(k.Attrs)
	return Kernel{Run: func(c *Call) error {
		stream := source.next()
		p, y := c.In[0], c.Out[0].Bytes()
		if len(y) != p.Len()*len(one) {
			return fmt.Errorf("ops: output has %d bytes for %d elements", len(y), p.Len())
		}
		clear(y)
		switch p.DType() {
		case tensor.Float32:
			bernoulli(&stream, y, one, tensor.Of[float32](p))
		case tensor.Float64:
			bernoulli(&stream, y, one, tensor.Of[float64](p))
		default:
			bernoulli(&stream, y, one, tensor.Float64s(p, p.Len()))
		}
		return nil
	}}, nil
}

func bernoulli[T float32 | float64](s *randomStream, y, one []byte, p []T) {
	for i, v := range p {
		if s.unit() < float64(v) {
			copy(y[i*len(one):], one)
		}
	}
}

func multinomialInfer(c *InferCtx) error {
	x, n := c.Type(0), c.IntOr("sample_size", 1)
	rows := c.Fresh()
	if x.Ranked {
		if len(x.Dims) != 2 {
			return fmt.Errorf("ops: input has shape %v, want [batch, classes]", x)
		}
		rows = x.Dims[0]
	}
	if n < 1 {
		return fmt.Errorf("ops: sample_size is %d", n)
	}
	c.Set(0, randomDType(c.Attrs, tensor.Int32), rows, sym.Const(int64(n)))
	return nil
}

// multinomialKernel draws class numbers from unnormalised log probabilities.
func multinomialKernel(k *KernelCtx) (Kernel, error) {
	d := k.OutType(0).DType
	if d != tensor.Int32 && d != tensor.Int64 {
		return Kernel{}, Unsupported("element type %v", d)
	}
	source := newRandomSource(k.Attrs)
	n := k.IntOr("sample_size", 1)
	return Kernel{Run: func(c *Call) error {
		s := c.In[0].Shape()
		if len(s) != 2 || s[1] < 1 || c.Out[0].Len() != s[0]*n {
			return fmt.Errorf("ops: input has shape %v, want [batch, classes]", []int(s))
		}
		stream := source.next()
		p := tensor.Float64s(c.In[0], c.In[0].Len())
		for r := range s[0] {
			row := p[r*s[1]:][:s[1]]
			sum, top := 0.0, math.Inf(-1)
			for _, v := range row {
				top = max(top, v)
			}
			for i, v := range row {
				sum += math.Exp(v - top)
				row[i] = sum
			}
			for j := range n {
				u, class := stream.unit()*sum, 0
				for class < s[1]-1 && row[class] <= u {
					class++
				}
				if d == tensor.Int32 {
					tensor.Of[int32](c.Out[0])[r*n+j] = int32(class)
				} else {
					tensor.Of[int64](c.Out[0])[r*n+j] = int64(class)
				}
			}
		}
		return nil
	}}, nil
}
