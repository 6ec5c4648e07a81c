package ops

import (
	"fmt"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/rnn"
	"github.com/onnxrun/onnxrun/internal/par"
	"github.com/onnxrun/onnxrun/tensor"
)

var (
	lstmKernel  = widened(func(k *KernelCtx) (Kernel, error) { return rnnKernel(k, rnn.LSTM) })
	gruKernel   = widened(func(k *KernelCtx) (Kernel, error) { return rnnKernel(k, rnn.GRU) })
	elmanKernel = widened(func(k *KernelCtx) (Kernel, error) { return rnnKernel(k, rnn.Plain) })
)

// rnnRun is a bound LSTM, GRU or RNN.
type rnnRun struct {
	layers     []rnn.Layer
	weights    []rnn.Weights // what is constant
	batchFirst bool
	keeps      bool      // what RNNGrad needs
	spans      int       // of that so many elements, not those of all steps; 0: all
	calls      sync.Pool // of *rnnCall
}

// rnnCall is one run: a task whose chunks are the directions.
type rnnCall struct {
	layers  []rnn.Layer
	weights []rnn.Weights
	own     []rnn.Weights // packed forms of what is not constant, reused
	args    []rnn.Args
}

// Chunk implements par.Task.
func (x *rnnCall) Chunk(d int) { x.layers[d].Run(&x.weights[d], &x.args[d]) }

func rnnKernel(k *KernelCtx, cell rnn.Cell) (Kernel, error) {
	layers, err := rnnLayers(k.Attrs, cell)
	if err != nil {
		return Kernel{}, err
	}
	setMasked(layers, k.Has(rnnMask))
	r := &rnnRun{layers: layers, batchFirst: k.Bool("layout"), spans: k.Int(rnnSpans), weights: make([]rnn.Weights, len(layers))}
	if r.keeps = k.HasOut(rnnKept); r.keeps && !(rnnKeeps(layers, k.Has(7)) && k.DType(0) == tensor.Float32) {
		return Kernel{}, Unsupported("gates of this layer are not kept")
	}
	if k.DType(0) == tensor.Float64 {
		return Kernel{Run: r.plain, Scratch: r.plainScratch}, nil
	}
	w, okW := k.Type(1).Static()
	rec, okR := k.Type(2).Static()
	n := cell.Gates()
	if okW && okR && len(w) == 3 && len(rec) == 3 && w[0] == len(layers) && rec[0] == len(layers) && w[1] == n*rec[2] && rec[1] == w[1] {
		for d := range layers {
			layers[d].Inputs, layers[d].Hidden = w[2], rec[2]
		}
		r.prepack(k)
	}
	return Kernel{Run: r.run, Scratch: r.scratch, Work: r.work}, nil
}

// prepack packs constant weights and adds up constant biases.
func (r *rnnRun) prepack(k *KernelCtx) {
	l := &r.layers[0]
	h, n, dirs := l.Hidden, l.Cell.Gates()*l.Hidden, len(r.layers)
	if t := k.Const(1); t != nil && t.DType() == tensor.Float32 {
		packs := k.Packed(1, "rnn: inputs", func(room *Room) any {
			var p []*gemm.Packed
			for d := range dirs {
				p = append(p, l.PackWIn(room, tensor.Of[float32](t)[d*n*l.Inputs:(d+1)*n*l.Inputs]))
			}
			return p
		}).([]*gemm.Packed)
		for d := range packs {
			r.weights[d].W = packs[d]
		}
		k.Unread(1)
	}
	if t := k.Const(2); t != nil && t.DType() == tensor.Float32 {
		format := "rnn: states"
		if l.Cell == rnn.GRU && !l.LinearFirst {
			format = "rnn: states, reset first"
		}
		packs := k.Packed(2, format, func(room *Room) any {
			var p [][2]*rnn.Packed
			for d := range dirs {
				whole, last := l.PackRIn(room, tensor.Of[float32](t)[d*n*h:(d+1)*n*h])
				p = append(p, [2]*rnn.Packed{whole, last})
			}
			return p
		}).([][2]*rnn.Packed)
		for d := range packs {
			r.weights[d].R, r.weights[d].RH = packs[d][0], packs[d][1]
		}
		k.Unread(2)
	}
	if t := k.Const(3); t != nil && t.DType() == tensor.Float32 && t.Len() == dirs*2*n {
		for d := range dirs {
			r.weights[d].Bias, r.weights[d].RBias = l.FoldBias(nil, nil, tensor.Of[float32](t)[d*2*n:(d+1)*2*n])
		}
	}
}

