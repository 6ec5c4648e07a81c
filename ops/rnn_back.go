package ops

import (
	"fmt"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/rnn"
	"github.com/onnxrun/onnxrun/tensor"
)

// rnnBackRun is a bound RNNGrad of layers that keep what the way back needs, for which there are kernels. Where the forward node
// has not kept it, it runs the layer once more, with the gates kept in scratch memory.
type rnnBackRun struct {
	layers     []rnn.Layer
	batchFirst bool
	kept       bool      // by the forward node: the layer does not run here
	spans      bool      // only states between spans are kept: these run again one after the other
	calls      sync.Pool // of *rnnBackCall
}

// rnnBackCall holds packed weights and arguments of one direction at a time, reused.
type rnnBackCall struct {
	layer   rnn.Layer
	w       *gemm.Packed
	r, rh   *rnn.Packed
	bias    []float32
	rbias   []float32
	weights rnn.Weights
	back    rnn.BackWeights
	args    rnn.Args
	grads   rnn.GradArgs[float32]
}

func (r *rnnBackRun) scratch(c *Call) int {
	x, w := c.In[0].Shape(), c.In[2].Shape()
	if len(x) != 3 || len(w) != 3 {
		return 0
	}
	l := r.layers[0]
	l.Inputs, l.Hidden = x[2], w[2]
	steps, batch := x[0], x[1]
	if r.batchFirst {
		steps, batch = batch, steps
	}
	return 4 * r.scratchLen(&l, steps, batch)
}

// scratchLen returns the elements of scratch memory: packed weights, what is kept, and room for one way at a time.
func (r *rnnBackRun) scratchLen(l *rnn.Layer, steps, batch int) int {
	packed := l.BackLen()
	if r.again() {
		packed += l.WLen() + l.RLen()
	}
	switch {
	case r.spans:
		return packed + l.BackSpansScratchLen(steps, batch, r.batchFirst)
	case r.kept:
		return packed + l.BackScratchLen(steps, batch, r.batchFirst)
	}
	return packed + l.KeptLen(steps, batch) + max(l.KeepScratchLen(steps, batch), l.BackScratchLen(steps, batch, r.batchFirst))
}

// again reports whether the layer, or parts of it, run once more.
func (r *rnnBackRun) again() bool { return r.spans || !r.kept }

func (r *rnnBackRun) run(c *Call) error {
	forward := Call{In: c.In[:rnnMask+1], Threads: c.Threads}
	s, err := rnnShapes(&forward, r.layers, r.batchFirst)
	if err != nil {
		return err
	}
	upstream := Call{In: forward.In, Out: c.In[rnnMask+1 : rnnGradKept]}
	if err := s.check(&upstream, r.layers, r.batchFirst); err != nil {
		return err
	}
	if err := r.checkKept(c, s); err != nil {
		return err
	}
	clear(rnnPart(c.Out[0], 0, c.Out[0].Len()))
	clear(rnnPart(c.Out[6], 0, c.Out[6].Len()))
	x, _ := r.calls.Get().(*rnnBackCall)
	if x == nil {
		x = new(rnnBackCall)
	}
	for d := range r.layers {
		x.layer = r.layers[d]
		x.layer.Inputs, x.layer.Hidden = s.inputs, s.hidden
		x.bind(c, &forward, &upstream, s, d, r)
		if !r.kept {
			x.layer.Run(&x.weights, &x.args)
		}
		x.layer.Backward(&x.back, &x.args, &x.grads)
	}
	x.args, x.grads, x.back.W = rnn.Args{}, rnn.GradArgs[float32]{}, nil
	r.calls.Put(x)
	return nil
}

// checkKept checks what the forward node has kept.
func (r *rnnBackRun) checkKept(c *Call, s rnnShape) error {
	l := r.layers[0]
	l.Hidden = s.hidden
	want := l.KeptLen(s.steps, s.batch)
	if r.spans {
		want = l.SpansLen(s.steps, s.batch)
	}
	if r.kept && c.In[rnnGradKept].Len() != len(r.layers)*want {
		return fmt.Errorf("ops: input %d (kept) has shape %v, want [%d %d]", rnnGradKept, []int(c.In[rnnGradKept].Shape()), len(r.layers), want)
	}
	return nil
}

// rnnPart returns part d of a tensor that has size elements for every direction, nil without elements.
func rnnPart(t *tensor.Tensor, d, size int) []float32 {
	if t == nil || t.Len() == 0 {
		return nil
	}
	return tensor.Of[float32](t)[d*size:][:size]
}

// bind packs the weights of direction d for the way back and sets its arguments.
func (x *rnnBackCall) bind(c, forward, upstream *Call, s rnnShape, d int, r *rnnBackRun) {
	l, dirs := &x.layer, len(r.layers)
	h, n := s.hidden, l.Cell.Gates()*s.hidden
	w, rec := rnnPart(c.In[1], d, n*s.inputs), rnnPart(c.In[2], d, n*h)
	x.back.W = w
	scratch := scratchOf[float32](c.Scratch, r.scratchLen(l, s.steps, s.batch))
	x.back.R, x.back.RH = l.PackBack(x.back.R, x.back.RH, scratch, rec)
	scratch = scratch[l.BackLen():]
	if r.again() {
		scratch = x.forward(c, d, scratch)
	}
	x.args = rnnArgs[float32](forward, s, d, dirs, r.batchFirst)
	x.args.Scratch = scratch
	switch kept := l.KeptLen(s.steps, s.batch); {
	case r.spans:
		x.args.Spans = rnnPart(c.In[rnnGradKept], d, l.SpansLen(s.steps, s.batch))
	case r.kept:
		x.args.Keep = rnnPart(c.In[rnnGradKept], d, kept)
	default:
		x.args.Keep, x.args.Scratch = scratch[:kept], scratch[kept:]
	}
	states := Call{In: forward.In, Out: []*tensor.Tensor{nil, c.Out[4], c.Out[5]}}
	x.grads = rnn.GradArgs[float32]{
		DY: rnnArgs[float32](upstream, s, d, dirs, r.batchFirst), DState: rnnArgs[float32](&states, s, d, dirs, r.batchFirst),
		DX: rnnPart(c.Out[0], 0, c.Out[0].Len()), DW: rnnPart(c.Out[1], d, n*s.inputs), DR: rnnPart(c.Out[2], d, n*h), DB: rnnPart(c.Out[3], d, 2*n),
	}
	if s.masked {
		mask := Call{In: forward.In, Out: []*tensor.Tensor{nil, c.Out[7]}}
		x.grads.DMask = rnnArgs[float32](&mask, s, d, dirs, r.batchFirst).HOut
	}
}

// forward packs the weights of direction d for steps that run once more into scratch memory, and returns the rest of that.
func (x *rnnBackCall) forward(c *Call, d int, scratch []float32) (rest []float32) {
	l := &x.layer
	n := l.Cell.Gates() * l.Hidden
	x.w = l.PackW(x.w, scratch, rnnPart(c.In[1], d, n*l.Inputs))
	scratch = scratch[l.WLen():]
	x.r, x.rh = l.PackR(x.r, x.rh, scratch, rnnPart(c.In[2], d, n*l.Hidden))
	x.weights = rnn.Weights{W: x.w, R: x.r, RH: x.rh}
	if b := rnnPart(c.In[3], d, 2*n); b != nil {
		x.bias, x.rbias = l.FoldBias(x.bias, x.rbias, b)
		x.weights.Bias, x.weights.RBias = x.bias, x.rbias
	}
	x.back.Again = &x.weights
	return scratch[l.RLen():]
}
