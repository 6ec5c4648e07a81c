package direct

// SlideArgs are the arguments of the kernels that compute a vector of output channels of Rows rows of neighbouring outputs from windows
// with three taps along a row: y = min(max(bias + sum of w*x, Lo), Hi). Pixels lie a vector apart in X. The taps of output
// (r, c) along row t of its window are the pixels from X[r*XRow+Off[t]] on, at a distance of as many as the stride for each c; lane i reads those
// of their channels that begin at From[i]. The output begins at Y[r*YRow+c*YCol], and has Lanes channels. The weights are
// ordered by row of the window, input channel, tap of the row and output channel.
//
// Each pixel is brought to the lanes once for all outputs that see it.
type SlideArgs struct {
	X, Y, W, Bias []float32
	Off           []int
	Channels      int // of a tap
	Rows          int
	XRow          int
	YRow, YCol    int
	Lanes         int
	Lo, Hi        float32
	From          [slideLanes]int32
}

// slideLanes is the most lanes of a vector.
const slideLanes = 16

// SlideTaps is how many taps a row of the window has.
const SlideTaps = 3

// SlideKernels are those of the strides 1 and 2; the i-th kernel of a list computes i+1 outputs of a row. All want a tap, a row and a
// channel at least.
type SlideKernels [2][]func(a *SlideArgs)

// slidesGeneric are the kernels in Go.
func slidesGeneric() *SlideKernels {
	var k SlideKernels
	for s := range k {
		for i := range genericCols {
			k[s] = append(k[s], func(a *SlideArgs) { slideGeneric(a, i+1, s+1, genericLanes) })
		}
	}
	return &k
}

// slideGeneric computes cols outputs of every row.
func slideGeneric(a *SlideArgs, cols, stride, lanes int) {
	for r := range a.Rows {
		for c := range cols {
			for lane := range a.Lanes {
				sum := a.Bias[lane]
				for t, off := range a.Off {
					x := a.X[r*a.XRow+off+c*stride*lanes+int(a.From[lane]):]
					for i := range a.Channels {
						for k := range SlideTaps {
							sum += a.W[((t*a.Channels+i)*SlideTaps+k)*lanes+lane] * x[k*lanes+i]
						}
					}
				}
				if sum < a.Lo {
					sum = a.Lo
				}
				if sum > a.Hi {
					sum = a.Hi
				}
				a.Y[r*a.YRow+c*a.YCol+lane] = sum
			}
		}
	}
}

// DealArgs are the arguments of the kernels that deal the channels of pixels out to vectors: lane i of vector u of pixel p, which is
// Dst[u*DstStep+p*lanes+i], is Src[p*SrcStep+u*lanes+i] of Units vectors, and zero for those lanes of another one that are not among Rest, unless
// that is 0.
type DealArgs struct {
	Dst, Src         []float32
	DstStep, SrcStep int
	Pixels, Units    int
	Rest             int
}

// dealGeneric is the kernel in Go.
func dealGeneric(a *DealArgs) {
	const lanes = genericLanes
	for p := range a.Pixels {
		for u := range a.Units {
			copy(a.Dst[u*a.DstStep+p*lanes:][:lanes], a.Src[p*a.SrcStep+u*lanes:])
		}
		if a.Rest > 0 {
			to := a.Dst[a.Units*a.DstStep+p*lanes:][:lanes]
			clear(to[copy(to, a.Src[p*a.SrcStep+a.Units*lanes:][:a.Rest]):])
		}
	}
}
