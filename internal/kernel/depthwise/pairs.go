package depthwise

// PairArgs are the arguments of the kernels that compute two rows of outputs at once, one below the other, of windows of 3 by 3 inputs
// that move by one position: y = min(max(bias + sum of w*x, Lo), Hi). Weights are those of Args.
type PairArgs struct {
	X, Y, W, Bias []float32 // Y begins at the first output of the upper row
	At            int       // where the windows of the upper row begin in X; it may lie before X where nothing is read
	Channels      int
	XPixel, XRow  int // elements from one pixel, and row, of X to the next
	YPixel, YRow  int
	Group         int // elements from the weights of one vector of channels to those of the next
	Outputs       int // of a row, at least 1
	Left, Right   int // 0 where the first column of the first window, or the last one of the last, is missing, else 1
	Above, Below  int // the same for the first line of the upper row's windows, and the last one of the lower's
	XAhead        int // elements from what is read to what will be read soon
	YAhead        int // elements from what is written to what will be written soon
	Lo, Hi        float32
	Stream        int // 1: whole vectors, all of which are aligned, are written around the caches
}

// missing tells whether a line or a column of the windows, of which the last is number last, does not exist.
func missing(i, last, before, behind int) bool {
	return i == 0 && before == 0 || i == last && behind == 0
}

func pairsGeneric(a *PairArgs) {
	bounds := Args{Lo: a.Lo, Hi: a.Hi}
	for r := range 2 {
		for o := range a.Outputs {
			at, y := a.At+r*a.XRow+o*a.XPixel, a.Y[r*a.YRow+o*a.YPixel:]
			for c := 0; c < a.Channels; c += genericLanes {
				n := min(genericLanes, a.Channels-c)
				acc := start(a.Bias[c:], n)
				for k := range 9 {
					if !missing(r+k/3, 3, a.Above, a.Below) && !missing(o+k%3, a.Outputs+1, a.Left, a.Right) {
						accumulate(&acc, a.X[at+k/3*a.XRow+k%3*a.XPixel+c:], a.W[c/genericLanes*a.Group+k*genericLanes:], n)
					}
				}
				store(y[c:], &acc, n, &bounds)
			}
		}
	}
}
