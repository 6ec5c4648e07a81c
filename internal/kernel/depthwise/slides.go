package depthwise

// SlideArgs are the arguments of the kernels that sum up products of inputs and gradients where they lie, for Lanes channels and
// one line of a window's taps, or several. At is the first column of the row of inputs that the first row of outputs sees, Y begins at the first
// output; Planes times Rows rows of outputs follow each other. Of a row, the first columns that an output sees are Lo of zeros, at
// most taps less a stride, and then those of X. Inside counts the outputs whose columns are there, Edge those behind, of which the
// first lacks all columns that it does not share with the one before but Rest, and the others lack all of these; outputs that are
// neither do not exist. Whole vectors are read.
type SlideArgs struct {
	X, Y, Sums         []float32 // Sums holds a vector for each tap
	Planes, Rows       int       // at least 1
	XPlane, XRow, XCol int       // elements from what one plane, row, and column of outputs or inputs reads to the next
	YPlane, YRow, YCol int
	Lo                 int
	Inside, Edge, Rest int
	Line               int // elements from one line of taps to the next
	XAhead, YAhead     int // elements from what is read to what will be read soon
	Above, Below       int // several lines only: 1 where the first row of a plane lacks the first line, and the last row the last line
	At                 int // where the first line of the first row begins in X; it may lie before X where that is lacking
}

// Slide returns the kernel that adds to Sums, for each of so many lines of taps, the products of the outputs' gradients with the inputs
// that they see through it, nil if there is none.
func (k *Kernels) Slide(lines, taps, stride int) func(a *SlideArgs) {
	switch {
	case stride < 1 || stride > 2 || taps < 3 || taps > 7 || taps%2 == 0:
		return nil
	case lines == 1:
		return k.slides[taps/2-1][stride-1]
	case lines == 3 && taps == 3:
		return k.slides[3][stride-1]
	}
	return nil
}

// slideTable holds kernels for lines of 3, 5 and 7 taps and for 3 lines of 3, with strides of 1 and 2.
type slideTable [4][2]func(a *SlideArgs)

var genericSlides = slideTable{genericSlide(1, 3), genericSlide(1, 5), genericSlide(1, 7), genericSlide(3, 3)}

func genericSlide(lines, taps int) [2]func(a *SlideArgs) {
	return [2]func(a *SlideArgs){
		func(a *SlideArgs) { slideLanes(a, lines, taps, 1, genericLanes) }, func(a *SlideArgs) { slideLanes(a, lines, taps, 2, genericLanes) },
	}
}

// slideLanes is what the kernels of slides compute, for a number of lanes. Columns of zeros are multiplied, too.
func slideLanes(a *SlideArgs, lines, taps, stride, lanes int) {
	columns := max(0, taps-stride-a.Lo) + a.Inside*stride + a.Rest // that are there
	for r := range a.Planes * a.Rows {
		x, y := a.At+r/a.Rows*a.XPlane+r%a.Rows*a.XRow, a.Y[r/a.Rows*a.YPlane+r%a.Rows*a.YRow:]
		for o := range a.Inside + a.Edge {
			dy := y[o*a.YCol:][:lanes]
			for t := range lines * taps {
				if lines > 1 && (t < taps && r%a.Rows == 0 && a.Above > 0 || t >= (lines-1)*taps && r%a.Rows == a.Rows-1 && a.Below > 0) {
					continue
				}
				s, c := a.Sums[t*lanes:][:lanes], o*stride+t%taps-a.Lo
				if c < 0 || c >= columns {
					for i, v := range dy {
						s[i] += v * 0
					}
					continue
				}
				for i, v := range a.X[x+t/taps*a.Line+c*a.XCol:][:lanes] {
					s[i] += v * dy[i]
				}
			}
		}
	}
}
