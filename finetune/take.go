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
// After a gradient that is not finite, no weight moves in this step. Where the norm of all gradients is bounded, each is
// measured as it comes, and weights move when all are; a gradient that is large beside what it is made of is made again then.
type taker struct {
	t        *Trainer
	works    []*paramWork // of one parameter each
	done     []bool       // in the present step
	share    float32      // of the present batch in the mean loss; below 1 gradients are added up
	first    bool         // of the batches of the step
	step     int          // that is not skipped, counted from 1
	rate     float64
	measures bool    // the norm of all gradients is bounded
	scale    float64 // of the gradients; 0: not known before all are measured
	broken   bool    // some gradient was not finite
}

// newTaker returns nil for private training, whose gradients are not those of a mean loss.
func (t *Trainer) newTaker() *taker {
	if t.private != nil {
		return nil
	}
	k := &taker{t: t, done: make([]bool, len(t.params)), measures: t.spec.Clip.Norm > 0}
	for _, p := range t.params {
		k.works = append(k.works, cutParams([]*Param{p}))
	}
	return k
}

// deliver lets the trainer take gradients of g, the graph of p, as they come. It returns which it takes.
func (b *builder) deliver(g *graph.Graph, p *program) (taken []bool) {
	live := map[string]*graph.Value{}
	for _, v := range g.Inputs {
		live[v.Name] = v
	}
	taken = make([]bool, len(b.train))
	var looks, list []opt.Delivery
	for i, w := range b.train {
		d := opt.Delivery{Output: 1 + i, With: []int{0}}
		if p.byRows(i) {
			d.With = append(d.With, p.ids[i])
		}
		if p.part {
			d.Op = b.taker.op("AddGradient", ops.Random, i, p.byRows(i), b.taker.take)
			list, taken[i] = append(list, d), true
			continue
		}
		if b.taker.measures {
			d.Op = b.taker.op("MeasureGradient", ops.Random, i, p.byRows(i), b.taker.measure)
			looks = append(looks, d)
		}
		if d.Changes = live[w.Name+masterSuffix]; d.Changes == nil {
			d.Changes = live[w.Name]
		}
		if d.Changes != nil {
			d.Op = b.taker.op("TakeGradient", ops.Random|ops.Changes, i, p.byRows(i), b.taker.take)
			list, taken[i] = append(list, d), true
		}
	}
	opt.Deliver(g, looks, list)
	return taken
}

// op is an operator that calls do when gradient i is there: In are the gradient, the loss, the indices of the rows if the gradient
// is one by rows, and what else has to be there.
func (k *taker) op(name string, flags ops.Flags, i int, rows bool, do func(i int, loss float64)) *ops.Op {
	kernel := func(*ops.KernelCtx) (ops.Kernel, error) {
		return ops.Kernel{Run: func(c *ops.Call) error {
			var ids []int64
			if rows {
				ids = tensor.Of[int64](c.In[2])
			}
			p := k.t.params[i]
			p.gather(gradientFrom(tensor.Of[float32](c.In[0]), ids, p), k.share, k.first)
			do(i, float64(tensor.Of[float32](c.In[1])[0]))
			tensor.Of[float32](c.Out[0])[0] = 0
			return nil
		}}, nil
	}
	return &ops.Op{Domain: "onnxrun", Name: name, Since: 1, Kernel: kernel, Flags: flags}
}

// start prepares a batch of a step.
func (k *taker) start(batch int, share float32, rate float64) {
	k.share, k.first, k.rate, k.step, k.broken = share, batch == 0, rate, k.t.steps+1-k.t.skipped, false
	if k.scale = 1; k.measures {
		k.scale = 0
	}
	clear(k.done)
}

// measure notes the norm of a gradient.
func (k *taker) measure(i int, _ float64) { k.works[i].norm(k.t.threads) }

// take moves a parameter by its gradient, unless gradients are added up.
func (k *taker) take(i int, loss float64) {
	if k.share == 1 {
		k.move(i, loss)
	}
	k.done[i] = true
}

// move moves a parameter by its gradient.
func (k *taker) move(i int, loss float64) {
	w := k.works[i]
	switch {
	case !k.measures:
		k.broken = k.broken || !finite(w.norm(k.t.threads))
	case k.scale == 0:
		norm := k.norm()
		k.scale, k.broken = k.t.spec.Clip.factor(norm), !finite(norm)
	}
	if k.broken = k.broken || !finite(loss); k.broken {
		return
	}
	w.prepare(k.t, k.rate, k.step, k.scale)
	par.Run(k.t.threads, len(w.jobs), (*moveJobs)(w))
}

// norm is that of all gradients together, in the order of paramWork.norm.
func (k *taker) norm() float64 {
	sum := 0.0
	for _, w := range k.works {
		for _, s := range w.sums {
			sum += s
		}
	}
	return math.Sqrt(sum)
}

// finish moves what was not taken, and completes the step as update does.
func (k *taker) finish(r *StepResult) {
	for i := range k.works {
		if !k.done[i] {
			k.move(i, r.Loss)
		}
	}
	r.Norm = k.norm()
	k.t.steps++
	if r.Skipped = k.broken; k.broken {
		k.t.skipped++
	}
}

func finite(x float64) bool { return !math.IsInf(x, 0) && !math.IsNaN(x) }
