package rnn

// kept are the parts of ArgsOf.Keep: of every step t of the sequence and batch element b, row t*Batch+b. The states are those
// before all steps and the last ones: slot i, of Batch rows, is the one before step i, or in a Reverse layer the one after it. Of
// a layer whose spans run again they are those of one span, from step from on.
type kept struct {
	gates []float32 // Layer.pitch elements a row: gates, and behind those of a GRU what the reset gate multiplies or lets through
	h, c  []float32
	pitch int
	from  int
}

// pitch returns the distance between rows of gates. A plain cell's room is for gradients: its gate is its state.
func (l *Layer) pitch() int {
	if l.Cell == Plain {
		return l.Hidden
	}
	return 4 * l.Hidden
}

// KeptLen returns the length of ArgsOf.Keep.
func (l *Layer) KeptLen(steps, batch int) int {
	states := 1
	if l.Cell == LSTM {
		states = 2
	}
	return steps*batch*l.pitch() + states*(steps+1)*batch*l.Hidden
}

func (l *Layer) keptIn(keep []float32, steps, batch int) kept {
	k, n := kept{pitch: l.pitch()}, (steps+1)*batch*l.Hidden
	at := steps * batch * k.pitch
	k.gates, k.h = keep[:at], keep[at:at+n]
	if l.Cell == LSTM {
		k.c = keep[at+n : at+2*n]
	}
	return k
}

// around returns the states before and after step t among all.
func (l *Layer) around(states []float32, t, batch int) (before, after []float32) {
	n := batch * l.Hidden
	before, after = states[t*n:][:n], states[(t+1)*n:][:n]
	if l.Reverse {
		before, after = after, before
	}
	return before, after
}

// first returns where the states lie that the layer begins with, and last those that it ends with.
func (l *Layer) first(states []float32, batch int) []float32 {
	if l.Reverse {
		return states[len(states)-batch*l.Hidden:]
	}
	return states[:batch*l.Hidden]
}

func (l *Layer) last(states []float32, batch int) []float32 {
	if l.Reverse {
		return states[:batch*l.Hidden]
	}
	return states[len(states)-batch*l.Hidden:]
}

// Keeps reports whether Run can keep what Backward needs: the activations are the usual ones, of a plain cell also Relu, and
// nothing is clipped, coupled or, as peep says, given peepholes.
func (l *Layer) Keeps(peep bool) bool {
	if l.Cell == Plain {
		return l.Clip == 0 && (l.Acts[0].Kind == Tanh || l.Acts[0].Kind == Relu)
	}
	return l.usual() && !peep
}
