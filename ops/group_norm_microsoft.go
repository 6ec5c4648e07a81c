package ops

import (
	"fmt"
	"math"

	"github.com/onnxrun/onnxrun/internal/kernel/reduce"
	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/tensor"
)

// siluGroupNorm is a bound GroupNorm or SkipGroupNorm of com.microsoft: a group normalisation of the input, or of its sum
// with a skip connection and a bias, that may end in SiLU.
type siluGroupNorm struct {
	groups int
	eps    float32
	last   bool // channels are the last axis
	silu   bool
}

// siluGroupNormInfer infers both operators; the second output is the sum.
func siluGroupNormInfer(c *InferCtx) error {
	x := c.Type(0)
	if x.Ranked && len(x.Dims) != 4 {
		return fmt.Errorf("ops: input is %v, want 4 axes", x)
	}
	c.SetType(0, x)
	c.SetType(1, x)
	return nil
}

var siluGroupNormKernel = widened(func(k *KernelCtx) (Kernel, error) {
	if k.DType(0) != tensor.Float32 {
		return Kernel{}, Unsupported("element type %v", k.DType(0))
	}
	g := &siluGroupNorm{groups: k.Int("groups"), eps: k.Float("epsilon"), last: k.IntOr("channels_last", 1) != 0}
	switch a := k.Int("activation"); a {
	case 0, 1:
		g.silu = a == 1
	default:
		return Kernel{}, Unsupported("activation=%d", a)
	}
	return Kernel{Run: g.run, Scratch: g.scratch}, nil
})

// scratch returns the room for factors and summands of the channels of a batch.
func (g *siluGroupNorm) scratch(c *Call) int { return 8 * c.In[1].Len() }

func (g *siluGroupNorm) run(c *Call) error {
	s := c.In[0].Shape()
	gamma, beta := tensor.Of[float32](c.In[1]), tensor.Of[float32](c.In[2])
	a := reduce.PlaneNorm{Batch: s[0], Channels: s[1], Plane: s[2] * s[3], Groups: g.groups, Eps: g.eps, Scale: gamma, Bias: beta}
	if g.last {
		a.Channels, a.Plane = s[3], s[1]*s[2]
	}
	if g.groups < 1 || a.Channels%g.groups != 0 || len(gamma) != a.Channels || len(beta) != a.Channels {
		return fmt.Errorf("ops: %d groups, gamma %v and beta %v for %d channels", g.groups, c.In[1].Shape(), c.In[2].Shape(), a.Channels)
	}
	x, y := tensor.Of[float32](c.In[0]), tensor.Of[float32](c.Out[0])
	if len(x) == 0 {
		return nil
	}
	if skip := part(c.In, 3); skip != nil {
		sum := y
		if t := part(c.Out, 1); t != nil {
			sum = tensor.Of[float32](t)
		}
		if err := g.add(sum, x, skip, part(c.In, 4), a); err != nil {
			return err
		}
		x = sum
	}
	if g.last {
		normChannelsLast(y, x, a, scratchOf[float32](c.Scratch, 2*a.Channels))
	} else {
		reduce.GroupNorm(y, x, a, c.Threads)
	}
	if g.silu {
		vec.Map(y, y, vec.Silu, c.Threads)
	}
	return nil
}

// add sets sum to x + skip + bias. The skip connection may have one value for each channel of a batch.
func (g *siluGroupNorm) add(sum, x []float32, skip, bias *tensor.Tensor, a reduce.PlaneNorm) error {
	v := tensor.Of[float32](skip)
	var b []float32
	if bias != nil {
		if b = tensor.Of[float32](bias); len(b) != a.Channels {
			return fmt.Errorf("ops: bias has shape %v, want [%d]", bias.Shape(), a.Channels)
		}
	}
	switch {
	case len(v) == len(x):
		vec.Add(sum, x, v)
		v = nil
	case len(v) == a.Batch*a.Channels:
		copy(sum, x)
	default:
		return fmt.Errorf("ops: skip connection has shape %v, want that of the input, or [%d %d]", skip.Shape(), a.Batch, a.Channels)
	}
	for i := range a.Batch {
		at := sum[i*a.Channels*a.Plane : (i+1)*a.Channels*a.Plane]
		if v != nil {
			addChannels(at, v[i*a.Channels:(i+1)*a.Channels], g.last)
		}
		if b != nil {
			addChannels(at, b, g.last)
		}
	}
	return nil
}

// addChannels adds one value to each channel of x, which are its columns if last, else its rows.
func addChannels(x, values []float32, last bool) {
	if !last {
		plane := len(x) / len(values)
		for ch := range values {
			row := x[ch*plane : (ch+1)*plane]
			vec.Add(row, row, values[ch:ch+1])
		}
		return
	}
	for ; len(x) > 0; x = x[len(values):] {
		vec.Add(x[:len(values)], x[:len(values)], values)
	}
}

// normChannelsLast is reduce.GroupNorm for [batch, plane, channels]. room holds twice the channels.
func normChannelsLast(y, x []float32, a reduce.PlaneNorm, room []float32) {
	scale, shift := room[:a.Channels], room[a.Channels:]
	per := a.Channels / a.Groups
	for ; len(x) > 0; x, y = x[a.Plane*a.Channels:], y[a.Plane*a.Channels:] {
		for g := range a.Groups {
			mean, square := 0.0, 0.0
			for p := range a.Plane {
				for _, v := range x[p*a.Channels+g*per:][:per] {
					mean += float64(v)
				}
			}
			mean /= float64(per * a.Plane)
			for p := range a.Plane {
				for _, v := range x[p*a.Channels+g*per:][:per] {
					square += (float64(v) - mean) * (float64(v) - mean)
				}
			}
			inv := 1 / math.Sqrt(square/float64(per*a.Plane)+float64(a.Eps))
			for ch := g * per; ch < (g+1)*per; ch++ {
				f := inv * float64(a.Scale[ch])
				scale[ch], shift[ch] = float32(f), float32(float64(a.Bias[ch])-mean*f)
			}
		}
		for p := range a.Plane {
			row := y[p*a.Channels:][:a.Channels]
			vec.Mul(row, x[p*a.Channels:][:a.Channels], scale)
			vec.Add(row, row, shift)
		}
	}
}
