package window

// PlaneRows is the least number of rows of outputs that the kernels of planes take.
const PlaneRows = 8

// PlaneArgs are the arguments of the kernels of planes: output (r, c) is Bias plus the sum of the taps (i, j) of W, clamped to
// Lo and High. With stride s a tap reads row s*r+i-Top and column s*c+j*Tap-Lead of the input, if it has these: InRows rows and
// InCols columns. The tap (0, 0) of output (0, 0) is Src[At], which may lie outside; rows of inputs begin SrcStep elements apart.
// Tap is 1 if the stride is 2. SetAxis sets the masks.
type PlaneArgs struct {
	Src              []float32
	At               int
	Dst              []float32
	Rows, Cols       int
	InRows, Top      int
	SrcStep, DstStep int
	Tap              int
	W                []float32
	Masks            []int32
	Vectors          [5]int // how many of each kind a row has, from left to right
	Bias, Lo, High   float32
	InCols, Lead     int
}

// The kinds of vectors of outputs: with masks for all loads and the store, for the first load alone, for none, for the third
// alone, and for all again.
const (
	maskedLeft = iota
	firstMasked
	plainVectors
	thirdMasked
	maskedRight
)

// planeMasks is how many masks a vector of outputs has: of up to four loads, and of the store.
const planeMasks = 5

// SetAxis sets what follows from the axis w of columns, for the kernels k: Cols, Tap, InCols, Lead, and the vectors of a row,
// with the masks of all but the plain ones, whose loads lie inside.
func (a *PlaneArgs) SetAxis(k *Kernels, w Axis) {
	a.Cols, a.Tap, a.InCols, a.Lead = w.Out, w.Dilation, w.In, w.Lo
	a.Vectors, a.Masks = [5]int{}, nil
	last := maskedLeft
	for c := 0; c < w.Out; c += k.Lanes {
		masks, whole := planeVector(w, c, k.Lanes)
		kind := maskedRight
		switch {
		case whole == [planeMasks]bool{true, true, true, true, true}:
			kind = plainVectors
		case w.Stride > 1 || k.Lanes > 8: // masks cost nothing, or there is no such kernel
		case whole == [planeMasks]bool{false, true, true, true, true}:
			kind = firstMasked
		case whole == [planeMasks]bool{true, true, false, true, true}:
			kind = thirdMasked
		}
		switch {
		case kind == maskedRight && last == maskedLeft:
			kind = maskedLeft
		case kind < last: // a kind comes once
			kind = maskedRight
		}
		last = kind
		a.Vectors[kind]++
		if kind != plainVectors {
			a.Masks = append(a.Masks, masks...)
		}
	}
}

// planeVector returns the masks of the vector of outputs that begins in column c, and which of them are whole.
func planeVector(w Axis, c, lanes int) (masks []int32, whole [planeMasks]bool) {
	masks = make([]int32, planeMasks*lanes)
	for load := range planeMasks {
		whole[load] = true
		for lane := range lanes {
			used, col := c+lane < w.Out, 0
			switch {
			case load == planeMasks-1:
			case w.Stride == 1:
				col = c + lane + load%3*w.Dilation - w.Lo
				used = used && col >= 0 && col < w.In
			default:
				col = 2*c + load/2*2 + load%2*lanes + lane - w.Lo
				used = col >= 0 && col < w.In
			}
			if whole[load] = whole[load] && used; used {
				masks[load*lanes+lane] = -1
			}
		}
	}
	if w.Stride == 1 {
		whole[3] = true // there are three loads
	}
	return masks, whole
}

func plane3s1Generic(a *PlaneArgs) { planeGeneric(a, 1) }

func plane3s2Generic(a *PlaneArgs) { planeGeneric(a, 2) }

func planeGeneric(a *PlaneArgs, stride int) {
	for r := range a.Rows {
		dst := a.Dst[r*a.DstStep:][:a.Cols]
		for c := range dst {
			sum := a.Bias
			for t, w := range a.W[:9] {
				row, col := stride*r+t/3-a.Top, stride*c+t%3*a.Tap-a.Lead
				if row >= 0 && row < a.InRows && col >= 0 && col < a.InCols {
					sum += w * a.Src[a.At+(stride*r+t/3)*a.SrcStep+stride*c+t%3*a.Tap]
				}
			}
			dst[c] = sum
		}
		clamp(dst, a.Lo, a.High)
	}
}