func (r *rnnRun) scratch(c *Call) int {
	x, w := c.In[0].Shape(), c.In[2].Shape()
	if len(x) != 3 || len(w) != 3 {
		return 0
	}
	l := r.layers[0]
	l.Hidden, l.Inputs = w[2], x[2]
	steps, batch := x[0], x[1]
	if r.batchFirst {
		steps, batch = batch, steps
	}
	return 4 * len(r.layers) * r.scratchLen(&l, steps, batch)
}

func (r *rnnRun) plainScratch(c *Call) int {
	if c.In[2].Rank() != 3 {
		return 0
	}
	l := rnn.Layer{Cell: r.layers[0].Cell, Hidden: c.In[2].Shape()[2]}
	return 8 * l.PlainScratch()
}

// parallelWork is the number of multiplications for which two directions are worth two threads.
const parallelWork = 1 << 17

func (r *rnnRun) run(c *Call) error {
	s, err := rnnShapes(c, r.layers, r.batchFirst)
	if err != nil {
		return err
	}
	x, _ := r.calls.Get().(*rnnCall)
	if x == nil {
		n := len(r.layers)
		x = &rnnCall{layers: append([]rnn.Layer(nil), r.layers...), weights: make([]rnn.Weights, n), own: make([]rnn.Weights, n), args: make([]rnn.Args, n)}
	}
	copy(x.weights, r.weights)
	scratch := scratchOf[float32](c.Scratch, len(c.Scratch)/4)
	for d := range x.layers {
		l := &x.layers[d]
		l.Inputs, l.Hidden = s.inputs, s.hidden
		x.args[d] = rnnArgs[float32](c, s, d, len(r.layers), r.batchFirst)
		n := r.scratchLen(l, s.steps, s.batch)
		x.args[d].Scratch = x.pack(c, d, scratch[d*n:(d+1)*n])
		switch {
		case r.keeps && r.spans > 0:
			if want := l.SpansLen(s.steps, s.batch); r.spans != want {
				return fmt.Errorf("ops: attribute spans is %d, want %d", r.spans, want)
			}
			x.args[d].Spans = rnnPart(c.Out[rnnKept], d, r.spans)
		case r.keeps:
			x.args[d].Keep = rnnPart(c.Out[rnnKept], d, l.KeptLen(s.steps, s.batch))
		}
	}
	par.Run(x.threads(c, s), len(x.layers), x)
	clear(x.args)
	clear(x.weights)
	r.calls.Put(x)
	return nil
}

// scratchLen returns the elements of scratch memory of one direction.
func (r *rnnRun) scratchLen(l *rnn.Layer, steps, batch int) int {
	n := 0
	if r.weights[0].W == nil {
		n += l.WLen()
	}
	if r.weights[0].R == nil {
		n += l.RLen()
	}
	if r.keeps {
		return n + l.KeepScratchLen(steps, batch)
	}
	return n + l.ScratchLen(steps, batch)
}

// threads returns how many threads the directions are worth.
func (x *rnnCall) threads(c *Call, s rnnShape) int {
	if gates := x.layers[0].Cell.Gates(); s.steps*s.batch*gates*s.hidden*(s.inputs+s.hidden) < parallelWork {
		return 1
	}
	return c.Threads
}

