// Package rnn computes recurrent layers: LSTM, GRU and the plain recurrent cell, one direction at a time.
//
// The products with the inputs of many steps are one matrix product; each step then needs the product with the last state,
// whose kernels are here, and applies the gates. Several threads share the units of the layer and stay together over
// the steps. Weights are packed once. The order of gates is that of ONNX: i, o, f, c for LSTM and z, r, h for GRU.
//
// It may import internal/cpu, internal/par, internal/mem, internal/kernel/move, internal/kernel/vec and internal/kernel/gemm.
package rnn

import (
	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/mem"
)

// Cell names a kind of recurrent layer.
type Cell uint8

// The cells.
const (
	Plain Cell = iota // h = f(Wx + Rh)
	GRU
	LSTM
)

// Gates returns the number of gates: the blocks of Hidden rows in the weights.
func (c Cell) Gates() int { return [...]int{1, 3, 4}[c] }

// Layer describes one direction of a recurrent layer.
type Layer struct {
	Cell           Cell
	Inputs, Hidden int
	Reverse        bool    // steps are taken from the last to the first
	Clip           float32 // bound of what activations get; 0: none
	InputForget    bool    // LSTM: the forget gate is one minus the input gate
	LinearFirst    bool    // GRU: the product with R comes before the reset gate
	Masked         bool    // what is multiplied with R is the state times ArgsOf.Mask
	Acts           [3]Activation
}

// Weights are the packed weights of a direction.
type Weights struct {
	W     *gemm.Packed // Inputs × Gates*Hidden
	R     *Packed      // Hidden × Gates*Hidden; where RH is set without the part of RH
	RH    *Packed      // of a GRU whose reset gate comes before the product: Hidden × Hidden
	Bias  []float32    // Gates*Hidden, nil: none
	RBias []float32    // Gates*Hidden, added to the product with R: of a GRU with LinearFirst
	Peep  []float32    // LSTM: 3*Hidden for i, o and f, nil: none

	// WBy and RBy, if not nil, stand for W and R of a cell without RH.
	WBy, RBy Multiplier
}

// A Multiplier is a right-hand side of a kind of its own: Multiply sets a.C to the product of a.A, whose rows are
// contiguous, with it, plus the column bias of the epilogue, or adds that to a.C if a.Accumulate is set. It is called
// from several goroutines at once.
type Multiplier interface{ Multiply(a *gemm.Args) }

// PackW packs w, a matrix of Gates*Hidden rows and Inputs columns, into room, WLen elements of unknown content. old is reused.
func (l *Layer) PackW(old *gemm.Packed, room, w []float32) *gemm.Packed {
	if old == nil {
		old = new(gemm.Packed)
	}
	var within mem.Room
	within.Within(room[:l.WLen()])
	old.Place(&within, 1, l.Inputs, l.Cell.Gates()*l.Hidden)
	old.Set(0, w, 1, l.Inputs)
	return old
}

// WLen returns the length of the room of PackW.
func (l *Layer) WLen() int { return gemm.PackedLen(1, l.Inputs, l.Cell.Gates()*l.Hidden) + maxLanes }

// PackWIn is PackW with elements that come from room, where they may be already.
func (l *Layer) PackWIn(room *mem.Room, w []float32) *gemm.Packed {
	p := gemm.NewPackedIn(room, 1, l.Inputs, l.Cell.Gates()*l.Hidden)
	if !room.Filled() {
		p.Set(0, w, 1, l.Inputs)
	}
	return p
}

// PackR packs r, a matrix of Gates*Hidden rows and Hidden columns, as fields R and RH of Weights, into room, RLen elements of unknown
// content. What is old is reused.
func (l *Layer) PackR(oldR, oldRH *Packed, room, r []float32) (whole, last *Packed) {
	var within mem.Room
	within.Within(room[:l.RLen()])
	if h := l.Hidden; l.resetFirst() {
		oldRH = oldRH.place(&within, 1, h, h)
	}
	oldR = oldR.place(&within, l.gatesOfR(), l.Hidden, l.Hidden)
	l.setR(oldR, oldRH, r)
	return oldR, oldRH
}

// RLen returns the length of the room of PackR.
func (l *Layer) RLen() int {
	n := packedLen(l.gatesOfR(), l.Hidden, l.Hidden) + maxLanes
	if l.resetFirst() {
		n += packedLen(1, l.Hidden, l.Hidden) + maxLanes
	}
	return n
}

// gatesOfR is the number of gates of field R of Weights.
func (l *Layer) gatesOfR() int {
	if l.resetFirst() {
		return 2
	}
	return l.Cell.Gates()
}

