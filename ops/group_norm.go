package ops

import (
	"fmt"
	"math"

	"github.com/onnxrun/onnxrun/internal/kernel/reduce"
	"github.com/onnxrun/onnxrun/tensor"
)

// groupNormInfer infers GroupNormalization and InstanceNormalization.
func groupNormInfer(c *InferCtx) error {
	x := c.Type(0)
	if err := sameElements(c, 0, 1, 2); err != nil {
		return err
	}
	c.SetType(0, x)
	if !x.Ranked {
		return nil
	}
	if len(x.Dims) < 2 {
		return fmt.Errorf("ops: input is %v, want at least 2 axes", x)
	}
	ch, ok := x.Dims[1].Const()
	if g := int64(c.IntOr("num_groups", 1)); g < 1 || ok && ch%g != 0 {
		return fmt.Errorf("ops: num_groups is %d for input %v, want a divisor of the channels", g, x)
	}
	return nil
}

// groupNorm is a bound GroupNormalization or InstanceNormalization.
type groupNorm struct {
	eps    float32
	groups int  // 0: one for each channel
	shared bool // scale and bias have one element for each group
}

func groupNormOf(instance, shared bool) func(*KernelCtx) (Kernel, error) {
	return widened(func(k *KernelCtx) (Kernel, error) {
		g := &groupNorm{eps: k.Float("epsilon"), shared: shared}
		if !instance {
			if g.groups = k.Int("num_groups"); g.groups < 1 {
				return Kernel{}, fmt.Errorf("ops: num_groups is %d, want at least 1", g.groups)
			}
		}
		switch k.DType(0) {
		case tensor.Float32:
			return Kernel{Run: g.run32, Scratch: g.scratch}, nil
		case tensor.Float64:
			return Kernel{Run: g.run64}, nil
		}
		return Kernel{}, Unsupported("element type %v", k.DType(0))
	})
}

// plane sees the input as [batch, channels, plane] and checks scale and bias.
func (g *groupNorm) plane(c *Call) (a reduce.PlaneNorm, err error) {
	s := c.In[0].Shape()
	if len(s) < 2 {
		return a, fmt.Errorf("ops: input has shape %v, want at least 2 axes", s)
	}
	a = reduce.PlaneNorm{Batch: s[0], Channels: s[1], Plane: s[2:].Len(), Groups: g.groups, Eps: g.eps}
	if g.groups == 0 {
		a.Groups = s[1]
	}
	want := s[1]
	if g.shared {
		want = a.Groups
	}
	if a.Groups > 0 && s[1]%a.Groups != 0 {
		return a, fmt.Errorf("ops: %d groups for input %v, want a divisor of the channels", a.Groups, s)
	}
	for i := 1; i < 3; i++ {
		if c.In[i].Len() != want {
			return a, fmt.Errorf("ops: input %d has shape %v, want [%d]", i, c.In[i].Shape(), want)
		}
	}
	return a, nil
}

// scratch returns the room for scale and bias of each channel.
func (g *groupNorm) scratch(c *Call) int {
	if s := c.In[0].Shape(); g.shared && len(s) > 1 {
		return 8 * s[1]
	}
	return 0
}

func (g *groupNorm) run32(c *Call) error {
	a, err := g.plane(c)
	if err != nil || c.In[0].Len() == 0 {
		return err
	}
	a.Scale, a.Bias = tensor.Of[float32](c.In[1]), tensor.Of[float32](c.In[2])
	if g.shared {
		room, per := scratchOf[float32](c.Scratch, 2*a.Channels), a.Channels/a.Groups
		for ch := range a.Channels {
			room[ch], room[a.Channels+ch] = a.Scale[ch/per], a.Bias[ch/per]
		}
		a.Scale, a.Bias = room[:a.Channels], room[a.Channels:]
	}
	reduce.GroupNorm(tensor.Of[float32](c.Out[0]), tensor.Of[float32](c.In[0]), a, c.Threads)
	return nil
}

func (g *groupNorm) run64(c *Call) error {
	a, err := g.plane(c)
	if err != nil || c.In[0].Len() == 0 {
		return err
	}
	x, y := tensor.Of[float64](c.In[0]), tensor.Of[float64](c.Out[0])
	scale, bias := tensor.Of[float64](c.In[1]), tensor.Of[float64](c.In[2])
	per := a.Channels / a.Groups
	for at, size := 0, per*a.Plane; at < len(x); at += size {
		mean, variance := moments64(x[at:at+size], false)
		inv := 1 / math.Sqrt(variance+float64(g.eps))
		for i := range size {
			ch := (at + i) / a.Plane % a.Channels
			if g.shared {
				ch /= per
			}
			y[at+i] = (x[at+i]-mean)*inv*scale[ch] + bias[ch]
		}
	}
	return nil
}
