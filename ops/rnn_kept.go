package ops

import (
	"slices"

	"github.com/onnxrun/onnxrun/internal/kernel/rnn"
)

// RNN, GRU and LSTM of the onnxrun domain have a fourth output, what RNNGrad needs of the run: the layout is that of
// rnn.Args.Keep, [directions, rnn.Layer.KeptLen]. It is there for layers that KeepsGates names.

const (
	rnnKept     = 3           // the output
	rnnGradKept = rnnMask + 4 // the input of RNNGrad
)

// KeptGates is the number of the output.
const KeptGates = rnnKept

// KeptGatesInput is the number of RNNGrad's input.
const KeptGatesInput = rnnGradKept

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
	gates := steps.Mul(batch).Mul(pitch)
	c.Set(rnnKept, c.Type(0).DType, mvConst(dirs), gates.Add(states.Mul(steps.Add(one)).Mul(batch).Mul(hidden)))
}
