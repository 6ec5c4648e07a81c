package ops

import (
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/rnn"
	"github.com/onnxrun/onnxrun/tensor"
)

// rnnBackRun is a bound RNNGrad of layers that keep what the way back needs: it runs the layer once more, with the gates kept
// in scratch memory, and goes back with kernels.
type rnnBackRun struct {
	layers     []rnn.Layer
	batchFirst bool
	calls      sync.Pool // of *rnnBackCall
}

// rnnBackCall holds packed weights and arguments of one direction at a time, reused.
type rnnBackCall struct {
	layer   rnn.Layer
	w       *gemm.Packed
	r, rh   *rnn.Packed
	bias    []float32
	rbias   []float32
	back    rnn.BackWeights
	forward rnn.Weights
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
	return 4 * rnnBackScratch(&l, steps, batch)
}

// rnnBackScratch returns the elements of scratch memory: what is kept, and room for one way at a time.
func rnnBackScratch(l *rnn.Layer, steps, batch int) int {
	return l.KeptLen(steps, batch) + max(l.KeepScratchLen(steps, batch), l.BackScratchLen(steps, batch))
}

func (r *rnnBackRun) run(c *Call) error {
	forward := Call{In: c.In[:rnnMask+1]}
	s, err := rnnShapes(&forward, r.layers, r.batchFirst)
	if err != nil {
		return err
	}
	upstream := Call{In: forward.In, Out: c.In[rnnMask+1:]}
	if err := s.check(&upstream, r.layers, r.batchFirst); err != nil {
		return err
	}
	clear(tensor.Of[float32](c.Out[0]))
	clear(rnnPart(c.Out[6], 0, c.Out[6].Len()))
	x, _ := r.calls.Get().(*rnnBackCall)
	if x == nil {
		x = new(rnnBackCall)
	}
	for d := range r.layers {
		x.layer = r.layers[d]
		x.layer.Inputs, x.layer.Hidden = s.inputs, s.hidden
		x.bind(c, &forward, &upstream, s, d, r)
		x.run()
	}
	x.args, x.grads, x.back.W = rnn.Args{}, rnn.GradArgs[float32]{}, nil
	r.calls.Put(x)
	return nil
}

// rnnPart returns part d of a tensor that has size elements for every direction, nil without elements.
func rnnPart(t *tensor.Tensor, d, size int) []float32 {
	if t == nil || t.Len() == 0 {
		return nil
	}
	return tensor.Of[float32](t)[d*size:][:size]
}

// bind packs the weights of direction d and sets its arguments.
func (x *rnnBackCall) bind(c, forward, upstream *Call, s rnnShape, d int, r *rnnBackRun) {
	l, dirs := &x.layer, len(r.layers)
	h, n := s.hidden, l.Cell.Gates()*s.hidden
	w, rec := rnnPart(c.In[1], d, n*s.inputs), rnnPart(c.In[2], d, n*h)
	x.w = l.PackW(x.w, w)
	x.r, x.rh = l.PackR(x.r, x.rh, rec)
	x.forward = rnn.Weights{W: x.w, R: x.r, RH: x.rh}
	if b := rnnPart(c.In[3], d, 2*n); b != nil {
		x.bias, x.rbias = l.FoldBias(x.bias, x.rbias, b)
		x.forward.Bias, x.forward.RBias = x.bias, x.rbias
	}
	x.back.W = w
	x.back.R, x.back.RH = l.PackBack(x.back.R, x.back.RH, rec)
	x.args = rnnArgs[float32](forward, s, d, dirs, r.batchFirst)
	scratch := scratchOf[float32](c.Scratch, rnnBackScratch(l, s.steps, s.batch))
	kept := l.KeptLen(s.steps, s.batch)
	x.args.Keep, x.args.Scratch = scratch[:kept], scratch[kept:]
	states := Call{In: forward.In, Out: []*tensor.Tensor{nil, c.Out[4], c.Out[5]}}
	x.grads = rnn.GradArgs[float32]{
		DY: rnnArgs[float32](upstream, s, d, dirs, r.batchFirst), DState: rnnArgs[float32](&states, s, d, dirs, r.batchFirst),
		DX: tensor.Of[float32](c.Out[0]), DW: rnnPart(c.Out[1], d, n*s.inputs), DR: rnnPart(c.Out[2], d, n*h), DB: rnnPart(c.Out[3], d, 2*n),
	}
	if s.masked {
		mask := Call{In: forward.In, Out: []*tensor.Tensor{nil, c.Out[7]}}
		x.grads.DMask = rnnArgs[float32](&mask, s, d, dirs, r.batchFirst).HOut
	}
}

func (x *rnnBackCall) run() {
	x.layer.Run(&x.forward, &x.args)
	x.layer.Backward(&x.back, &x.args, &x.grads)
}
