package ops

import (
	"fmt"
	"math"

	"github.com/onnxrun/onnxrun/internal/kernel/reduce"
	"github.com/onnxrun/onnxrun/tensor"
)

// batchNormInfer infers BatchNormalization of all versions. The statistics have the type and shape of inputs 3 and 4.
func batchNormInfer(c *InferCtx) error {
	x := c.Type(0)
	c.SetType(0, x)
	for i := 1; i < 5; i++ {
		t := c.Type(3 + (i-1)%2)
		c.SetType(i, t)
	}
	if x.Ranked && len(x.Dims) == 0 {
		return fmt.Errorf("ops: input is %v, want at least 1 axis", x)
	}
	if !x.Ranked || c.IntOr("spatial", 1) == 0 || len(x.Dims) < 2 {
		return nil
	}
	ch, ok := x.Dims[1].Const()
	for i := 1; i < 5; i++ {
		t := c.Type(i)
		if !t.Ranked {
			continue
		}
		if len(t.Dims) != 1 {
			return fmt.Errorf("ops: input %d is %v, want 1 axis", i, t)
		}
		if n, known := t.Dims[0].Const(); ok && known && n != ch {
			return fmt.Errorf("ops: input %d is %v, want %d channels as in %v", i, t, ch, x)
		}
	}
	return nil
}

// batchNorm is a bound BatchNormalization.
type batchNorm[T float32 | float64] struct {
	eps, momentum float32
	training      bool
	spatial       bool
	scale, shift  []T // folded, if all statistics are constant
}

// batchNormKernel binds all versions: training_mode is an attribute since 14, before that the wish for more outputs.
var batchNormKernel = widened(func(k *KernelCtx) (Kernel, error) {
	for i := range k.In {
		if k.DType(i) != k.DType(0) {
			return throughFloat64(k, func(k *KernelCtx) (Kernel, error) { return bindBatchNorm[float64](k), nil }, 0, 1, 2, 3, 4)
		}
	}
	switch k.DType(0) {
	case tensor.Float32:
		return bindBatchNorm[float32](k), nil
	case tensor.Float64:
		return bindBatchNorm[float64](k), nil
	}
	return Kernel{}, Unsupported("element type %v", k.DType(0))
})

func bindBatchNorm[T float32 | float64](k *KernelCtx) Kernel {
	b := &batchNorm[T]{eps: k.Float("epsilon"), momentum: k.Float("momentum"), spatial: k.IntOr("spatial", 1) != 0}
	b.training = k.Bool("training_mode") || !k.HasAttr("training_mode") && k.HasOut(1)
	constant := !b.training
	for i := 1; i < 5; i++ {
		constant = constant && k.Const(i) != nil && k.Const(i).Len() == k.Const(1).Len()
	}
	if constant {
		n := k.Const(1).Len()
		b.scale, b.shift = make([]T, n), make([]T, n)
		foldBatchNorm(b.scale, b.shift, k.Const(1), k.Const(2), k.Const(3), k.Const(4), b.eps)
	}
	return Kernel{Run: b.run, Scratch: b.scratch}
}

func foldBatchNorm[T float32 | float64](scale, shift []T, gamma, beta, mean, variance *tensor.Tensor, eps float32) {
	g, b, m, v := tensor.Of[T](gamma), tensor.Of[T](beta), tensor.Of[T](mean), tensor.Of[T](variance)
	for c := range scale {
		s := float64(g[c]) / math.Sqrt(float64(v[c])+float64(eps))
		scale[c], shift[c] = T(s), T(float64(b[c])-float64(m[c])*s)
	}
}

// scratch returns the room for scale and shift of each channel.
func (b *batchNorm[T]) scratch(c *Call) int { return 16 * c.In[1].Len() }

// extents sees x as [batch, channels, plane].
func (b *batchNorm[T]) extents(s tensor.Shape) (batch, channels, plane int) {
	switch {
	case len(s) == 0:
		return 1, 1, 1
	case len(s) == 1:
		return s[0], 1, 1
	case !b.spatial:
		return s[0], s[1:].Len(), 1
	}
	return s[0], s[1], s[2:].Len()
}

func (b *batchNorm[T]) run(c *Call) error {
	batch, channels, plane := b.extents(c.In[0].Shape())
	for i := 1; i < 5; i++ {
		if c.In[i].Len() != channels {
			return fmt.Errorf("ops: input %d has shape %v, want [%d]", i, c.In[i].Shape(), channels)
		}
	}
	x, y := tensor.Of[T](c.In[0]), tensor.Of[T](c.Out[0])
	scale, shift := b.scale, b.shift
	if scale == nil {
		room := scratchOf[T](c.Scratch, 2*channels)
		scale, shift = room[:channels], room[channels:]
		if b.training {
			b.statistics(c, scale, shift, x, batch, plane)
		} else {
			foldBatchNorm(scale, shift, c.In[1], c.In[2], c.In[3], c.In[4], b.eps)
		}
	}
	if len(x) == 0 {
		return nil
	}
	x32, ok := any(x).([]float32)
	if !ok {
		for i, v := range x {
			ch := i / plane % channels
			y[i] = v*scale[ch] + shift[ch]
		}
		return nil
	}
	affine32(any(y).([]float32), x32, any(scale).([]float32), any(shift).([]float32), batch, plane, c.Threads)
	return nil
}

func affine32(y, x, scale, shift []float32, batch, plane, threads int) {
	if plane > 1 {
		reduce.ChannelAffine(y, x, scale, shift, batch, plane, threads)
		return
	}
	reduce.RowAffine(y, x, scale, shift, threads)
}

// statistics folds the moments of the batch into scale and shift and sets the running statistics.
func (b *batchNorm[T]) statistics(c *Call, scale, shift, x []T, batch, plane int) {
	channels, n := len(scale), float64(batch*plane)
	gamma, beta := tensor.Of[T](c.In[1]), tensor.Of[T](c.In[2])
	for ch := range scale {
		var sum, square float64
		for i := range batch {
			for _, v := range x[(i*channels+ch)*plane:][:plane] {
				sum += float64(v)
			}
		}
		mean := sum / n
		for i := range batch {
			for _, v := range x[(i*channels+ch)*plane:][:plane] {
				square += (float64(v) - mean) * (float64(v) - mean)
			}
		}
		variance := square / n
		s := float64(gamma[ch]) / math.Sqrt(variance+float64(b.eps))
		scale[ch], shift[ch] = T(s), T(float64(beta[ch])-mean*s)
		for k, v := range [2]float64{mean, variance} {
			old := float64(tensor.Of[T](c.In[3+k])[ch])
			putStat(part(c.Out, 1+k), ch, old*float64(b.momentum)+v*(1-float64(b.momentum)))
			putStat(part(c.Out, 3+k), ch, v)
		}
	}
}
