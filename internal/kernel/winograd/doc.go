// Package winograd holds the transforms of Winograd's convolution for 3×3 windows at stride 1 (Lavin and Gray, "Fast
// algorithms for convolutional neural networks", 2016), float32, channels last.
//
// An output tile of m×m pixels depends on n×n input pixels, n = m+2. The input transform takes them to the n² elements
// V = Bᵀ·d·B, the filter transform a window to U = G·w·Gᵀ, and the output transform gives back the tile Y = Aᵀ·M·A, where
// M holds, element by element, the products of V and U summed over input channels. Elements are numbered n·row+column.
//
// The tiles are 4×4 with the points 0, ±5/8, ±3/2 and infinity, which round several times better than 0, ±1, ±2 (and are
// those of oneDNN), and 2×2 with 0, ±1 and infinity. It imports internal/cpu only.
package winograd

// The points of the 4×4 tile, and their squares: all exact.
const (
	pointA  = 0.625
	pointB  = 1.5
	squareA = pointA * pointA
	squareB = pointB * pointB
)

// MaxLanes is the widest vector of any kernel.
const MaxLanes = 16

// ScratchLen is the number of elements of the scratch memory of the kernels.
const ScratchLen = 36 * MaxLanes

// InputArgs are the operands of an input transform: Tiles tiles beside each other, of C channels each. The pixel (i, j)
// of a tile has its channels from X[At+i*RowStep+j*ColStep] on; the next tile lies TileStep behind. Pixels of rows whose
// bit in Rows is clear, and of columns whose bit in Cols is clear, are zero and not read, so At may lie outside X.
// Element e of tile t is V[e*ElemStep+t*C:][:C]. C is a multiple of 8.
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
// of the kernels' Lanes. The element (i, j) of the windows of channel c is W[(9*c+3*i+j)*Width:][:Width]. Elements are
// computed in groups, 18 of the 4×4 tile and all 16 of the 2×2 tile: the e-th of group Group becomes U[e*Plane+c*Width:]
// [:Width].
type FilterArgs struct {
	W     []float32 // 0
	Width int       // 24
	C     int       // 32
	U     []float32 // 40
	Plane int       // 64
	Group int
}

// Groups returns how many groups the elements of the m×m tile have, and the number of elements in each.
func Groups(m int) (groups, elements int) {
	if m == 4 {
		return 2, 18
	}
	return 1, 16
}
