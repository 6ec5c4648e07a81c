package winograd

import "github.com/onnxrun/onnxrun/internal/cpu"

//go:generate go -C _asm run . -out ../zkernels_amd64.s -pkg winograd

// Kernels is one row of the kernel table: all kernels of one instruction set.
type Kernels struct {
	Name      string
	Needs     cpu.Feature
	Lanes     int // width of a vector
	Four, Two Transforms
}

// Transforms are the kernels of one size of tile.
type Transforms struct {
	Input  func(a *InputArgs)
	Output func(a *OutputArgs)
	filter func(a *FilterArgs) // N is a multiple of 16, G is set
}

// rows is ordered from the most portable to the fastest.
var rows = []Kernels{
	{"generic", 0, 1, Transforms{input4Generic, output4Generic, filter4Generic}, Transforms{input2Generic, output2Generic, filter2Generic}},
}

// All lists the kernels that can run here, the fastest last.
func All() []*Kernels {
	var list []*Kernels
	for i := range rows {
		if cpu.Has(rows[i].Needs) {
			list = append(list, &rows[i])
		}
	}
	return list
}

// Best returns the fastest kernels that can run here.
func Best() *Kernels {
	for i := len(rows) - 1; i > 0; i-- {
		if cpu.Has(rows[i].Needs) {
			return &rows[i]
		}
	}
	return &rows[0]
}

// Tile returns the transforms whose tiles have m×m pixels, m being 4 or 2.
func (k *Kernels) Tile(m int) *Transforms {
	if m == 4 {
		return &k.Four
	}
	return &k.Two
}

// Filter transforms windows; a.G is set by it.
func (k *Kernels) Filter(m int, a *FilterArgs) {
	g, filter, generic := &filterFour[a.Row%6], k.Four.filter, filter4Generic
	if m == 2 {
		g, filter, generic = &filterTwo[a.Row%4], k.Two.filter, filter2Generic
	}
	a.G = *g
	rest := *a
	if a.N = rest.N &^ (MaxLanes - 1); a.N > 0 {
		filter(a)
	}
	if a.N < rest.N {
		rest.W, rest.U, rest.N = rest.W[9*a.N:], rest.U[a.N:], rest.N-a.N
		generic(&rest)
	}
}

// Scale factors of the rows of G: the products of a point's distances from the others.
const (
	scale0 = 1 / (squareA * squareB)
	scaleA = 1 / (2 * squareA * (squareA - squareB))
	scaleB = 1 / (2 * squareB * (squareB - squareA))
)

// The matrices G, a row for each point and one for infinity.
var (
	filterFour = [6][3]float32{
		{scale0, 0, 0},
		{scaleA, scaleA * pointA, scaleA * squareA},
		{scaleA, -scaleA * pointA, scaleA * squareA},
		{scaleB, scaleB * pointB, scaleB * squareB},
		{scaleB, -scaleB * pointB, scaleB * squareB},
		{0, 0, 1},
	}
	filterTwo = [4][3]float32{{1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}}
)
