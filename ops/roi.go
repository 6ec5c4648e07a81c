package ops

import (
	"fmt"
	"math"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/roi"
	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/tensor"
)

// roiInfer infers one output plane per region and channel; height and width are given by size.
func roiInfer(size func(Attrs) []int) func(*InferCtx) error {
	return func(c *InferCtx) error {
		x, rois := c.Type(0), c.Type(1)
		n, ch := c.Fresh(), c.Fresh()
		if x.Ranked {
			if len(x.Dims) != 4 {
				return fmt.Errorf("ops: input has shape %v, want 4 axes", x)
			}
			ch = x.Dims[1]
		}
		if rois.Ranked {
			if len(rois.Dims) != 2 {
				return fmt.Errorf("ops: regions have shape %v, want 2 axes", rois)
			}
			n = rois.Dims[0]
		}
		s := size(c.Attrs)
		if len(s) != 2 || s[0] < 1 || s[1] < 1 {
			return fmt.Errorf("ops: pooled size %v, want two positive values", s)
		}
		c.Set(0, x.DType, n, ch, sym.Const(int64(s[0])), sym.Const(int64(s[1])))
		return nil
	}
}

func alignedSize(a Attrs) []int {
	return []int{a.IntOr("output_height", 1), a.IntOr("output_width", 1)}
}

func pooledShape(a Attrs) []int { return ints(a.IntList("pooled_shape")) }

var (
	roiAlignInfer   = roiInfer(alignedSize)
	maxRoiPoolInfer = roiInfer(pooledShape)
)

// roiAlign are the attributes of RoiAlign.
type roiAlign struct {
	h, w, ratio int
	scale       float64
	half, max   bool
}

var (
	roiAlignKernel   = bindRoiAlign(true)
	roiAlign10Kernel = bindRoiAlign(false) // before version 16 coordinates were never shifted
)

func bindRoiAlign(shift bool) func(*KernelCtx) (Kernel, error) {
	return widened(func(k *KernelCtx) (Kernel, error) {
		r := readRoiAlign(k.Attrs, shift)
		if k.DType(0) == tensor.Float64 {
			return Kernel{Run: func(c *Call) error { return runRoiAlign[float64](r, c) }}, nil
		}
		return Kernel{Run: func(c *Call) error { return runRoiAlign32(r, c) }}, nil
	})
}

func readRoiAlign(a Attrs, shift bool) *roiAlign {
	size := alignedSize(a)
	r := &roiAlign{h: size[0], w: size[1], ratio: a.Int("sampling_ratio"), scale: 1, max: a.Str("mode") == "max"}
	if a.HasAttr("spatial_scale") {
		r.scale = float64(a.Float("spatial_scale"))
	}
	r.half = shift && a.Str("coordinate_transformation_mode") != "output_half_pixel"
	return r
}

// alignOperands are the operands of a run, and the regions.
type alignOperands[T float32 | float64] struct {
	x, y  []T
	shape []int // of x
	boxes []roi.Box
}

// mostSamples bounds the samples of a bin, and those along the axes of a region.
const mostSamples = 1 << 20

func readRegions[T float32 | float64](r *roiAlign, c *Call, boxes []roi.Box) (o alignOperands[T], err error) {
	o = alignOperands[T]{tensor.Of[T](c.In[0]), tensor.Of[T](c.Out[0]), c.In[0].Shape(), boxes[:0]}
	rois, batch := tensor.Of[T](c.In[1]), tensor.Of[int64](c.In[2])
	count := len(batch)
	if len(o.shape) != 4 || len(rois) != 4*count || len(o.y) != count*o.shape[1]*r.h*r.w {
		return o, fmt.Errorf("ops: %d regions of shape %v for an input of shape %v and output of shape %v", count, c.In[1].Shape(), o.shape, c.Out[0].Shape())
	}
	for i, b := range batch {
		if b < 0 || b >= int64(o.shape[0]) {
			return o, fmt.Errorf("ops: batch index %d is out of range [0, %d)", b, o.shape[0])
		}
		box := r.box(float64(rois[4*i]), float64(rois[4*i+1]), float64(rois[4*i+2]), float64(rois[4*i+3]))
		// Both bounds: the first is one of time, the second of memory, since samples are listed by axis.
		if !(box.gridH*box.gridW < mostSamples) || box.gridH > 0 && box.gridW > 0 && !(float64(r.h)*box.gridH+float64(r.w)*box.gridW < mostSamples) {
			return o, fmt.Errorf("ops: region %d asks for %v by %v samples", i, box.gridH, box.gridW)
		}
		region := roi.Box{Image: int(b), Y: box.y, X: box.x, BinH: box.binH, BinW: box.binW}
		if box.gridH > 0 && box.gridW > 0 { // regions turned inside out have no samples
			region.GridH, region.GridW = int(box.gridH), int(box.gridW)
		}
		o.boxes = append(o.boxes, region)
	}
	return o, nil
}

