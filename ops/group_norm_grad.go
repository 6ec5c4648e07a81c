package ops

import (
	"fmt"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/reduce"
	"github.com/onnxrun/onnxrun/tensor"
)

// GroupNormGrad of the onnxrun domain is the gradient of GroupNormalization, or with groups=0 of InstanceNormalization, in float32:
// from that of the result, the input and a scale with an element for each channel or group, the gradients of input, scale and shift.

func groupNormGradKernel(k *KernelCtx) (Kernel, error) {
	if k.DType(0) != tensor.Float32 {
		return Kernel{}, Unsupported("GroupNormGrad of %v", k.DType(0))
	}
	eps, groups := float64(k.Float("epsilon")), k.Int("groups")
	run := func(c *Call) error {
		dy, x, scale, s := c.In[0], c.In[1], c.In[2], c.In[1].Shape()
		if len(s) < 2 || !dy.Shape().Equal(s) {
			return fmt.Errorf("ops: gradient has shape %v for an input of shape %v, want equal ones of at least 2 axes", dy.Shape(), s)
		}
		n := groups
		if n == 0 {
			n = s[1]
		}
		if l := scale.Len(); s[1] > 0 && (n < 1 || s[1]%n != 0 || l != n && l != s[1]) {
			return fmt.Errorf("ops: %d groups and a scale of shape %v for an input of shape %v", n, scale.Shape(), s)
		}
		f := func(t *tensor.Tensor) []float32 { return tensor.Of[float32](t) }
		a := planeNormGrads.Get().(*reduce.PlaneNormGrad)
		*a = reduce.PlaneNormGrad{X: f(x), DY: f(dy), Batch: s[0], Channels: s[1], Plane: s[2:].Len(), Groups: n, Scale: f(scale), Eps: eps,
			DX: f(c.Out[0]), DScale: f(c.Out[1]), DShift: f(c.Out[2])}
		a.Scratch, _ = carve[float32](c.Scratch, groupNormGradScratch(c))
		a.Run(c.Threads)
		*a = reduce.PlaneNormGrad{}
		planeNormGrads.Put(a)
		return nil
	}
	return Kernel{Run: run, Scratch: func(c *Call) int { return carveBytes(groupNormGradScratch(c), 4) }}, nil
}

var planeNormGrads = sync.Pool{New: func() any { return new(reduce.PlaneNormGrad) }}

func groupNormGradScratch(c *Call) int {
	s := c.In[1].Shape()
	if len(s) < 2 {
		return 0 // run reports it
	}
	return reduce.PlaneNormGradScratch(s[0], s[1])
}

// groupNormGrad makes the rule of InstanceNormalization and of both versions of GroupNormalization, whose scale and
// bias have one element for each channel, or with shared for each group.
func groupNormGrad(instance, shared bool) func(GradCtx) error {
	return func(c GradCtx) error {
		g := grads{c}
		dy, x := g.Dy(0), g.In(0)
		if dy == 0 {
			return nil
		}
		groups := int64(0)
		if !instance {
			groups = int64(g.Attrs().Int("num_groups"))
		}
		if g.Of(x).DType == tensor.Float32 && g.Of(g.In(1)).DType == tensor.Float32 && g.Of(dy).DType == tensor.Float32 {
			out := g.EmitAll(3, "onnxrun", "GroupNormGrad", map[string]any{"epsilon": g.Attrs().Float("epsilon"), "groups": groups}, dy, x, g.In(1))
			for i, v := range out {
				g.set(i, func() Ref { return v })
			}
			return nil
		}
		groupNormRule(g, groups, shared)
		return nil
	}
}

// groupNormRule is the rule in other element types; groups is 0 for one for each channel.
func groupNormRule(g grads, groups int64, shared bool) {
	dy, x := g.Dy(0), g.In(0)
	channels := func(v Ref) Ref { return g.op("Reshape", v, g.ints(0, 0, -1)) } // [N, C, all else]
	rows := channels                                                            // what is standardized together is a row
	if groups > 0 {
		rows = func(v Ref) Ref { return g.op("Reshape", v, g.ints(0, groups, -1)) }
	}
	view := channels // in which scale and bias belong to axis 1
	if shared {
		view = rows
	}
	column := g.ints(1)
	param := func(i int) Ref { return g.op("Unsqueeze", g.In(i), column) }
	dy = view(dy)
	out := g.EmitAll(2, "onnxrun", "StandardizeGrad",
		map[string]any{"axis": 2, "epsilon": g.Attrs().Float("epsilon")}, rows(g.mul(dy, param(1))), rows(x))
	g.set(0, func() Ref { return g.like(out[0], x) })
	set := func(i int, v Ref) { g.set(i, func() Ref { return g.like(g.sumTo(v, param(i)), g.In(i)) }) }
	set(1, g.mul(dy, g.like(out[1], dy)))
	set(2, dy)
}
