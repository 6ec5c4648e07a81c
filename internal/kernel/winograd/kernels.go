package winograd

import "github.com/onnxrun/onnxrun/internal/cpu"

//go:generate go -C _asm run . -out ../zkernels_amd64.s -pkg winograd

// Kernels is one row of the kernel table: all kernels of one instruction set.
type Kernels struct {
	Name      string
	Needs     cpu.Feature
	Lanes     int // width of a vector
	four, two Transforms
	pair      Transforms
}

// Transforms are the kernels of one size of tile. Those for gradients are there for tiles of 4×4 only.
type Transforms struct {
	Input  func(a *InputArgs)
	Output func(a *OutputArgs)
	filter []func(a *FilterArgs) // by group
	Spread func(a *InputArgs)    // tiles of m×m gradients of outputs to A·dY·Aᵀ
	Window func(a *WindowArgs)
}

// rows is ordered from the most portable to the fastest.
var rows = []Kernels{
	{
		"generic", 0, 1,
		Transforms{input4Generic, output4Generic, []func(*FilterArgs){filter4AGeneric, filter4BGeneric}, spread4Generic, window4Generic},
		Transforms{input2Generic, output2Generic, []func(*FilterArgs){filter2Generic}, nil, nil},
		Transforms{inputPairGeneric, outputPairGeneric, []func(*FilterArgs){filterPairAGeneric, filterPairBGeneric}, spreadPairGeneric, windowPairGeneric},
	},
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

// Of returns the transforms of a size.
func (k *Kernels) Of(s Size) *Transforms {
	switch s {
	case Four:
		return &k.four
	case Pair:
		return &k.pair
	}
	return &k.two
}

// filterPart bounds the windows of one call of a kernel: some ten microseconds.
const filterPart = 1 << 14

// Filter transforms windows to elements of tiles of a size.
func (k *Kernels) Filter(s Size, a *FilterArgs) {
	if a.Width%k.Lanes != 0 {
		k = &rows[0]
	}
	filter := k.Of(s).filter[a.Group]
	whole := *a
	part := max(1, filterPart/a.Width)
	for c := 0; c < whole.C; c += part {
		a.C = min(part, whole.C-c)
		filter(a)
		if c+a.C < whole.C {
			a.W, a.U = a.W[s.Taps*s.Taps*a.C*a.Width:], a.U[a.C*a.Width:]
		}
	}
	a.W, a.U, a.C = whole.W, whole.U, whole.C
}

// Scale factors of the rows of G: the products of a point's distances from the others.
const (
	scale0 = 1 / (squareA * squareB)
	scaleA = 1 / (2 * squareA * (squareA - squareB))
	scaleB = 1 / (2 * squareB * (squareB - squareA))

	pair0 = 1 / (squareC * pointD)
	pair1 = 1 / (2 * squareC * (pointC - pointD))
	pair2 = -1 / (2 * squareC * (pointC + pointD))
	pair3 = 1 / (pointD * (squareD - squareC))
)

// The matrices G, a row for each point and one for infinity.
var (
	filterPair = [5][2]float32{{pair0, 0}, {pair1, pair1 * pointC}, {pair2, -pair2 * pointC}, {pair3, pair3 * pointD}, {0, 1}}
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
