package depthwise

// GradsArgs are the arguments of the kernels of both gradients of a convolution with windows of 3 by 3, for some inputs beside each other and
// whole vectors of channels: Dx is set to the sums of the outputs' gradients that see an input, times the weights through which they do,
// and the products of the input with these gradients are added to Sums.
//
// Windows that move by one position: Count is a number of inputs. The first is seen by the outputs of three lines from At of Y on, in three columns,
// of which Left, Right, Above and Below are 0 where that before the first input, behind the last, or above or below all is missing.
//
// Windows that move by two: Count is a number of outputs, and a square of two by two inputs belongs to each, which it sees through the middle
// and the end of its window; its right neighbour and the row below it see the second of them through the beginning. Y begins at the first output.
type GradsArgs struct {
	X, Dx, Y                  []float32 // X and Dx begin at the first input
	W, Sums                   []float32 // [vectors of channels, 9, lanes]; the taps of W in reverse order where windows move by one position
	At                        int       // where the windows begin in Y; it may lie before Y where nothing is read
	Channels                  int       // a multiple of the lanes
	Pixel                     int       // elements from one pixel to the next, of all tensors
	XRow, YRow                int       // elements from one row of inputs, and of outputs, to the next
	Count                     int       // at least 1
	Left, Right, Above, Below int       // whether outputs are there, else 0; a single input lacks one of Left and Right at most
	Half                      int       // two positions only: 1 if the last square has one column; there is no right neighbour then
	Rows                      int       // two positions only: of inputs in a square, 1 or 2; with 1 there is no row below
	XAhead, YAhead            int       // elements from the beginning of X, Dx and Y to what will be read and written soon, as much as now
}

// gradsGeneric is what kernels for windows that move by one position compute, for a number of lanes.
func gradsGeneric(a *GradsArgs, lanes int) {
	for i := range a.Count {
		for c := 0; c < a.Channels; c += lanes {
			at := i*a.Pixel + c
			x, dx := a.X[at:][:lanes], a.Dx[at:][:lanes]
			clear(dx)
			for k := range 9 {
				line, column := k/3, k%3
				if line == 0 && a.Above == 0 || line == 2 && a.Below == 0 || i+column == 0 && a.Left == 0 || i+column == a.Count+1 && a.Right == 0 {
					continue
				}
				w, sums := a.W[c*9+k*lanes:], a.Sums[c*9+(8-k)*lanes:]
				gradProducts(dx, sums, x, a.Y[a.At+line*a.YRow+column*a.Pixel+at:], w)
			}
		}
	}
}

// grads2Generic does so for two positions.
func grads2Generic(a *GradsArgs, lanes int) {
	for i := range a.Rows * (2*a.Count - a.Half) {
		row, column := i/(2*a.Count-a.Half), i%(2*a.Count-a.Half)
		for c := 0; c < a.Channels; c += lanes {
			at := row*a.XRow + column*a.Pixel + c
			x, dx := a.X[at:][:lanes], a.Dx[at:][:lanes]
			clear(dx)
			for k := range (row + 1) * (column%2 + 1) {
				down, right := k/(column%2+1), k%(column%2+1)
				if down > a.Below || column/2+right == a.Count && a.Right == 0 {
					continue
				}
				tap := (1+row-2*down)*3 + 1 + column%2 - 2*right
				gradProducts(dx, a.Sums[c*9+tap*lanes:], x, a.Y[down*a.YRow+(column/2+right)*a.Pixel+c:], a.W[c*9+tap*lanes:])
			}
		}
	}
}

// gradProducts adds dy*w to dx, and dy*x to sums.
func gradProducts(dx, sums, x, dy, w []float32) {
	n := len(dx)
	x, sums, dy, w = x[:n], sums[:n], dy[:n], w[:n]
	for i, d := range dy {
		dx[i] += d * w[i]
		sums[i] += d * x[i]
	}
}
