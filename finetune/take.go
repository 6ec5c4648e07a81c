package finetune

import (
	"math"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/internal/opt"
	"github.com/onnxrun/onnxrun/internal/par"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// A taker moves the weights of a step one by one while its gradients are computed: each as soon as its gradient is there and
// nothing reads its present value any more. The gradient then makes place in the arena, as in Lv et al., "Full parameter
// fine-tuning for large language models with limited resources", 2023. A weight moves by the same numbers as in update.
// After a gradient that is not finite, no weight moves in this step.
type taker struct {
	works  []*paramWork // of one parameter each
	done   []bool       // in the present step
	share  float32      // of the present batch in the mean loss; below 1 gradients are added up
	first  bool         // of the batches of the step
	step   int          // that is not skipped, counted from 1
	rate   float64
	broken bool // some gradient was not finite
}

// newTaker returns nil where the norm of all gradients must be known before a weight moves, or gradients change in place.
func (t *Trainer) newTaker() *taker {
	if t.spec.Clip != (Clip{}) || t.private != nil {
		return nil
	}
	k := &taker{done: make([]bool, len(t.params))}
	for _, p := range t.params {
		k.works = append(k.works, cutParams([]*Param{p}))
	}
	return k
}

// deliver lets the trainer take gradients of g as they come. ids are the outputs that hold the indices of gradients by rows.
// It returns which it takes.
func (b *builder) deliver(g *graph.Graph, ids []int) (taken []bool) {
	live := map[string]*graph.Value{}
	for _, v := range g.Inputs {
		live[v.Name] = v
	}
	taken = make([]bool, len(b.train))
	var list []opt.Delivery
	for k, w := range b.train {
		v := live[w.Name+masterSuffix]
		if v == nil {
			v = live[w.Name]
		}
		if v == nil {
			continue
		}
		with := []int{0}
		if ids != nil && ids[k] != 0 {
			with = append(with, ids[k])
		}
		list, taken[k] = append(list, opt.Delivery{Output: 1 + k, With: with, Changes: v, Op: b.takeOp(k)}), true
	}
	opt.Deliver(g, list)
	return taken
}

// takeOp is the operator that hands over the gradient of parameter k: In are the gradient, the loss, the indices of the rows if
// the gradient is one by rows, and the weight.
func (b *builder) takeOp(k int) *ops.Op {
	kernel := func(*ops.KernelCtx) (ops.Kernel, error) {
		return ops.Kernel{Run: func(c *ops.Call) error {
			var ids []int64
			if len(c.In) == 4 {
				ids = tensor.Of[int64](c.In[2])
			}
			b.take(k, tensor.Of[float32](c.In[0]), ids, tensor.Of[float32](c.In[1])[0])
			tensor.Of[float32](c.Out[0])[0] = 0
			return nil
		}}, nil
	}
	return &ops.Op{Domain: "onnxrun", Name: "TakeGradient", Since: 1, Kernel: kernel, Flags: ops.Changes | ops.Random}
}

// start prepares a batch of a step.
func (k *taker) start(t *Trainer, batch int, share float32, rate float64) {
	k.share, k.first, k.rate, k.step, k.broken = share, batch == 0, rate, t.steps+1-t.skipped, false
	clear(k.done)
}

// take adds up a gradient, or moves the parameter by it.
func (t *Trainer) take(i int, x []float32, ids []int64, loss float32) {
	k, p := t.taker, t.params[i]
	p.gather(gradientFrom(x, ids, p), k.share, k.first)
	if k.share == 1 {
		t.moveNow(i, float64(loss))
	}
	k.done[i] = true
}

// moveNow moves a parameter by its gradient.
func (t *Trainer) moveNow(i int, loss float64) {
	k := t.taker
	w := k.works[i]
	norm := w.norm(t.threads)
	if k.broken = k.broken || !finite(norm) || !finite(loss); k.broken {
		return
	}
	w.prepare(t, k.rate, k.step, 1)
	par.Run(t.threads, len(w.jobs), (*moveJobs)(w))
}

// finishTaken moves what was not taken, and completes the step as update does.
func (t *Trainer) finishTaken(r *StepResult) {
	k := t.taker
	sum := 0.0
	for i, w := range k.works {
		if !k.done[i] {
			t.moveNow(i, r.Loss)
		}
		for _, s := range w.sums {
			sum += s
		}
	}
	r.Norm = math.Sqrt(sum)
	t.steps++
	if r.Skipped = k.broken; k.broken {
		t.skipped++
	}
}

func finite(x float64) bool { return !math.IsInf(x, 0) && !math.IsNaN(x) }