var roiBoxes = sync.Pool{New: func() any { return new([]roi.Box) }}

func runRoiAlign32(r *roiAlign, c *Call) error {
	list := roiBoxes.Get().(*[]roi.Box)
	defer roiBoxes.Put(list)
	o, err := readRegions[float32](r, c, *list)
	if *list = o.boxes; err != nil {
		return err
	}
	a := roi.Align{Channels: o.shape[1], Height: o.shape[2], Width: o.shape[3], Rows: r.h, Cols: r.w, Max: r.max, Done: c.Ctx.Done()}
	a.Run(o.y, o.x, o.boxes, c.Threads)
	return c.Ctx.Err()
}

func runRoiAlign[T float32 | float64](r *roiAlign, c *Call) error {
	o, err := readRegions[T](r, c, nil)
	if err != nil {
		return err
	}
	y, plane := o.y, o.shape[2]*o.shape[3]
	for i := range o.boxes {
		b := &o.boxes[i]
		for ch := range o.shape[1] {
			if err := c.Ctx.Err(); err != nil {
				return err
			}
			src := o.x[(b.Image*o.shape[1]+ch)*plane:][:plane]
			for ph := range r.h {
				for pw := range r.w {
					y[0] = T(roiBin(r, b, src, o.shape[2], o.shape[3], ph, pw))
					y = y[1:]
				}
			}
		}
	}
	return nil
}

// roiBox is one region on its feature map.
type roiBox struct{ x, y, binW, binH, gridW, gridH float64 }

func (r *roiAlign) box(x0, y0, x1, y1 float64) roiBox {
	shift := 0.0
	if r.half {
		shift = 0.5
	}
	b := roiBox{x: x0*r.scale - shift, y: y0*r.scale - shift}
	w, h := x1*r.scale-shift-b.x, y1*r.scale-shift-b.y
	if !r.half {
		w, h = max(w, 1), max(h, 1)
	}
	b.binW, b.binH = w/float64(r.w), h/float64(r.h)
	b.gridW, b.gridH = float64(r.ratio), float64(r.ratio)
	if r.ratio <= 0 {
		b.gridW, b.gridH = math.Ceil(b.binW), math.Ceil(b.binH)
	}
	return b
}

// roiBin samples one bin of a region.
func roiBin[T float32 | float64](r *roiAlign, b *roi.Box, src []T, height, width, ph, pw int) float64 {
	best, sum := math.Inf(-1), 0.0
	for iy := range b.GridH {
		y := b.Y + float64(ph)*b.BinH + (float64(iy)+0.5)*b.BinH/float64(b.GridH)
		for ix := range b.GridW {
			x := b.X + float64(pw)*b.BinW + (float64(ix)+0.5)*b.BinW/float64(b.GridW)
			for _, v := range bilinearParts(src, height, width, y, x) {
				sum += v
				best = math.Max(best, v)
			}
		}
	}
	if !r.max {
		return sum / float64(max(b.GridH*b.GridW, 1))
	}
	if math.IsInf(best, -1) {
		return 0
	}
	return best
}

// bilinearParts returns the four weighted elements around (y, x), zeros outside of the plane.
func bilinearParts[T float32 | float64](src []T, height, width int, y, x float64) (v [4]float64) {
	if len(src) == 0 {
		return v
	}
	at, w := bilinearTaps(height, width, y, x)
	for i, p := range at {
		v[i] = w[i] * float64(src[p])
	}
	return v
}

