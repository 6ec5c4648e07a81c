package window

import "github.com/onnxrun/onnxrun/internal/cpu"

//go:generate go -C _asm run . -out ../zkernels_amd64.s -pkg window

// Kernels is one row of the kernel table: all kernels of one instruction set, for float32.
type Kernels struct {
	Name        string
	Needs       cpu.Feature
	Lanes       int              // width of a vector; the least that Seg.Lanes and the slack of a frame must respect
	CopyRows    func(a *RowArgs) // dst rows = src rows
	SplitRows   func(a *RowArgs) // even columns to Dst, odd ones to Dst2
	MergeRows   func(a *RowArgs) // even columns from Src, odd ones from Src2
	PackTaps    func(a *PackArgs)
	FMATaps     func(a *TapArgs)     // Bias + sum of W[t]*src[t], clamped to Lo and Hi
	MaxTaps     func(a *TapArgs)     // maximum of Bias and all src[t]
	SumTaps     func(a *TapArgs)     // (Bias + sum of src[t]) * RowScale[r] * ColScale[c]
	MaxTapsGrad func(a *MaxGradArgs) // adds where the largest elements are
	MaxPlaces   func(a *PlaceArgs)   // maximum of all src[t], and which it is
	PlacesGrad  func(a *PlaceArgs)   // its gradient
	Tall5       func(a *TapArgs)     // FMATaps for 5 adjacent rows of taps; Off holds those of the first row; Rows is at least 4
	Tall7       func(a *TapArgs)     // the same for 7 rows
	Lines       func(a *LineArgs)
	// Plane3 are depthwise kernels of 3x3 taps at strides of 1 and 2 that read planes where they lie; Rows is at least PlaneRows.
	Plane3 [2]func(a *PlaneArgs)
}

// MaxLanes is the widest vector of any row; frames end in that much slack.
const MaxLanes = 16

// rows is ordered from the most portable to the fastest.
var rows = []Kernels{
	{"generic", 0, 4, copyRowsGeneric, splitRowsGeneric, mergeRowsGeneric, packTapsGeneric, fmaTapsGeneric, maxTapsGeneric, sumTapsGeneric, maxTapsGradGeneric, maxPlacesGeneric, placesGradGeneric, tall5Generic, tall7Generic, linesGeneric, [2]func(*PlaneArgs){plane3s1Generic, plane3s2Generic}},
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

// ForWidth returns the fastest kernels that can run here whose vectors divide a width, a multiple of 4.
func ForWidth(width int) *Kernels {
	for i := len(rows) - 1; i > 0; i-- {
		if width%rows[i].Lanes == 0 && cpu.Has(rows[i].Needs) {
			return &rows[i]
		}
	}
	return &rows[0]
}

// Within returns the fastest kernels that can run here whose vectors are not longer than width, the generic ones if there
// are none.
func Within(width int) *Kernels {
	for i := len(rows) - 1; i > 0; i-- {
		if rows[i].Lanes <= width && cpu.Has(rows[i].Needs) {
			return &rows[i]
		}
	}
	return &rows[0]
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
