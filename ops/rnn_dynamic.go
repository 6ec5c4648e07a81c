package ops

import (
	"fmt"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/quant"
	"github.com/onnxrun/onnxrun/internal/kernel/rnn"
	"github.com/onnxrun/onnxrun/internal/par"
	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/tensor"
)

// DynamicQuantizeLSTM of com.microsoft is an LSTM whose weights are bytes, W [directions, inputs, 4*hidden] and
// R [directions, hidden, 4*hidden], with one scale and zero point for each direction or each of its columns (inputs 8 to
// 11). What they are multiplied with is quantised by its own range, for each product anew.

func dynamicLSTMInfer(c *InferCtx) error {
	x, r := c.Type(0), c.Type(2)
	for i, t := range []Type{x, c.Type(1), r} {
		if t.Ranked && len(t.Dims) != 3 {
			return fmt.Errorf("ops: input %d is %v, want 3 dimensions", i, t)
		}
	}
	dirs, err := rnnDirections(c.Attrs)
	if err != nil {
		return err
	}
	hidden, steps, batch := c.Fresh(), c.Fresh(), c.Fresh()
	if h := c.Int("hidden_size"); h > 0 {
		hidden = sym.Const(int64(h))
	} else if r.Ranked {
		hidden = r.Dims[1]
	}
	if x.Ranked {
		steps, batch = x.Dims[0], x.Dims[1]
	}
	d := sym.Const(int64(dirs))
	c.Set(0, x.DType, steps, d, batch, hidden)
	c.Set(1, x.DType, d, batch, hidden)
	c.Set(2, x.DType, d, batch, hidden)
	return nil
}

// dynamicLSTM is a bound DynamicQuantizeLSTM. w and r are packed weights of each direction where they are constant.
type dynamicLSTM struct {
	layers []rnn.Layer
	w, r   []*quant.Weights
	calls  sync.Pool // of *dynamicLSTMCall
}

// dynamicLSTMCall is one run.
type dynamicLSTMCall struct {
	rnnCall
	w, r []quant.Dynamic
}

func dynamicLSTMKernel(k *KernelCtx) (Kernel, error) {
	layers, err := rnnLayers(k.Attrs, rnn.LSTM)
	if err != nil {
		return Kernel{}, err
	}
	if k.DType(0) != tensor.Float32 || !bytes8.Has(k.DType(1)) || !bytes8.Has(k.DType(2)) {
		return Kernel{}, Unsupported("LSTM of %v with weights of %v and %v", k.DType(0), k.DType(1), k.DType(2))
	}
	l := &dynamicLSTM{layers: layers}
	if l.w, err = constDirections(k, 1, 9, len(layers)); err != nil {
		return Kernel{}, err
	}
	if l.r, err = constDirections(k, 2, 11, len(layers)); err != nil {
		return Kernel{}, err
	}
	return Kernel{Run: l.run, Scratch: l.scratch}, nil
}

// constDirections packs the weights of input i, less the zero points of input zero, if both are constant.
func constDirections(k *KernelCtx, i, zero, dirs int) ([]*quant.Weights, error) {
	w, z := k.Const(i), k.Const(zero)
	if w == nil || z == nil || w.Rank() != 3 || w.Shape()[0] != dirs || w.Len() == 0 {
		return nil, nil
	}
	var err error
	packs, _ := k.Packed(i, fmt.Sprintf("quant.B by direction, less %v %x", z.Shape(), z.Bytes()), func(room *Room) any {
		var p []*quant.Weights
		p, err = packDirections(room, w, z)
		return p
	}).([]*quant.Weights)
	return packs, err
}

// packDirections packs weights [directions, rows, columns] less their zero points: one for each direction, or for each of
// its columns.
func packDirections(room *Room, w, zero *tensor.Tensor) ([]*quant.Weights, error) {
	s := w.Shape()
	dirs, rows, cols := s[0], s[1], s[2]
	n, each := zero.Len(), 1
	if n != dirs && n != dirs*cols || zero.DType() != w.DType() {
		return nil, fmt.Errorf("ops: zero point is %v of shape %v, want [%d] or [%d %d] of %v", zero.DType(), zero.Shape(), dirs, dirs, cols, w.DType())
	}
	if n != dirs {
		each = cols
	}
	var out []*quant.Weights
	for d := range dirs {
		read := func() []float32 {
			part := make([]float32, rows*cols)
			loadCodes(part, w, d*rows*cols)
			for i := range part {
				part[i] -= zeroPoint(zero, d*each+i%cols%each)
			}
			return part
		}
		out = append(out, quant.PackIn(room, read, 1, rows, cols, cols, 1))
	}
	return out, nil
}

