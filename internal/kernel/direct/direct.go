// Package direct holds the kernels of convolutions, dense or in groups, of tensors whose channels are their last axis:
// float32, output channels in the lanes of vectors, several neighbouring outputs at once, inputs read where they lie.
// Package nhwc drives them.
//
// Slices in, slices out. It imports internal/cpu only.
package direct

import "github.com/onnxrun/onnxrun/internal/cpu"

//go:generate go -C _asm run . -out ../zdirect_amd64.s -pkg direct

// Args are the arguments of the kernels, which compute one to four vectors of output channels of Rows rows of neighbouring
// outputs: y = min(max(bias + sum of w*x, Lo), Hi). Output (r, c) begins at Y[r*YRow+c*YCol]; tap t of its window at
// X[r*XRow+c*XCol+Off[t]]. The weights are ordered by tap, input channel and output channel.
type Args struct {
	X, Y, W, Bias []float32
	Off           []int
	Channels      int // of a tap, for broadcasting kernels
	Rows          int
	XRow, XCol    int
	YRow, YCol    int
	Lo, Hi        float32
}

// Kernels is one row of the kernel table: all kernels of one instruction set. The i-th kernel of a list computes i+1
// outputs of a row; there is at least one tap, one row and one channel.
type Kernels struct {
	Name  string
	Needs cpu.Feature
	Lanes int
	// Broadcast kernels, of one vector, of two and so on, are for channels that all lanes read, from X on.
	Broadcast [][]func(a *Args)
	// Vectors is how many of them together are fastest, where there are as many.
	Vectors int
	// Shuffle2 and Shuffle4 are for groups of as many input and output channels: lane i reads those of its group, which
	// begin at X[i/2*2] and X[i/4*4].
	Shuffle2, Shuffle4 []func(a *Args)
	// Slides are for lanes that read the same channels, Permutes for any; nil: there are none.
	Slides, Permutes *SlideKernels
	Deal             func(a *DealArgs) // nil where Slides are
}

// rows is ordered from the most portable to the fastest.
var rows = []Kernels{{
	"generic", 0, genericLanes, [][]func(*Args){broadcastsGeneric(1), broadcastsGeneric(2)}, 2, shufflesGeneric(2), shufflesGeneric(4),
	slidesGeneric(), slidesGeneric(), dealGeneric,
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
