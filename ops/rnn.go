package ops

import (
	"fmt"
	"strings"

	"github.com/onnxrun/onnxrun/internal/kernel/rnn"
	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/tensor"
)

func lstmInfer(c *InferCtx) error  { return rnnInfer(c, rnn.LSTM) }
func gruInfer(c *InferCtx) error   { return rnnInfer(c, rnn.GRU) }
func elmanInfer(c *InferCtx) error { return rnnInfer(c, rnn.Plain) }

// rnnInfer infers LSTM, GRU and RNN: X [steps, batch, inputs], W [directions, gates*hidden, inputs] and
// R [directions, gates*hidden, hidden] give Y [steps, directions, batch, hidden] and final states
// [directions, batch, hidden]; with layout 1 the batch comes first.
func rnnInfer(c *InferCtx, cell rnn.Cell) error {
	x, w, r := c.Type(0), c.Type(1), c.Type(2)
	for i, t := range []Type{x, w, r} {
		if t.Ranked && len(t.Dims) != 3 {
			return fmt.Errorf("ops: input %d (%s) is %v: want 3 dimensions", i, []string{"X", "W", "R"}[i], t)
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
		hidden = r.Dims[2]
	}
	if err := rnnCheckWeights(cell, dirs, hidden, w, r); err != nil {
		return err
	}
	if x.Ranked {
		steps, batch = x.Dims[0], x.Dims[1]
	}
	d := sym.Const(int64(dirs))
	rnnKeptInfer(c, cell, hidden, steps, batch)
	if !c.Bool("layout") {
		c.Set(0, x.DType, steps, d, batch, hidden)
		c.Set(1, x.DType, d, batch, hidden)
		c.Set(2, x.DType, d, batch, hidden)
		return nil
	}
	if x.Ranked {
		steps, batch = batch, steps
	}
	c.Set(0, x.DType, batch, steps, d, hidden)
	c.Set(1, x.DType, batch, d, hidden)
	c.Set(2, x.DType, batch, d, hidden)
	return nil
}

// rnnCheckWeights compares the constant dimensions of W and R with the attributes.
func rnnCheckWeights(cell rnn.Cell, dirs int, hidden Dim, w, r Type) error {
	h, ok := hidden.Const()
	if !ok {
		return nil
	}
	want := [3]int64{int64(dirs), int64(cell.Gates()) * h, h}
	for i, t := range []Type{w, r} {
		for k := range t.Dims {
			if v, ok := t.Dims[k].Const(); ok && v != want[k] && (k < 2 || i == 1) {
				return fmt.Errorf("ops: input %d (%s) is %v: want %d in dimension %d", 1+i, []string{"W", "R"}[i], t, want[k], k)
			}
		}
	}
	return nil
}

func rnnDirections(a Attrs) (int, error) {
	switch d := strings.ToLower(a.Str("direction")); d {
	case "", "forward", "foward", "reverse": // the schema of GRU 1 spells its default without r
		return 1, nil
	case "bidirectional":
		return 2, nil
	default:
		return 0, fmt.Errorf("ops: direction is %q, want forward, reverse or bidirectional", d)
	}
}

// rnnLayers returns the layers of all directions as the attributes describe them, sizes left open.
func rnnLayers(a Attrs, cell rnn.Cell) ([]rnn.Layer, error) {
	dirs, err := rnnDirections(a)
	if err != nil {
		return nil, err
	}
	acts, err := rnnActivations(a, cell, dirs)
	if err != nil {
		return nil, err
	}
	layers := make([]rnn.Layer, dirs)
	for d := range layers {
		layers[d] = rnn.Layer{Cell: cell, Reverse: d == 1 || strings.EqualFold(a.Str("direction"), "reverse"), Clip: a.Float("clip"),
			InputForget: a.Bool("input_forget"), LinearFirst: a.Bool("linear_before_reset"), Acts: acts[d]}
	}
	return layers, nil
}

// rnnDefault are the activations and their parameters where attributes give none.
var rnnDefault = map[string]rnn.Activation{
	"sigmoid": {Kind: rnn.Sigmoid}, "tanh": {Kind: rnn.Tanh}, "relu": {Kind: rnn.Relu},
	"affine": {Kind: rnn.Affine, Alpha: 1}, "leakyrelu": {Kind: rnn.LeakyRelu, Alpha: 0.01},
	"thresholdedrelu": {Kind: rnn.ThresholdedRelu, Alpha: 1}, "scaledtanh": {Kind: rnn.ScaledTanh, Alpha: 1, Beta: 1},
	"hardsigmoid": {Kind: rnn.HardSigmoid, Alpha: 0.2, Beta: 0.5}, "elu": {Kind: rnn.Elu, Alpha: 1},
	"softsign": {Kind: rnn.Softsign}, "softplus": {Kind: rnn.Softplus},
}

// rnnActivations reads the attributes activations, activation_alpha and activation_beta. Parameters are
// handed out in order to the functions that have one.
func rnnActivations(a Attrs, cell rnn.Cell, dirs int) ([][3]rnn.Activation, error) {
	names := a.StrList("activations")
	each := [...]int{rnn.Plain: 1, rnn.GRU: 2, rnn.LSTM: 3}[cell]
	if len(names) == 0 {
		preset := [...][]string{rnn.Plain: {"Tanh"}, rnn.GRU: {"Sigmoid", "Tanh"}, rnn.LSTM: {"Sigmoid", "Tanh", "Tanh"}}[cell]
		for range dirs {
			names = append(names, preset...)
		}
	}
	if len(names) < each*dirs { // the default of RNN names one for a second direction as well
		return nil, fmt.Errorf("ops: activations has %d names, want %d", len(names), each*dirs)
	}
	alphas, betas := a.FloatList("activation_alpha"), a.FloatList("activation_beta")
	out := make([][3]rnn.Activation, dirs)
	for i, name := range names[:each*dirs] {
		f, ok := rnnDefault[strings.ToLower(name)]
		if !ok {
			return nil, Unsupported("activation %q", name)
		}
		switch f.Kind {
		case rnn.Affine, rnn.ScaledTanh, rnn.HardSigmoid:
			f.Alpha, alphas = rnnParam(f.Alpha, alphas)
			f.Beta, betas = rnnParam(f.Beta, betas)
		case rnn.LeakyRelu, rnn.ThresholdedRelu, rnn.Elu:
			f.Alpha, alphas = rnnParam(f.Alpha, alphas)
		}
		out[i/each][i%each] = f
	}
	return out, nil
}

func rnnParam(def float32, list []float32) (float32, []float32) {
	if len(list) == 0 {
		return def, nil
	}
	return list[0], list[1:]
}

// rnnShape is what the shapes of one call say, and whether it has a mask of the states.
type rnnShape struct {
	steps, batch, inputs, hidden int
	masked                       bool
}

// rnnShapes checks the shapes of the inputs and outputs of a call.
func rnnShapes(c *Call, layers []rnn.Layer, batchFirst bool) (s rnnShape, err error) {
	x, w, r := c.In[0].Shape(), c.In[1].Shape(), c.In[2].Shape()
	gates := layers[0].Cell.Gates()
	if len(x) != 3 || len(w) != 3 || len(r) != 3 {
		return s, fmt.Errorf("ops: X, W and R have shapes %v, %v, %v: want 3 dimensions", []int(x), []int(w), []int(r))
	}
	s = rnnShape{x[0], x[1], x[2], r[2], layers[0].Masked}
	if batchFirst {
		s.steps, s.batch = s.batch, s.steps
	}
	if err := rnnFits(c, 1, "W", len(layers), gates*s.hidden, s.inputs); err != nil {
		return s, err
	}
	if err := rnnFits(c, 2, "R", len(layers), gates*s.hidden, s.hidden); err != nil {
		return s, err
	}
	return s, s.check(c, layers, batchFirst)
}

// rnnFits checks the shape of input i, if there is one.
func rnnFits(c *Call, i int, what string, want ...int) error {
	if t := input(c, i); t != nil && !t.Shape().Equal(want) {
		return fmt.Errorf("ops: input %d (%s) has shape %v, want %v", i, what, []int(t.Shape()), append([]int(nil), want...))
	}
	return nil
}

// check checks the shapes of all tensors but X, W and R.
func (s rnnShape) check(c *Call, layers []rnn.Layer, batchFirst bool) (err error) {
	dirs, gates := len(layers), layers[0].Cell.Gates()
	state := [3]int{dirs, s.batch, s.hidden}
	if batchFirst {
		state = [3]int{s.batch, dirs, s.hidden}
	}
	check := func(i int, what string, want ...int) {
		if err == nil {
			err = rnnFits(c, i, what, want...)
		}
	}
	check(3, "B", dirs, 2*gates*s.hidden)
	check(4, "sequence_lens", s.batch)
	check(5, "initial_h", state[0], state[1], state[2])
	check(6, "initial_c", state[0], state[1], state[2])
	check(7, "P", dirs, 3*s.hidden)
	if s.masked {
		check(rnnMask, "mask", state[0], state[1], state[2])
	}
	for i, t := range c.Out[:min(len(c.Out), rnnKept)] {
		want := s.batch * dirs * s.hidden
		if i == 0 {
			want *= s.steps
		}
		if err == nil && t != nil && t.Len() != want {
			err = fmt.Errorf("ops: output %d has shape %v, want %d elements", i, []int(t.Shape()), want)
		}
	}
	if lens := input(c, 4); err == nil && lens != nil {
		for b, n := range tensor.Of[int32](lens) {
			if n < 0 || int(n) > s.steps {
				return fmt.Errorf("ops: sequence_lens[%d] is %d, want 0 to %d", b, n, s.steps)
			}
		}
	}
	return err
}
