package ops

import (
	"fmt"
	"math"

	"github.com/onnxrun/onnxrun/internal/par"
	"github.com/onnxrun/onnxrun/tensor"
)

// Gradients of pooled regions. RoiAlignGrad of the onnxrun domain takes dy, the regions, their images and the input, and
// hands the gradient of each bin to the elements that its samples were made of; MaxRoiPoolGrad takes dy, the regions
// and the input, and hands it to the first maximum. Regions count as constant, as in torchvision.

func roiAlignGrad(shift bool) func(GradCtx) error {
	return unaryGrad(func(g grads, dy, x, _ Ref) Ref {
		attrs := g.Attrs().values()
		attrs["shift"] = shift
		return g.own("RoiAlignGrad", attrs, dy, g.In(1), g.In(2), x)
	})
}

var maxRoiPoolGrad = unaryGrad(func(g grads, dy, x, _ Ref) Ref {
	return g.own("MaxRoiPoolGrad", g.Attrs().values(), dy, g.In(1), x)
})

// likeInput infers an output like input i.
func likeInput(i int) func(*InferCtx) error {
	return func(c *InferCtx) error {
		c.SetType(0, c.Type(i))
		return nil
	}
}

var roiAlignGradKernel = widened(func(k *KernelCtx) (Kernel, error) {
	r := readRoiAlign(k.Attrs, k.Bool("shift"))
	if k.DType(0) == tensor.Float64 {
		return Kernel{Run: func(c *Call) error { return runRoiAlignGrad[float64](r, c) }}, nil
	}
	return Kernel{Run: func(c *Call) error { return runRoiAlignGrad[float32](r, c) }}, nil
})

func runRoiAlignGrad[T float32 | float64](r *roiAlign, c *Call) error {
	s, batch := c.In[3].Shape(), tensor.Of[int64](c.In[2])
	if len(s) != 4 || c.In[1].Len() != 4*len(batch) || c.In[0].Len() != len(batch)*s[1]*r.h*r.w {
		return fmt.Errorf("ops: gradient has shape %v for %d regions of an input of shape %v", c.In[0].Shape(), len(batch), s)
	}
	t := &roiGrad[T]{dy: tensor.Of[T](c.In[0]), x: tensor.Of[T](c.In[3]), dx: tensor.Of[T](c.Out[0]), shape: s, bins: r.h * r.w}
	rois := tensor.Of[T](c.In[1])
	for i, b := range batch {
		if b < 0 || b >= int64(s[0]) {
			return fmt.Errorf("ops: batch index %d is out of range [0, %d)", b, s[0])
		}
		box := r.box(float64(rois[4*i]), float64(rois[4*i+1]), float64(rois[4*i+2]), float64(rois[4*i+3]))
		if !(box.gridH*box.gridW < 1<<20) {
			return fmt.Errorf("ops: region %d asks for %v by %v samples", i, box.gridH, box.gridW)
		}
		t.image = append(t.image, int(b))
		t.add = append(t.add, func(sum []float64, x, dy []T) {
			for bin, d := range dy {
				r.addBin(&box, sum, bin, float64(d), func(at int) float64 { return float64(x[at]) }, s[2], s[3])
			}
		})
	}
	par.Run(c.Threads, s[1], t)
	return nil
}

// addBin adds the gradient dy of a bin to the plane sum, whose forward values x tells.
func (r *roiAlign) addBin(b *roiBox, sum []float64, bin int, dy float64, x func(at int) float64, height, width int) {
	best, bestAt, bestW := math.Inf(-1), 0, 0.0
	share := dy / math.Max(b.gridH*b.gridW, 1)
	for iy := 0.0; iy < b.gridH; iy++ {
		py := b.y + float64(bin/r.w)*b.binH + (iy+0.5)*b.binH/b.gridH
		for ix := 0.0; ix < b.gridW; ix++ {
			px := b.x + float64(bin%r.w)*b.binW + (ix+0.5)*b.binW/b.gridW
			at, w := bilinearTaps(height, width, py, px)
			for k, p := range at {
				switch {
				case !r.max:
					sum[p] += share * w[k]
				case w[k]*x(p) > best:
					best, bestAt, bestW = w[k]*x(p), p, w[k]
				}
			}
		}
	}
	if r.max && !math.IsInf(best, -1) {
		sum[bestAt] += dy * bestW
	}
}

// roiGrad adds up gradients of regions; a chunk is a channel of all images.
type roiGrad[T float32 | float64] struct {
	dy, x, dx []T
	shape     tensor.Shape // of x
	bins      int
	image     []int                            // of each region
	add       []func(sum []float64, x, dy []T) // of each region: adds its bins to a plane
}

// Chunk goes through all regions in their order.
func (t *roiGrad[T]) Chunk(ch int) {
	plane := t.shape[2] * t.shape[3]
	sum := make([]float64, plane)
	for n := range t.shape[0] {
		clear(sum)
		at := (n*t.shape[1] + ch) * plane
		for i, image := range t.image {
			if image == n && plane > 0 {
				t.add[i](sum, t.x[at:at+plane], t.dy[(i*t.shape[1]+ch)*t.bins:][:t.bins])
			}
		}
		for k, v := range sum {
			t.dx[at+k] = T(v)
		}
	}
}

var maxRoiPoolGradKernel = widened(func(k *KernelCtx) (Kernel, error) {
	size, scale := pooledShape(k.Attrs), 1.0
	if k.HasAttr("spatial_scale") {
		scale = float64(k.Float("spatial_scale"))
	}
	if k.DType(0) == tensor.Float64 {
		return Kernel{Run: func(c *Call) error { return runMaxRoiPoolGrad[float64](c, size, scale) }}, nil
	}
	return Kernel{Run: func(c *Call) error { return runMaxRoiPoolGrad[float32](c, size, scale) }}, nil
})

func runMaxRoiPoolGrad[T float32 | float64](c *Call, size []int, scale float64) error {
	s, rois := c.In[2].Shape(), tensor.Of[T](c.In[1])
	count := len(rois) / 5
	if len(s) != 4 || len(rois)%5 != 0 || c.In[0].Len() != count*s[1]*size[0]*size[1] {
		return fmt.Errorf("ops: gradient has shape %v for regions of shape %v of an input of shape %v", c.In[0].Shape(), c.In[1].Shape(), s)
	}
	t := &roiGrad[T]{dy: tensor.Of[T](c.In[0]), x: tensor.Of[T](c.In[2]), dx: tensor.Of[T](c.Out[0]), shape: s, bins: size[0] * size[1]}
	for i := range count {
		p := poolRegion(rois[5*i:5*i+5], size, scale)
		if p.image < 0 || p.image >= s[0] {
			return fmt.Errorf("ops: batch index %d is out of range [0, %d)", p.image, s[0])
		}
		t.image = append(t.image, p.image)
		t.add = append(t.add, func(sum []float64, x, dy []T) {
			for bin, d := range dy {
				h0, h1 := roiRange(bin/size[1], p.binH, p.y, s[2])
				w0, w1 := roiRange(bin%size[1], p.binW, p.x, s[3])
				if h0 >= h1 || w0 >= w1 {
					continue
				}
				best := h0*s[3] + w0
				for h := h0; h < h1; h++ {
					for w := w0; w < w1; w++ {
						if x[h*s[3]+w] > x[best] {
							best = h*s[3] + w
						}
					}
				}
				sum[best] += float64(d)
			}
		})
	}
	par.Run(c.Threads, s[1], t)
	return nil
}
