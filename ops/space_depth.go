package ops

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/kernel/move"
	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/tensor"
)

// blockSize reads the block size of DepthToSpace and SpaceToDepth.
func blockSize(a Attrs) (int, error) {
	b := a.Int("blocksize")
	if b < 1 || b > 1<<15 {
		return 0, fmt.Errorf("ops: blocksize %d is out of range", b)
	}
	return b, nil
}

func depthToSpaceInfer(c *InferCtx) error {
	return blockInfer(c, func(d []Dim, b, bb Dim) []Dim {
		return []Dim{d[0], d[1].Div(bb), d[2].Mul(b), d[3].Mul(b)}
	})
}

func spaceToDepthInfer(c *InferCtx) error {
	return blockInfer(c, func(d []Dim, b, bb Dim) []Dim {
		return []Dim{d[0], d[1].Mul(bb), d[2].Div(b), d[3].Div(b)}
	})
}

func blockInfer(c *InferCtx, dims func(d []Dim, b, bb Dim) []Dim) error {
	x := c.Type(0)
	if !x.Ranked {
		c.SetType(0, Unranked(x.DType))
		return nil
	}
	if len(x.Dims) != 4 {
		return fmt.Errorf("ops: input has shape %v, want 4 axes", x)
	}
	b, err := blockSize(c.Attrs)
	if err != nil {
		return err
	}
	c.Set(0, x.DType, dims(x.Dims, sym.Const(int64(b)), sym.Const(int64(b*b)))...)
	return nil
}

func depthToSpaceKernel(k *KernelCtx) (Kernel, error) {
	b, err := blockSize(k.Attrs)
	crd := k.Str("mode") == "CRD"
	return Kernel{Run: func(c *Call) error {
		s := c.In[0].Shape()
		if len(s) != 4 || s[1]%(b*b) != 0 {
			return fmt.Errorf("ops: input has shape %v, want 4 axes and channels in multiples of %d", s, b*b)
		}
		if crd {
			return permuted(c, [6]int{s[0], s[1] / (b * b), b, b, s[2], s[3]}, [6]int{0, 1, 4, 2, 5, 3})
		}
		return permuted(c, [6]int{s[0], b, b, s[1] / (b * b), s[2], s[3]}, [6]int{0, 3, 4, 1, 5, 2})
	}}, err
}

func spaceToDepthKernel(k *KernelCtx) (Kernel, error) {
	b, err := blockSize(k.Attrs)
	perm := [6]int{0, 3, 5, 1, 2, 4}
	if k.Str("mode") == "CRD" {
		perm = [6]int{0, 1, 3, 5, 2, 4}
	}
	return Kernel{Run: func(c *Call) error {
		s := c.In[0].Shape()
		if len(s) != 4 || s[2]%b != 0 || s[3]%b != 0 {
			return fmt.Errorf("ops: input has shape %v, want 4 axes and an image in multiples of %d", s, b)
		}
		return permuted(c, [6]int{s[0], s[1], s[2] / b, b, s[3] / b, b}, perm)
	}}, err
}

// depthToSpaceGrad and spaceToDepthGrad undo the move.
func depthToSpaceGrad(c GradCtx) error { return blockGrad(c, "SpaceToDepth") }

func spaceToDepthGrad(c GradCtx) error { return blockGrad(c, "DepthToSpace") }

func blockGrad(c GradCtx, inverse string) error {
	return unaryGrad(func(g grads, dy, _, _ Ref) Ref {
		attrs := map[string]any{"blocksize": g.Attrs().Int("blocksize")}
		if mode := g.Attrs().Str("mode"); mode != "" {
			attrs["mode"] = mode
		}
		return g.with(inverse, attrs, dy)
	})(c)
}

// permuted writes the input, seen in the given shape, to the output with its axes permuted.
func permuted(c *Call, shape, perm [6]int) error {
	x, y := c.In[0], c.Out[0]
	if x.DType() == tensor.String {
		move.TransposeOf(tensor.Raw[string](y), tensor.Raw[string](x), shape[:], perm[:])
		return nil
	}
	move.Transpose(y.Bytes(), x.Bytes(), shape[:], perm[:], x.DType().Size(), c.Threads)
	return nil
}