func (l *dynamicLSTM) scratch(c *Call) int {
	x, r := c.In[0].Shape(), c.In[2].Shape()
	if len(x) != 3 || len(r) != 3 {
		return 0
	}
	layer := rnn.Layer{Cell: rnn.LSTM, Hidden: r[1], Inputs: x[2]}
	return 4 * len(l.layers) * layer.ScratchLen(x[0], x[1])
}

// shapes checks the shapes of a call.
func (l *dynamicLSTM) shapes(c *Call) (s rnnShape, err error) {
	x, r := c.In[0].Shape(), c.In[2].Shape()
	if len(x) != 3 || len(r) != 3 {
		return s, fmt.Errorf("ops: X and R have shapes %v and %v, want 3 dimensions", x, r)
	}
	s = rnnShape{x[0], x[1], x[2], r[1], false}
	dirs, cols := len(l.layers), 4*s.hidden
	if err := rnnFits(c, 1, "W", dirs, s.inputs, cols); err != nil {
		return s, err
	}
	if err := rnnFits(c, 2, "R", dirs, s.hidden, cols); err != nil {
		return s, err
	}
	for i := 8; i < 12; i += 2 {
		if n := scaleCount(c, i); n != dirs && n != dirs*cols || part(c.In, i) == nil || part(c.In, i+1) == nil {
			return s, fmt.Errorf("ops: input %d (scale) has %d elements, want %d or %d, and a zero point", i, n, dirs, dirs*cols)
		}
	}
	return s, s.check(c, l.layers, false)
}

func (l *dynamicLSTM) run(c *Call) error {
	s, err := l.shapes(c)
	if err != nil {
		return err
	}
	w, r := l.w, l.r
	if w == nil {
		if w, err = packDirections(nil, c.In[1], c.In[9]); err != nil {
			return err
		}
	}
	if r == nil {
		if r, err = packDirections(nil, c.In[2], c.In[11]); err != nil {
			return err
		}
	}
	x, _ := l.calls.Get().(*dynamicLSTMCall)
	if x == nil {
		n := len(l.layers)
		x = &dynamicLSTMCall{rnnCall{layers: append([]rnn.Layer(nil), l.layers...), weights: make([]rnn.Weights, n), own: make([]rnn.Weights, n),
			args: make([]rnn.Args, n)}, make([]quant.Dynamic, n), make([]quant.Dynamic, n)}
	}
	scratch := scratchOf[float32](c.Scratch, len(c.Scratch)/4)
	for d := range x.layers {
		layer := &x.layers[d]
		layer.Inputs, layer.Hidden = s.inputs, s.hidden
		x.direction(c, d, w[d], r[d])
		x.args[d] = rnnArgs[float32](c, s, d, len(x.layers), false)
		n := layer.ScratchLen(s.steps, s.batch)
		x.args[d].Scratch = scratch[d*n : (d+1)*n]
	}
	par.Run(x.threads(c, s), len(x.layers), &x.rnnCall)
	clear(x.args)
	clear(x.weights)
	l.calls.Put(x)
	return nil
}

// direction sets the weights of direction d.
func (x *dynamicLSTMCall) direction(c *Call, d int, w, r *quant.Weights) {
	l, dirs, n := &x.layers[d], len(x.layers), 4*x.layers[d].Hidden
	own := &x.own[d]
	x.w[d] = quant.Dynamic{Weights: w, Scale: scalesOf(c.In[8], d, dirs)}
	x.r[d] = quant.Dynamic{Weights: r, Scale: scalesOf(c.In[10], d, dirs)}
	x.weights[d] = rnn.Weights{WBy: &x.w[d], RBy: &x.r[d]}
	if b := input(c, 3); b != nil {
		own.Bias, _ = l.FoldBias(own.Bias, nil, tensor.Of[float32](b)[d*2*n:(d+1)*2*n])
		x.weights[d].Bias = own.Bias
	}
	if p := input(c, 7); p != nil {
		x.weights[d].Peep = tensor.Of[float32](p)[d*3*l.Hidden : (d+1)*3*l.Hidden]
	}
}

// scalesOf returns the scales of direction d.
func scalesOf(t *tensor.Tensor, d, dirs int) []float32 {
	s := tensor.Of[float32](t)
	n := len(s) / dirs
	return s[d*n : (d+1)*n]
}
