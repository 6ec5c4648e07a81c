package window

// PlaneRows is the least number of rows of outputs that the kernels of planes take.
const PlaneRows = 8

// PlaneArgs are the arguments of the kernels of planes: output (r, c) is Bias plus the sum of the taps (i, j) of W, clamped to
// Lo and High. With stride s a tap reads row s*r+i-Top and column s*c+j*Tap-Lead of the input, if it has these: InRows rows and
// InCols columns. The tap (0, 0) of output (0, 0) is Src[At], which may lie outside; rows of inputs begin SrcStep elements apart.
// Tap is 1 if the stride is 2. Masks, Left and Plain are those of PlaneMasks.
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
	Left, Plain      int // vectors of a row: with masks at first, and without after them
	Bias, Lo, High   float32
	InCols, Lead     int
}

// planeMasks is how many masks a vector of outputs has: of up to four loads, and of the store.
const planeMasks = 5

// SetAxis sets what follows from the axis w of columns, for the kernels k: Cols, Tap, InCols, Lead, Left, Plain and the masks
// of all vectors but the plain ones, whose loads lie inside.
func (a *PlaneArgs) SetAxis(k *Kernels, w Axis) {
	a.Cols, a.Tap, a.InCols, a.Lead = w.Out, w.Dilation, w.In, w.Lo
	a.Left, a.Plain, a.Masks = 0, 0, nil
	for c := 0; c < w.Out; c += k.Lanes {
		masks := make([]int32, planeMasks*k.Lanes)
		plain := c+k.Lanes <= w.Out
		for i := range masks {
			load, lane := i/k.Lanes, i%k.Lanes
			col, used := c+lane, c+lane < w.Out
			switch {
			case load == planeMasks-1:
			case w.Stride == 1:
				col = c + lane + load*w.Dilation - w.Lo
				used = used && load < 3 && col >= 0 && col < w.In
				plain = plain && (used || load == 3)
			default:
				col = 2*c + load/2*2 + load%2*k.Lanes + lane - w.Lo
				used = col >= 0 && col < w.In
				plain = plain && used
			}
			if used {
				masks[i] = -1
			}
		}
		switch {
		case plain && len(a.Masks) == a.Left*len(masks):
			a.Plain++
			continue
		case a.Plain == 0:
			a.Left++
		}
		a.Masks = append(a.Masks, masks...)
	}
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
