package depthwise

// SumArgs are the arguments of the kernels that sum up products of inputs and gradients, for Lanes channels: X holds a frame
// of inputs, from the window of the first output on, and Y the gradients of Rows by Cols outputs one after the other, each of
// Lanes elements. Sums holds as many for every kernel element of the window.
type SumArgs struct {
	X, Y, Sums []float32
	Rows, Cols int
	XRow, XCol int // elements from the window of one output to that of the next row, and column
	Line       int // elements from one row of a window to the next
}

// SumKernel adds to Sums, for each of Lines rows of Taps kernel elements, the products of all outputs' gradients with the
// inputs that they see through it. Rows and Cols are at least 1.
type SumKernel struct {
	Lines, Taps int
	Run         func(a *SumArgs)
}

// Sums returns the kernel for windows with rows of so many taps: that for all lines of a window if there is one, else one
// for single lines, else one for single elements.
func (k *Kernels) Sums(lines, taps int) SumKernel {
	var best SumKernel
	for _, s := range k.sums {
		if (s.Taps == taps || s.Taps == 1) && (s.Lines == lines || s.Lines == 1) && s.Lines*s.Taps > best.Lines*best.Taps {
			best = s
		}
	}
	return best
}

// genericSums are the sums of products in plain Go.
func genericSums(lines, taps int) SumKernel {
	return SumKernel{lines, taps, func(a *SumArgs) { sumsGeneric(a, lines, taps, genericLanes) }}
}

// sumsGeneric is what the kernels of sums compute, whatever the number of lanes.
func sumsGeneric(a *SumArgs, lines, taps, lanes int) {
	for r := range a.Rows {
		for c := range a.Cols {
			y := a.Y[(r*a.Cols+c)*lanes:][:lanes]
			for t := range lines * taps {
				x := a.X[r*a.XRow+c*a.XCol+t/taps*a.Line+t%taps*lanes:][:lanes]
				s := a.Sums[t*lanes:][:lanes]
				for i, v := range y {
					s[i] += v * x[i]
				}
			}
		}
	}
}

// FrameArgs are the arguments of the kernels that copy one vector of channels of a part of a tensor: Rows rows of Cols
// pixels, which follow each other in Dst as Lanes elements each, with zeros before and after each row.
type FrameArgs struct {
	Dst, Src   []float32
	Rows, Cols int
	Row, Pixel int // elements of Src from one row, and pixel, to the next
	Lo, Hi     int // pixels of zeros before and after a row
	Channels   int // at most Lanes; what lies beyond is zero
}

// frameGeneric is what the kernels of frames compute, whatever the number of lanes. Rows is at least 1.
func frameGeneric(a *FrameArgs, lanes int) {
	at := 0
	zeros := func(n int) {
		clear(a.Dst[at : at+n*lanes])
		at += n * lanes
	}
	for r := range a.Rows {
		zeros(a.Lo)
		for c := range a.Cols {
			to := a.Dst[at:][:lanes]
			clear(to[copy(to, a.Src[r*a.Row+c*a.Pixel:][:a.Channels]):])
			at += lanes
		}
		zeros(a.Hi)
	}
}
