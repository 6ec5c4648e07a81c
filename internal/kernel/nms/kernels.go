package nms

import "github.com/onnxrun/onnxrun/internal/cpu"

// An overlapFunc returns the first of n boxes whose intersection with b is more than b.bound of their union, n
// if there is none. Their corners and areas stand in five columns, stride elements apart: y0, x0, y1, x1, area.
// b is the first field of a box. The slack elements behind a column's n may be read as well.
type overlapFunc func(columns *float32, stride, n int, b *float32) int

// slack is the number of elements behind the last column that an overlapFunc may read.
const slack = 15

// A kernels is one row of the table: the variants of one instruction set.
type kernels struct {
	name    string
	needs   cpu.Feature
	overlap overlapFunc
}

var generic = kernels{name: "generic", overlap: overlapGo}

// active holds the kernels in use: the last row of the table that the processor can run.
var active = choose()

func choose() *kernels {
	k := &generic
	for i := range assembly {
		if cpu.Has(assembly[i].needs) {
			k = &assembly[i]
		}
	}
	return k
}
