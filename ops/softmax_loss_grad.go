package ops

import (
	"fmt"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/internal/par"
	"github.com/onnxrun/onnxrun/tensor"
)

// SoftmaxLossGrad of the onnxrun domain is the gradient of SoftmaxCrossEntropyLoss in float32, from that of the loss, the labels,
// optional weights of classes, and the logarithms of the probabilities: these times the share of each label in the loss, less
// that share at the label. Probabilities below 2^-60 count as none.

func softmaxLossGradInfer(c *InferCtx) error {
	c.SetType(0, c.Type(3))
	return nil
}

func softmaxLossGradKernel(k *KernelCtx) (Kernel, error) {
	if k.DType(0) != tensor.Float32 || k.DType(3) != tensor.Float32 {
		return Kernel{}, Unsupported("SoftmaxLossGrad of %v", k.DType(3))
	}
	l := &softmaxLossBackward{classLoss[float32]{reduction: k.Str("reduction"), hasIgnored: k.HasAttr("ignore_index"), ignore: int64(k.Int("ignore_index"))}}
	return Kernel{Run: l.run, Scratch: func(c *Call) int { return 4 * c.In[1].Len() }}, nil
}

// softmaxLossBackward is a bound SoftmaxLossGrad.
type softmaxLossBackward struct{ classLoss[float32] }

func (l *softmaxLossBackward) run(c *Call) error {
	s := c.In[3].Shape()
	if len(s) < 2 {
		return fmt.Errorf("ops: scores have shape %v, want at least 2 axes", s)
	}
	classes, inner := s[1], s[2:].Len()
	labels, dy, logs := c.In[1], tensor.Of[float32](c.In[0]), tensor.Of[float32](c.In[3])
	var weights []float32
	if w := c.In[2]; w != nil {
		if weights = tensor.Of[float32](w); len(weights) != classes {
			return fmt.Errorf("ops: weights have shape %v, want [%d]", w.Shape(), classes)
		}
	}
	each := l.reduction == "none"
	if labels.Len() != s[0]*inner || each && len(dy) != labels.Len() || !each && len(dy) != 1 {
		return fmt.Errorf("ops: gradient %v and labels %v for scores %v", c.In[0].Shape(), labels.Shape(), s)
	}
	share, total := scratchOf[float32](c.Scratch, labels.Len()), 0.0
	list := labelsOf(labels)
	for i := range share {
		_, weight, err := l.one(logs, weights, list.at(i), i, classes, inner)
		if err != nil {
			return err
		}
		share[i] = float32(weight)
		total += weight
	}
	if l.reduction == "sum" || each {
		total = 1
	}
	for i, w := range share {
		switch {
		case w == 0: // ignored, whatever the total is
		case each:
			share[i] = w * dy[i]
		default:
			share[i] = float32(float64(w) / total * float64(dy[0]))
		}
	}
	j := lossJobs.Get().(*lossJob)
	*j = lossJob{dx: tensor.Of[float32](c.Out[0]), logs: logs, share: share, labels: list, samples: s[0], classes: classes, inner: inner}
	var chunks int
	chunks, j.size = par.Split(s[0], 1+lossGrain/max(1, classes*inner))
	par.Run(c.Threads, chunks, j)
	*j = lossJob{}
	lossJobs.Put(j)
	return nil
}

var lossJobs = sync.Pool{New: func() any { return new(lossJob) }}

// lossGrain is the number of elements that are worth a chunk.
const lossGrain = 1 << 13

// lossJob computes dx; its chunks are some samples.
type lossJob struct {
	dx, logs, share []float32 // [samples, classes, inner], the same, and [samples, inner]
	labels          labelIDs
	samples         int
	classes, inner  int
	size            int // samples of a chunk
}

// Chunk computes chunk i.
func (j *lossJob) Chunk(i int) {
	lo, hi := par.Range(i, j.size, j.samples)
	if j.inner != 1 {
		for k := lo; k < hi; k++ {
			j.sample(k)
		}
		return
	}
	n := j.classes
	vec.ScaledExpRows(j.dx[lo*n:hi*n], j.logs[lo*n:hi*n], j.share[lo:hi], n)
	for k := lo; k < hi; k++ {
		if v := j.share[k]; v != 0 {
			j.dx[k*n+int(j.labels.at(k))] -= v
		}
	}
}

// whole is the share of probabilities that are scaled later.
var whole = [1]float32{1}

// sample computes sample i.
func (j *lossJob) sample(i int) {
	n := j.classes * j.inner
	dx, share := j.dx[i*n:][:n], j.share[i*j.inner:][:j.inner]
	vec.ScaledExpRows(dx, j.logs[i*n:][:n], whole[:], n)
	for c := range j.classes {
		row := dx[c*j.inner:][:j.inner]
		vec.Mul(row, row, share)
	}
	for k, v := range share {
		if v != 0 {
			dx[int(j.labels.at(i*j.inner+k))*j.inner+k] -= v
		}
	}
}

// softmaxLossGradGrad writes SoftmaxLossGrad out.
func softmaxLossGradGrad(c GradCtx) error {
	g := grads{c}
	d := g.classLoss(g.In(0), g.In(3))
	g.SetOutput(0, g.sub(d, g.mul(g.op("Exp", g.In(3)), g.op("ReduceSum", d, g.ints(1)))))
	return nil
}
