// Package winograd holds the transforms of Winograd's convolution for windows of 3×3 and 2×2 at stride 1 (Lavin and Gray,
// "Fast algorithms for convolutional neural networks", 2016), and of the gradients of filters in tiles of 4×4, float32, channels last.
//
// An output tile of m×m pixels depends on n×n input pixels, n = m+r-1 for windows of r×r. The input transform takes them to
// the n² elements V = Bᵀ·d·B, the filter transform a window to U = G·w·Gᵀ, and the output transform gives back the tile
// Y = Aᵀ·M·A, where M holds, element by element, the products of V and U summed over input channels. Elements are numbered
// n·row+column. The gradient of a window is Gᵀ·dU·G, where dU holds the products of V and A·dY·Aᵀ, summed over tiles.
//
// The tiles of 3×3 windows are 4×4 with the points 0, ±5/8, ±3/2 and infinity, which round several times better than 0, ±1,
// ±2 (and are those of oneDNN), and 2×2 with 0, ±1 and infinity; that of 2×2 windows is 4×4 with 0, ±3/4, 3/2 and infinity.
// It imports internal/cpu only.
package winograd

// The points of the 4×4 tiles, and their squares: all exact.
const (
	pointA  = 0.625
	pointB  = 1.5
	squareA = pointA * pointA
	squareB = pointB * pointB

	pointC  = 0.75
	pointD  = 1.5
	squareC = pointC * pointC
	squareD = pointD * pointD
)

// Size is a size of tile: of Pixels outputs along each axis, for windows of so many taps.
type Size struct{ Pixels, Taps int }

// The sizes that there are kernels for.
var (
	Four = Size{4, 3}
	Two  = Size{2, 3}
	Pair = Size{4, 2} // for windows of 2×2
)

// Elements is the number of elements along each axis.
func (s Size) Elements() int { return s.Pixels + s.Taps - 1 }

// MaxLanes is the widest vector of any kernel.
const MaxLanes = 16

// ScratchLen is the number of elements of the scratch memory of the kernels.
const ScratchLen = 36 * MaxLanes

// InputArgs are the operands of an input transform: Tiles tiles beside each other, of C channels each. The pixel (i, j)
// of a tile has its channels from X[At+i*RowStep+j*ColStep] on; the next tile lies TileStep behind. Pixels of rows whose
// bit in Rows is clear, and of columns whose bit in Cols is clear, are zero and not read, so At may lie outside X.
// Element e of tile t is V[e*ElemStep+t*TileRoom:][:C]. C is a multiple of 8.
type InputArgs struct {
	X                []float32 // 0
	At               int       // 24
	RowStep, ColStep int       // 32 40
	Rows, Cols       uint64    // 48 56
	Tiles, TileStep  int       // 64 72
	C                int       // 80
	V                []float32 // 88
	ElemStep         int       // 112
	Tmp              []float32 // 120: ScratchLen elements of any value, on a cache line
	TileRoom         int       // 144
}

// OutputArgs are the operands of an output transform: Tiles tiles beside each other, of C channels each. Element e of
// tile t is M[e*ElemStep+t*C:][:C]. The pixel (i, j) of a tile, for i < Rows and j < Cols, is written to
// Y[At+i*RowStep+j*ColStep:][:C], after Bias, unless nil the pixel of Residual at the same place, and, if Clip is not 0,
// the bounds Lo and Hi; NaN stays. C is a multiple of 8.
type OutputArgs struct {
	M                []float32 // 0
	ElemStep         int       // 24
	C                int       // 32
	Tiles, TileStep  int       // 40 48
	Y                []float32 // 56
	At               int       // 80
	RowStep, ColStep int       // 88 96
	Rows, Cols       int       // 104 112
	Bias             []float32 // 120
	Residual         []float32 // 144
	Clip             int       // 168
	Lo, Hi           float32   // 176 180
	Tmp              []float32 // 184: ScratchLen elements of any value, on a cache line
}

// FilterArgs are the operands of a filter transform of the windows of C input channels and Width output channels, a multiple
// of the kernels' Lanes. The element (i, j) of the windows of r×r of channel c is W[(r*r*c+r*i+j)*Width:][:Width]. Elements
// are computed in groups of Size.Groups: the e-th of group Group becomes U[e*Plane+c*Width:][:Width].
type FilterArgs struct {
	W     []float32 // 0
	Width int       // 24
	C     int       // 32
	U     []float32 // 40
	Plane int       // 64
	Group int
}

// What Groups returns: rows of elements of pairs of points, with that of another one before or behind them.
var groupsFour, groupsTwo, groupsPair = []int{0, 18, 36}, []int{0, 16}, []int{0, 15, 25}

// Groups returns the numbers of the elements with which the groups begin, and that of all elements.
func (s Size) Groups() []int {
	switch s {
	case Four:
		return groupsFour
	case Pair:
		return groupsPair
	}
	return groupsTwo
}

// WindowArgs are the operands of the transform of the gradients of elements to those of windows, of C channels of Width
// numbers each, a multiple of 8. Element e of channel c is U[e*Plane+c*Width:][:Width]; the element (i, j) of its windows, for
// i < Rows and j < Cols, is W[c*Step+i*RowStep+j*ColStep:][:Width], which is added to if Add is not 0.
type WindowArgs struct {
	U                []float32 // 0
	Plane            int       // 24
	Width            int       // 32
	C                int       // 40
	W                []float32 // 48
	RowStep, ColStep int       // 72 80
	Step             int       // 88
	Rows, Cols       int       // 96 104
	Add              int       // 112
}