// bilinearTaps returns the positions of the four elements around (y, x) and their weights, which are zero outside of the
// plane, which is not empty.
func bilinearTaps(height, width int, y, x float64) (at [4]int, w [4]float64) {
	if !(y >= -1 && y <= float64(height) && x >= -1 && x <= float64(width)) {
		return at, w
	}
	y, x = max(y, 0), max(x, 0)
	y0, x0 := int(y), int(x)
	y1, x1 := y0+1, x0+1
	if y0 >= height-1 {
		y0, y1, y = height-1, height-1, float64(height-1)
	}
	if x0 >= width-1 {
		x0, x1, x = width-1, width-1, float64(width-1)
	}
	ly, lx := y-float64(y0), x-float64(x0)
	at = [4]int{y0*width + x0, y0*width + x1, y1*width + x0, y1*width + x1}
	return at, [4]float64{(1 - ly) * (1 - lx), (1 - ly) * lx, ly * (1 - lx), ly * lx}
}

var maxRoiPoolKernel = widened(func(k *KernelCtx) (Kernel, error) {
	size := pooledShape(k.Attrs)
	scale := 1.0
	if k.HasAttr("spatial_scale") {
		scale = float64(k.Float("spatial_scale"))
	}
	if k.DType(0) == tensor.Float64 {
		return Kernel{Run: func(c *Call) error { return maxRoiPool[float64](c, size, scale) }}, nil
	}
	return Kernel{Run: func(c *Call) error { return maxRoiPool[float32](c, size, scale) }}, nil
})

func maxRoiPool[T float32 | float64](c *Call, size []int, scale float64) error {
	xs := c.In[0].Shape()
	x, rois, y := tensor.Of[T](c.In[0]), tensor.Of[T](c.In[1]), tensor.Of[T](c.Out[0])
	count := len(rois) / 5
	if len(xs) != 4 || len(rois)%5 != 0 || len(y) != count*xs[1]*size[0]*size[1] {
		return fmt.Errorf("ops: regions of shape %v for an input of shape %v", c.In[1].Shape(), xs)
	}
	for i := range count {
		r := poolRegion(rois[5*i:5*i+5], size, scale)
		if r.image < 0 || r.image >= xs[0] {
			return fmt.Errorf("ops: batch index %d is out of range [0, %d)", r.image, xs[0])
		}
		for ch := range xs[1] {
			src := x[(r.image*xs[1]+ch)*xs[2]*xs[3]:][:xs[2]*xs[3]]
			for ph := range size[0] {
				h0, h1 := roiRange(ph, r.binH, r.y, xs[2])
				for pw := range size[1] {
					w0, w1 := roiRange(pw, r.binW, r.x, xs[3])
					y[0] = maxOfBox(src, xs[3], h0, h1, w0, w1)
					y = y[1:]
				}
			}
		}
	}
	return nil
}

// pooledRegion is a region of an image whose bins have a whole number of elements at most.
type pooledRegion struct {
	image, x, y int
	binH, binW  float64
}

// poolRegion reads an image and the corners of a region, which are rounded.
func poolRegion[T float32 | float64](r []T, size []int, scale float64) pooledRegion {
	round := func(v T) int { return int(math.Round(max(-1<<30, min(1<<30, float64(v)*scale)))) }
	p := pooledRegion{image: int(r[0]), x: round(r[1]), y: round(r[2])}
	p.binH = float64(max(round(r[4])-p.y+1, 1)) / float64(size[0])
	p.binW = float64(max(round(r[3])-p.x+1, 1)) / float64(size[1])
	return p
}

// roiRange is the part of an axis of n elements that bin p covers.
func roiRange(p int, bin float64, start, n int) (lo, hi int) {
	lo = int(math.Floor(float64(p)*bin)) + start
	hi = int(math.Ceil(float64(p+1)*bin)) + start
	return max(0, min(lo, n)), max(0, min(hi, n))
}

func maxOfBox[T float32 | float64](src []T, width, h0, h1, w0, w1 int) T {
	if h0 >= h1 || w0 >= w1 {
		return 0
	}
	best := src[h0*width+w0]
	for h := h0; h < h1; h++ {
		for _, v := range src[h*width+w0 : h*width+w1] {
			best = max(best, v)
		}
	}
	return best
}