// pack packs what is not constant of direction d into scratch memory, and returns the rest of that.
func (x *rnnCall) pack(c *Call, d int, scratch []float32) (rest []float32) {
	l, w, own := &x.layers[d], &x.weights[d], &x.own[d]
	h, n := l.Hidden, l.Cell.Gates()*l.Hidden
	if w.W == nil {
		own.W = l.PackW(own.W, scratch, tensor.Of[float32](c.In[1])[d*n*l.Inputs:(d+1)*n*l.Inputs])
		w.W, scratch = own.W, scratch[l.WLen():]
	}
	if w.R == nil {
		own.R, own.RH = l.PackR(own.R, own.RH, scratch, tensor.Of[float32](c.In[2])[d*n*h:(d+1)*n*h])
		w.R, w.RH, scratch = own.R, own.RH, scratch[l.RLen():]
	}
	if b := input(c, 3); b != nil && w.Bias == nil {
		own.Bias, own.RBias = l.FoldBias(own.Bias, own.RBias, tensor.Of[float32](b)[d*2*n:(d+1)*2*n])
		w.Bias, w.RBias = own.Bias, own.RBias
	}
	if p := input(c, 7); p != nil {
		w.Peep = tensor.Of[float32](p)[d*3*h : (d+1)*3*h]
	}
	return scratch
}

// rnnArgs returns the sequences and states of direction d.
func rnnArgs[T float32 | float64](c *Call, s rnnShape, d, dirs int, batchFirst bool) rnn.ArgsOf[T] {
	a := rnn.ArgsOf[T]{Steps: s.steps, Batch: s.batch, X: tensor.Of[T](c.In[0]), Threads: c.Threads}
	a.XStep, a.XRow = s.batch*s.inputs, s.inputs
	a.YStep, a.YRow, a.StateRow = dirs*s.batch*s.hidden, s.hidden, s.hidden
	state, y := d*s.batch*s.hidden, d*s.batch*s.hidden
	if batchFirst {
		a.XStep, a.XRow = s.inputs, s.steps*s.inputs
		a.YStep, a.YRow, a.StateRow = dirs*s.hidden, s.steps*dirs*s.hidden, dirs*s.hidden
		state, y = d*s.hidden, d*s.hidden
	}
	from := func(t *tensor.Tensor, off int) []T {
		if t == nil || t.Len() == 0 {
			return nil
		}
		return tensor.Of[T](t)[off:]
	}
	out := func(i int) *tensor.Tensor {
		if i >= len(c.Out) {
			return nil
		}
		return c.Out[i]
	}
	a.Y, a.HOut, a.COut = from(out(0), y), from(out(1), state), from(out(2), state)
	a.H0, a.C0 = from(input(c, 5), state), from(input(c, 6), state)
	if s.masked {
		a.Mask = from(c.In[rnnMask], state)
	}
	if lens := input(c, 4); lens != nil {
		a.Lens = tensor.Of[int32](lens)
	}
	return a
}

// plain runs the directions with plain loops, in float64.
func (r *rnnRun) plain(c *Call) error {
	s, err := rnnShapes(c, r.layers, r.batchFirst)
	if err != nil {
		return err
	}
	for d := range r.layers {
		l := r.layers[d]
		l.Inputs, l.Hidden = s.inputs, s.hidden
		h, n := s.hidden, l.Cell.Gates()*s.hidden
		w := rnn.PlainWeights[float64]{W: tensor.Of[float64](c.In[1])[d*n*l.Inputs:], R: tensor.Of[float64](c.In[2])[d*n*h:]}
		if b := input(c, 3); b != nil {
			w.B = tensor.Of[float64](b)[d*2*n:]
		}
		if p := input(c, 7); p != nil {
			w.P = tensor.Of[float64](p)[d*3*h:]
		}
		a := rnnArgs[float64](c, s, d, len(r.layers), r.batchFirst)
		a.Scratch = scratchOf[float64](c.Scratch, l.PlainScratch())
		rnn.RunPlain(&l, w, &a)
	}
	return nil
}
