package depthwise

// SpreadArgs are the arguments of the kernels of transposed convolutions with windows of 3 by 3 that move by two positions: each of Inputs
// neighbours of a row has outputs of its own, in two columns and one or two rows, which it reaches through the middle of the window and its end;
// its right neighbour, and the row below it, reach the second of them through the beginning. Outputs are bias + sum of w*x. Weights are those of
// Args. A row that is missing below counts as zeros.
type SpreadArgs struct {
	X, Y, W, Bias []float32 // X begins at the first input, Y at the first of its outputs
	Channels      int
	Pixel         int // elements from one pixel to the next, of X and of Y
	XRow, YRow    int // elements from one row to the next
	Group         int // elements from the weights of one vector of channels to those of the next
	Inputs        int // at least 1
	Right         int // 1 if the last input has a right neighbour, else 0
	Half          int // 1 if the last input has one column of outputs, else 0
	Below         int // 1 if there is a row of inputs below, else 0
	Rows          int // of outputs: 1 or 2
	XAhead        int // elements from what is read to what will be read soon
	YAhead        int // elements from what is written to what will be written soon
	Stream        int // 1: whole vectors of 16 lanes, all of which are aligned, are written around the caches
}

func spreadGeneric(a *SpreadArgs) {
	for r := range a.Rows {
		for o := range 2*a.Inputs - a.Half {
			for c := 0; c < a.Channels; c += genericLanes {
				n := min(genericLanes, a.Channels-c)
				acc := start(a.Bias[c:], n)
				w := a.W[c/genericLanes*a.Group:]
				for i := range (r + 1) * (o%2 + 1) {
					down, right := i/(o%2+1), i%(o%2+1)
					if down > 0 && a.Below == 0 || o/2+right == a.Inputs && a.Right == 0 {
						continue
					}
					tap := (1+r-2*down)*3 + 1 + o%2 - 2*right
					accumulate(&acc, a.X[down*a.XRow+(o/2+right)*a.Pixel+c:], w[tap*genericLanes:], n)
				}
				copy(a.Y[r*a.YRow+o*a.Pixel+c:], acc[:n])
			}
		}
	}
}
