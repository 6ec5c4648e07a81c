package window

// RowArgs are the arguments of the row copies: Rows rows of Cols elements.
type RowArgs struct {
	Dst, Dst2, Src   []float32
	Rows, Cols       int
	DstStep, SrcStep int // elements from one row to the next
	Src2             []float32
}

// Seg is one run of a packed vector: the lanes set in Lanes read element Delta + lane of the shifted row.
type Seg struct {
	Delta int
	Lanes uint64
}

// PackArgs are the arguments of packTaps: for each offset, one vector assembled from segments is written to Dst,
// Step elements after the one before. Lanes without a segment are zero.
type PackArgs struct {
	Src, Dst []float32
	Off      []int
	Segs     []Seg
	Step     int
}

// TapArgs are the arguments of the tap kernels. Output (r, c) combines Src[r*SrcStep + c + Off[t]] over all taps t.
// Whole vectors are read: Src must reach Lanes-1 elements past the last one that is needed.
type TapArgs struct {
	Src, Dst           []float32
	Off                []int
	W                  []float32 // weights of the taps
	RowScale, ColScale []float32 // factors of the sum
	Rows, Cols         int
	SrcStep, DstStep   int
	Bias, Lo, Hi       float32 // start value; bounds of the result
}

// MaxGradArgs are the arguments of MaxTapsGrad: Up[r*UpStep + c] is added to Dst[r*SrcStep + c + Off[t]] for the first tap t with
// the largest of Src at the same places; NaN is passed over.
type MaxGradArgs struct {
	Src, Dst, Up []float32
	Off          []int
	Rows, Cols   int
	SrcStep      int // elements from one row of Src and Dst to the next
	UpStep       int
}

// PlaceArgs are the arguments of MaxPlaces and PlacesGrad, for rows of whole vectors. A tap of a window has an offset and a number
// below NoPlace. MaxPlaces sets Dst[r*DstStep + c] to the largest of Src[r*SrcStep + c + Off[t]], and Places beside it to the number
// of the first such tap; NaN is passed over, and what is NaN alone gives -Inf and NoPlace. PlacesGrad sets Dst[r*DstStep + c] to the
// sum of Src[r*SrcStep + c + Off[t]] over all t beside which Places holds Numbers[t].
type PlaceArgs struct {
	Src, Dst         []float32
	Places           []uint8
	Off              []int
	Numbers          []int32
	Rows, Cols       int
	SrcStep, DstStep int
}

// NoPlace is the number of no tap.
const NoPlace = 255

// LineWidth is the number of lines that the kernel Lines takes at a time.
const LineWidth = 16

// LineArgs are the arguments of Lines: LineWidth lines side by side, element i of line l at Src[i*Pitch + l]. Element o of a line of
// Dst is the sum over t, of Taps, of W[o*Taps+t] times element Index[o*Taps+t]; Count of them are computed.
type LineArgs struct {
	Dst, Src           []float32
	Index              []int
	W                  []float32
	Taps, Count, Pitch int
}
