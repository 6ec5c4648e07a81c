package ops

import (
	"fmt"

	"github.com/onnxrun/onnxrun/internal/kernel/rnn"
	"github.com/onnxrun/onnxrun/tensor"
)

// RNNGrad of the onnxrun domain is the gradient of RNN, GRU and LSTM, named by the attribute cell. It has the inputs
// of the forward node, nine with P and the mask of the onnxrun domain, and then the gradients of its outputs, each of
// which may be absent. One more is what the forward node kept (rnn_kept.go). Its outputs are the gradients of X, W, R, B, initial_h,
// initial_c, P, and the mask if there is one; with skip_x that of X is empty.

var (
	elmanGrad = rnnGrad("RNN")
	gruGrad   = rnnGrad("GRU")
	lstmGrad  = rnnGrad("LSTM")
)

// rnnCells are the cells by name.
var rnnCells = map[string]rnn.Cell{"RNN": rnn.Plain, "GRU": rnn.GRU, "LSTM": rnn.LSTM}

// rnnGradInputs are the forward inputs that the outputs of RNNGrad belong to.
var rnnGradInputs = [8]int{0, 1, 2, 3, 5, 6, 7, rnnMask}

func rnnGrad(cell string) func(GradCtx) error {
	return func(c GradCtx) error {
		in := make([]Ref, rnnMask+4)
		used := false
		for i := range rnnMask + 1 {
			in[i] = c.In(i)
		}
		for i := range 3 {
			in[rnnMask+1+i] = c.Dy(i)
			used = used || c.Dy(i) != 0
		}
		if !used {
			return nil
		}
		attrs := c.Attrs().values()
		attrs["cell"] = cell
		attrs["skip_x"] = !c.Wants(0)
		outputs := 7
		if c.In(rnnMask) != 0 {
			outputs = 8
		}
		for k, d := range c.EmitAll(outputs, "onnxrun", "RNNGrad", attrs, in...) {
			if k > 0 || c.Wants(0) {
				c.SetGrad(rnnGradInputs[k], d)
			}
		}
		return nil
	}
}

func rnnGradInfer(c *InferCtx) error {
	x, w, r := c.Type(0), c.Type(1), c.Type(2)
	if c.Bool("skip_x") {
		c.Set(0, x.DType, mvConst(0))
	} else {
		c.SetType(0, x)
	}
	c.SetType(1, w)
	c.SetType(2, r)
	for _, t := range []*Type{&x, &r} {
		if len(t.Dims) != 3 {
			t.Dims = c.FreshDims(3)
		}
	}
	dirs, hidden, batch := r.Dims[0], r.Dims[2], x.Dims[1]
	state := []Dim{dirs, batch, hidden}
	if c.Bool("layout") {
		state = []Dim{x.Dims[0], dirs, hidden}
	}
	c.Set(3, x.DType, dirs, r.Dims[1].Mul(mvConst(2)))
	c.Set(4, x.DType, state...)
	c.Set(5, x.DType, state...)
	c.Set(6, x.DType, dirs, hidden.Mul(mvConst(3)))
	c.Set(7, x.DType, state...)
	return nil
}

// rnnGradRun is a bound RNNGrad.
type rnnGradRun[T float32 | float64] struct {
	layers     []rnn.Layer
	batchFirst bool
	skipX      bool
}

var rnnGradKernel = widened(func(k *KernelCtx) (Kernel, error) {
	cell, ok := rnnCells[k.Str("cell")]
	if !ok {
		return Kernel{}, fmt.Errorf("ops: cell is %q, want RNN, GRU or LSTM", k.Str("cell"))
	}
	layers, err := rnnLayers(k.Attrs, cell)
	if err != nil {
		return Kernel{}, err
	}
	setMasked(layers, k.Has(rnnMask))
	if k.DType(0) == tensor.Float64 {
		r := &rnnGradRun[float64]{layers: layers, batchFirst: k.Bool("layout"), skipX: k.Bool("skip_x")}
		return Kernel{Run: r.run, Scratch: r.scratch}, nil
	}
	r := &rnnGradRun[float32]{layers: layers, batchFirst: k.Bool("layout"), skipX: k.Bool("skip_x")}
	if !rnnKeeps(layers, k.Has(7)) {
		return Kernel{Run: r.run, Scratch: r.scratch}, nil
	}
	f := &rnnBackRun{layers: layers, batchFirst: r.batchFirst, kept: k.Has(rnnGradKept)}
	f.spans = f.kept && k.Int(rnnSpans) > 0
	return Kernel{Run: f.run, Scratch: f.scratch}, nil
})

// scratch returns the room for one direction at a time.
func (r *rnnGradRun[T]) scratch(c *Call) int {
	x, w := c.In[0].Shape(), c.In[2].Shape()
	if len(x) != 3 || len(w) != 3 {
		return 0
	}
	l := r.layers[0]
	l.Inputs, l.Hidden = x[2], w[2]
	return c.In[0].DType().Size() * l.GradScratch(x[0], x[1]+1) // layout 1 has batch and steps the other way round
}

func (r *rnnGradRun[T]) run(c *Call) error {
	forward := Call{In: c.In[:rnnMask+1]}
	s, err := rnnShapes(&forward, r.layers, r.batchFirst)
	if err != nil {
		return err
	}
	upstream := Call{In: forward.In, Out: c.In[rnnMask+1 : rnnGradKept]}
	if err := s.check(&upstream, r.layers, r.batchFirst); err != nil {
		return err
	}
	states := Call{In: forward.In, Out: []*tensor.Tensor{nil, c.Out[4], c.Out[5]}}
	var dx []T
	if !r.skipX {
		dx = tensor.Of[T](c.Out[0])
	}
	clear(dx)
	dirs := len(r.layers)
	for d := range r.layers {
		l := r.layers[d]
		l.Inputs, l.Hidden = s.inputs, s.hidden
		h, n := s.hidden, l.Cell.Gates()*s.hidden
		part := func(t *tensor.Tensor, size int) []T {
			if t == nil || t.Len() == 0 {
				return nil
			}
			return tensor.Of[T](t)[d*size:][:size]
		}
		w := rnn.PlainWeights[T]{W: part(c.In[1], n*s.inputs), R: part(c.In[2], n*h), B: part(c.In[3], 2*n), P: part(c.In[7], 3*h)}
		a := rnnArgs[T](&forward, s, d, dirs, r.batchFirst)
		need := l.GradScratch(s.steps, s.batch)
		scratch := c.Scratch
		if size := need * c.In[0].DType().Size(); len(scratch) < size {
			if scratch, err = c.Memory.Bytes(size); err != nil {
				return err
			}
		}
		a.Scratch = scratchOf[T](scratch, need)
		grads := rnn.GradArgs[T]{
			DY: rnnArgs[T](&upstream, s, d, dirs, r.batchFirst), DState: rnnArgs[T](&states, s, d, dirs, r.batchFirst), DX: dx,
			DW: part(c.Out[1], n*s.inputs), DR: part(c.Out[2], n*h), DB: part(c.Out[3], 2*n), DP: part(c.Out[6], 3*h),
		}
		if s.masked {
			mask := Call{In: forward.In, Out: []*tensor.Tensor{nil, c.Out[7]}}
			grads.DMask = rnnArgs[T](&mask, s, d, dirs, r.batchFirst).HOut
		}
		rnn.Grad(&l, w, &a, &grads)
	}
	return nil
}
