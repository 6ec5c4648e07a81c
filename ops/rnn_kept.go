package ops

import (
	"slices"

	"github.com/onnxrun/onnxrun/internal/kernel/rnn"
	"github.com/onnxrun/onnxrun/tensor"
)

// RNN, GRU and LSTM of the onnxrun domain have a fourth output, what RNNGrad needs of the run: the layout is that of
// rnn.Args.Keep, [directions, rnn.Layer.KeptLen]. It is there for layers that KeepsGates names. With the attribute spans above 0, which
// RNNGrad then has too, it is that of rnn.Args.Spans, so many elements for each direction: RNNGrad writes to it, and runs spans of the steps again.

const (
	rnnKept     = 3           // the output
	rnnGradKept = rnnMask + 4 // the input of RNNGrad
	rnnSpans    = "spans"     // the attribute
)

// KeptGates is the number of the output.
const KeptGates = rnnKept

// KeptGatesInput is the number of RNNGrad's input.
const KeptGatesInput = rnnGradKept

// KeptSpans is the name of the attribute.
const KeptSpans = rnnSpans

// SpansOfGates returns the attribute for a recurrent node that keeps its gates, and how many bytes less are in use then while its gradient
// is made: less than 0 if more are. x and r are the shapes of X and R.
func SpansOfGates(cell string, attrs Attrs, x, r tensor.Shape) (spans, bytes int) {
	layers, err := rnnLayers(attrs, rnnCells[cell])
	if err != nil || len(x) != 3 || len(r) != 3 || x.Len() == 0 || r.Len() == 0 {
		return 0, 0
	}
	l, steps, batch := layers[0], x[0], x[1]
	if attrs.Bool("layout") {
		steps, batch = batch, steps
	}
	l.Inputs, l.Hidden = x[2], r[2]
	return l.SpansLen(steps, batch), 4 * l.SpansSave(steps, batch, len(layers))
}

// KeepsGates reports whether a recurrent node, named by its operator, can keep for RNNGrad what that needs of the run. a and b
// are the attributes of the two, peep says whether the node has peepholes.
func KeepsGates(cell string, a, b Attrs, peep bool) bool {
	kind, ok := rnnCells[cell]
	if !ok || a.Bool("layout") != b.Bool("layout") {
		return false
	}
	forward, err := rnnLayers(a, kind)
	if err != nil {
		return false
	}
	back, err := rnnLayers(b, kind)
	return err == nil && slices.Equal(forward, back) && rnnKeeps(forward, peep)
}

func rnnKeeps(layers []rnn.Layer, peep bool) bool {
	return !slices.ContainsFunc(layers, func(l rnn.Layer) bool { return !l.Keeps(peep) })
}

// rnnKeptInfer sets the shape of what is kept.
func rnnKeptInfer(c *InferCtx, cell rnn.Cell, hidden, steps, batch Dim) {
	dirs, err := rnnDirections(c.Attrs)
	if err != nil {
		return
	}
	if c.Bool("layout") {
		steps, batch = batch, steps
	}
	one, pitch, states := mvConst(1), hidden.Mul(mvConst(4)), mvConst(1)
	switch cell {
	case rnn.Plain:
		pitch = hidden
	case rnn.LSTM:
		states = mvConst(2)
	}
	if n := c.Int(rnnSpans); n > 0 {
		c.Set(rnnKept, c.Type(0).DType, mvConst(dirs), mvConst(n))
		return
	}
	gates := steps.Mul(batch).Mul(pitch)
	c.Set(rnnKept, c.Type(0).DType, mvConst(dirs), gates.Add(states.Mul(steps.Add(one)).Mul(batch).Mul(hidden)))
}
