//go:build !race

// The race detector makes pools forget at random.

package roi

import "testing"

func TestAlignAllocatesNothing(t *testing.T) {
	a := Align{Channels: 16, Height: 10, Width: 10, Rows: 7, Cols: 7}
	boxes := []Box{{BinH: 1, BinW: 1, GridH: 2, GridW: 2}, {Y: 1, X: 2, BinH: 0.5, BinW: 1, GridH: 2, GridW: 2}}
	x, y := make([]float32, 1600), make([]float32, len(boxes)*16*49)
	a.Run(y, x, boxes, 1)
	if n := testing.AllocsPerRun(400, func() { a.Run(y, x, boxes, 1) }); n >= 1 {
		t.Errorf("%v allocations", n)
	}
}