// setR packs r as both fields.
func (l *Layer) setR(whole, last *Packed, r []float32) {
	n := l.gatesOfR() * l.Hidden * l.Hidden
	whole.set(r[:n])
	if last != nil {
		last.set(r[n : n+l.Hidden*l.Hidden])
	}
}

// PackRIn is PackR with elements that come from room, where they may be already.
func (l *Layer) PackRIn(room *mem.Room, r []float32) (whole, last *Packed) {
	h := l.Hidden
	if l.resetFirst() {
		last = newPacked(room, 1, h, h)
	}
	whole = newPacked(room, l.gatesOfR(), h, h)
	if !room.Filled() {
		l.setR(whole, last, r)
	}
	return whole, last
}

// resetFirst reports whether the layer is a GRU whose reset gate comes before the product of the candidate.
func (l *Layer) resetFirst() bool { return l.Cell == GRU && !l.LinearFirst }

// usual reports whether activations are those for which kernels of whole cells exist.
func (l *Layer) usual() bool {
	a := &l.Acts
	return l.Clip == 0 && !l.InputForget && a[0].Kind == Sigmoid && a[1].Kind == Tanh && (l.Cell == GRU || a[2].Kind == Tanh)
}

// FoldBias splits b, the biases of the inputs' products followed by those of the states', into Bias and
// RBias of Weights. The slices given are reused.
func (l *Layer) FoldBias(bias, rbias, b []float32) (x, r []float32) {
	n := l.Cell.Gates() * l.Hidden
	bias = append(bias[:0], b[:n]...)
	late := n // first gate whose bias stays with the product of the state
	if l.Cell == GRU && l.LinearFirst {
		late = 2 * l.Hidden
		rbias = append(rbias[:0], b[n:2*n]...)
		clear(rbias[:late])
	} else {
		rbias = nil
	}
	for i := range late {
		bias[i] += b[n+i]
	}
	return bias, rbias
}

// ArgsOf are the sequences and states of a run. Strides count elements.
type ArgsOf[T float32 | float64] struct {
	Steps, Batch int

	X           []T // Inputs elements for each step and row
	XStep, XRow int
	Y           []T // Hidden elements for each step and row; nil: not wanted
	YStep, YRow int
	H0, C0      []T // initial states, nil: zeros
	Mask        []T // of a Masked layer: factors of the state before each product with R, the same in all steps
	HOut, COut  []T // final states, nil: not wanted
	StateRow    int // between the rows of H0, C0, Mask, HOut, COut
	Lens        []int32
	Scratch     []T
	Keep        []T // KeptLen elements that Backward needs; nil: not wanted, and not possible unless Keeps
	Spans       []T // instead of Keep SpansLen elements: spans of the steps run again in Backward; nil: not wanted
	Threads     int

	resume []T // instead of H0 and C0: states between two spans
	since  int // the step of the sequence with which X begins, and from which on Lens count
}

// Args are the arguments of Layer.Run. Lens, if set, are the steps of each row; outputs after them are zero, and
// so is the final state of a row without steps: ONNX leaves it open, ONNX Runtime has zeros.
type Args = ArgsOf[float32]

// idle reports whether row b has no steps.
func (a *ArgsOf[T]) idle(b int) bool { return a.Lens != nil && a.Lens[b] <= 0 }

// blockElems bounds the products of inputs that are kept at a time.
const blockElems = 1 << 20

// block returns the number of steps whose inputs are multiplied at once.
func (l *Layer) block(steps, batch int) int {
	return max(1, min(steps, blockElems/max(1, batch*l.Cell.Gates()*l.Hidden)))
}

// ScratchLen returns the number of elements of Args.Scratch that Run needs.
func (l *Layer) ScratchLen(steps, batch int) int {
	g, n := l.Cell.Gates(), padded(batch*l.Hidden)
	states := 4 // h twice, c, and what the reset gate lets through
	if l.Masked {
		states += 2
	}
	return padded(l.block(steps, batch)*batch*g*l.Hidden) + states*n + g*batch*padded(l.Hidden) + padded(l.Hidden)
}

// KeepScratchLen is ScratchLen of a run with Args.Keep, where the products with the inputs lie.
func (l *Layer) KeepScratchLen(steps, batch int) int {
	return l.ScratchLen(steps, batch) - padded(l.block(steps, batch)*batch*l.Cell.Gates()*l.Hidden)
}

// masked returns the length of a masked state: 0 without a mask.
func (l *Layer) masked() int {
	if l.Masked {
		return l.Hidden
	}
	return 0
}
