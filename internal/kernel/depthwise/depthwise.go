// Package depthwise holds the kernels of depthwise convolutions of tensors whose channels are their last axis: float32,
// channels in the lanes of vectors, for one row of outputs. Package nhwc drives them.
//
// Slices in, slices out. It imports internal/cpu only.
package depthwise

import "github.com/onnxrun/onnxrun/internal/cpu"

//go:generate go -C _asm run . -out ../zdepthwise_amd64.s -pkg depthwise

// Span is a row of taps, or a single tap: where its first input stands relative to Args.At, and its weights in Args.W.
type Span struct {
	X, W int
}

// Args are the arguments of the kernels. Outputs are neighbours along the last spatial axis, Pixel elements apart, their
// windows Stride*Pixel. Channels are handled in groups of a vector. The weights of a group follow each other by tap, one
// vector each, the missing channels zero; those of the next group begin Group elements further.
type Args struct {
	X, Y, W, Bias []float32 // Y begins at the first output, Bias at its first channel
	Spans         []Span    // rows: at least one
	At            int       // where the window of the first output begins in X; it may lie before X where no tap is read
	Channels      int
	Pixel         int
	Stride        int // Taps only: the others know theirs
	Group         int
	Blocks        int // blocks of Block outputs
	Edge          int // outputs of a single block some of whose columns are left out, instead of Blocks; 0: none
	Columns       int // which columns of inputs that block has: bit i is column i
	Lo, Hi        float32
	YStep         int // Taps only: elements from one output to the next
	Ahead         int // rows only: elements from what the last span reads to what will be read soon
}

// Block is the number of outputs that row kernels compute at once.
const Block = 8

// Kernels is one row of the kernel table: all kernels of one instruction set.
type Kernels struct {
	Name  string
	Needs cpu.Feature
	Lanes int
	// Rows3 and its like compute y = min(max(bias + sum of w*x, Lo), Hi) for spans of 3, 5 and 7 taps in neighbouring columns
	// and strides of 1 and 2. Blocks is at least 1 unless Edge is.
	Rows3, Rows3s2, Rows5, Rows5s2, Rows7, Rows7s2 func(a *Args)
	// Taps does so for spans of one tap; Blocks counts single outputs.
	Taps func(a *Args)
	// Pairs computes two rows of windows of 3 by 3; nil where there are not the registers for it, and rows are as good.
	Pairs func(a *PairArgs)
	// Spread computes transposed windows of 3 by 3.
	Spread func(a *SpreadArgs)
	// Frame copies a vector of channels.
	Frame  func(a *FrameArgs)
	sums   []SumKernel
	slides slideTable
	// Grads computes both gradients of windows of 3 by 3 that move by one position, and by two; nil where there is none, and two passes
	// take its place.
	Grads [2]func(a *GradsArgs)
}

// Rows returns the kernel for rows of k taps and a stride, nil if there is none.
func (k *Kernels) Rows(taps, stride int) func(a *Args) {
	switch [2]int{taps, stride} {
	case [2]int{3, 1}:
		return k.Rows3
	case [2]int{3, 2}:
		return k.Rows3s2
	case [2]int{5, 1}:
		return k.Rows5
	case [2]int{5, 2}:
		return k.Rows5s2
	case [2]int{7, 1}:
		return k.Rows7
	case [2]int{7, 2}:
		return k.Rows7s2
	}
	return nil
}

// rows is ordered from the most portable to the fastest.
var rows = []Kernels{{
	"generic", 0, genericLanes,
	func(a *Args) { rowsGeneric(a, 3, 1) }, func(a *Args) { rowsGeneric(a, 3, 2) },
	func(a *Args) { rowsGeneric(a, 5, 1) }, func(a *Args) { rowsGeneric(a, 5, 2) },
	func(a *Args) { rowsGeneric(a, 7, 1) }, func(a *Args) { rowsGeneric(a, 7, 2) },
	tapsGeneric, pairsGeneric, spreadGeneric, func(a *FrameArgs) { frameGeneric(a, genericLanes) },
	[]SumKernel{genericSums(1, 1), genericSums(1, 3), genericSums(3, 3)}, genericSlides,
	[2]func(a *GradsArgs){func(a *GradsArgs) { gradsGeneric(a, genericLanes) }, func(a *GradsArgs) { grads2Generic(a, genericLanes) }},
}}

// All lists the kernels that can run here, the fastest last.
func All() []*Kernels {
	var list []*Kernels
	for i := range rows {
		if cpu.Has(rows[i].Needs) {
			list = append(list, &rows[i])
		}
	}
	return list
}

// Best returns the fastest kernels that can run here.
func Best() *Kernels {
	for i := len(rows) - 1; i > 0; i-- {
		if cpu.Has(rows[i].Needs) {
			return &rows[i]
		}
	}
	return &rows[0]
}
