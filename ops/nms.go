package ops

import (
	"fmt"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/nms"
	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/tensor"
)

// nonMaxInfer infers NonMaxSuppression: boxes [images, count, 4] and scores [images, classes, count] give
// rows of image, class and box.
func nonMaxInfer(c *InferCtx) error {
	for i, name := range []string{"boxes", "scores"} {
		if t := c.Type(i); t.Ranked && len(t.Dims) != 3 {
			return fmt.Errorf("ops: input %d (%s) is %v: want 3 dimensions", i, name, t)
		}
	}
	c.Set(0, tensor.Int64, c.Fresh(), sym.Const(3))
	return nil
}

func nonMaxKernel(k *KernelCtx) (Kernel, error) {
	centered := k.Int("center_point_box")
	if centered != 0 && centered != 1 {
		return Kernel{}, fmt.Errorf("ops: center_point_box is %d, want 0 or 1", centered)
	}
	pickers := &sync.Pool{New: func() any { return new(nms.Picker) }}
	return Kernel{Run: func(c *Call) error {
		a, err := nonMaxArgs(c)
		if err != nil {
			return err
		}
		a.Centered = centered == 1
		p := pickers.Get().(*nms.Picker)
		p.Run(a)
		err = nonMaxResult(c, p)
		pickers.Put(p)
		return err
	}}, nil
}

func nonMaxArgs(c *Call) (a nms.Args, err error) {
	b, s := c.In[0].Shape(), c.In[1].Shape()
	if len(b) != 3 || len(s) != 3 || b[2] != 4 || b[0] != s[0] || b[1] != s[2] {
		return a, fmt.Errorf("ops: boxes have shape %v and scores %v: want [images, count, 4] and [images, classes, count]", []int(b), []int(s))
	}
	a = nms.Args{Images: b[0], Classes: s[1], Count: b[1], Boxes: tensor.Of[float32](c.In[0]), Scores: tensor.Of[float32](c.In[1]), Threads: c.Threads}
	if t := input(c, 2); t != nil {
		n, err := bodyScalar[int64](t, "max_output_boxes_per_class")
		if err != nil {
			return a, err
		}
		a.Max = int(max(0, min(n, int64(a.Count))))
	}
	if t := input(c, 3); t != nil {
		if a.Overlap, err = bodyScalar[float32](t, "iou_threshold"); err != nil {
			return a, err
		}
		if !(a.Overlap >= 0 && a.Overlap <= 1) {
			return a, fmt.Errorf("ops: iou_threshold is %v, want 0 to 1", a.Overlap)
		}
	}
	if t := input(c, 4); t != nil {
		a.Cut = true
		a.Threshold, err = bodyScalar[float32](t, "score_threshold")
	}
	return a, err
}

func nonMaxResult(c *Call, p *nms.Picker) error {
	n := 0
	for k := range p.Images * p.Classes {
		n += len(p.Picked(0, k))
	}
	out, err := c.Alloc(0, tensor.Int64, n, 3)
	if err != nil {
		return err
	}
	rows := tensor.Of[int64](out)
	for i := range p.Images {
		for class := range p.Classes {
			for _, box := range p.Picked(i, class) {
				rows[0], rows[1], rows[2] = int64(i), int64(class), int64(box)
				rows = rows[3:]
			}
		}
	}
	return nil
}
