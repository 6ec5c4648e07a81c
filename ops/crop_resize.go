package ops

import (
	"fmt"
	"math"

	"github.com/onnxrun/onnxrun/tensor"
)

// cropResizeInfer infers CropAndResize: boxes of pictures [batch, channels, height, width], all brought to one size.
func cropResizeInfer(c *InferCtx) error {
	x, rois := c.Type(0), c.Type(1)
	if x.Ranked && len(x.Dims) != 4 || rois.Ranked && len(rois.Dims) != 2 {
		return fmt.Errorf("ops: input is %v and rois are %v, want 4 and 2 axes", x, rois)
	}
	dims := c.FreshDims(4)
	if rois.Ranked {
		dims[0] = rois.Dims[0]
	}
	if x.Ranked {
		dims[1] = x.Dims[1]
	}
	if size, ok := c.Exprs(3); ok {
		if len(size) != 2 {
			return fmt.Errorf("ops: crop_size has %d elements, want 2", len(size))
		}
		dims[2], dims[3] = size[0], size[1]
	}
	c.Set(0, x.DType, dims...)
	return nil
}

// cropResize is a bound CropAndResize.
type cropResize struct {
	nearest bool
	outside float32
}

var cropResizeKernel = widened(func(k *KernelCtx) (Kernel, error) {
	if k.DType(0) != tensor.Float32 {
		return Kernel{}, Unsupported("element type %v", k.DType(0))
	}
	r := &cropResize{outside: k.Float("extrapolation_value")}
	switch mode := k.Str("mode"); mode {
	case "bilinear", "":
	case "nearest":
		r.nearest = true
	default:
		return Kernel{}, Unsupported("mode=%q", mode)
	}
	return Kernel{Run: r.run}, nil
})

func (r *cropResize) run(c *Call) error {
	s, out := c.In[0].Shape(), c.Out[0].Shape()
	x, y, rois, batch := tensor.Of[float32](c.In[0]), tensor.Of[float32](c.Out[0]), tensor.Of[float32](c.In[1]), tensor.Of[int32](c.In[2])
	if len(s) != 4 || len(out) != 4 || len(rois) != 4*out[0] || len(batch) != out[0] || out[1] != s[1] {
		return fmt.Errorf("ops: input %v, rois %v and batch_indices %v, want 4 coordinates and an index for each box", s, c.In[1].Shape(), c.In[2].Shape())
	}
	if len(y) == 0 {
		return nil
	}
	plane := s[2] * s[3]
	for n := range out[0] {
		if batch[n] < 0 || int(batch[n]) >= s[0] {
			return fmt.Errorf("ops: box %d is of picture %d of %d", n, batch[n], s[0])
		}
		box := rois[4*n : 4*n+4]
		for ch := range s[1] {
			src := x[(int(batch[n])*s[1]+ch)*plane:][:plane]
			for i := range out[2] {
				py := cropAt(box[0], box[2], i, out[2], s[2])
				for j := range out[3] {
					y[0] = r.sample(src, py, cropAt(box[1], box[3], j, out[3], s[3]), s[2], s[3])
					y = y[1:]
				}
			}
		}
	}
	return nil
}

// cropAt returns where sample i of n of a box from lo to hi lies among size pixels, whose corners are 0 and 1.
func cropAt(lo, hi float32, i, n, size int) float32 {
	if n > 1 {
		return lo*float32(size-1) + float32(i)*((hi-lo)*float32(size-1)/float32(n-1))
	}
	return 0.5 * (lo + hi) * float32(size-1)
}

// sample returns the value of a plane at a point.
func (r *cropResize) sample(src []float32, y, x float32, h, w int) float32 {
	if !(y >= 0 && y <= float32(h-1) && x >= 0 && x <= float32(w-1)) {
		return r.outside
	}
	if r.nearest {
		return src[int(math.Round(float64(y)))*w+int(math.Round(float64(x)))]
	}
	top, left := int(y), int(x)
	bottom, right := int(math.Ceil(float64(y))), int(math.Ceil(float64(x)))
	fy, fx := y-float32(top), x-float32(left)
	a := src[top*w+left] + (src[top*w+right]-src[top*w+left])*fx
	b := src[bottom*w+left] + (src[bottom*w+right]-src[bottom*w+left])*fx
	return a + (b-a)*fy
}
