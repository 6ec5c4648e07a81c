package ops

import (
	"context"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/tensor"
)

// TestRegionBounds reads regions that ask for more samples than a run may take, in both axes together and along one alone.
func TestRegionBounds(t *testing.T) {
	for _, c := range []struct {
		rows, cols int
		box        []float32 // x0, y0, x1, y1
		refused    bool
	}{
		{2, 2, []float32{0, 0, 64, 64}, false},
		{1, 1, []float32{0, 0, 2000, 2000}, true},
		{1000, 1, []float32{0, 0, 1, 2e6}, true},
		{1, 1, []float32{0, 0, 9e9, -9e9}, false}, // turned inside out: none
	} {
		r := &roiAlign{h: c.rows, w: c.cols, scale: 1, half: true}
		x, y := tensor.New(tensor.Float32, 1, 1, 2, 2), tensor.New(tensor.Float32, 1, 1, c.rows, c.cols)
		call := &Call{Ctx: context.Background(), Threads: 1, Out: []*tensor.Tensor{y},
			In: []*tensor.Tensor{x, tensor.FromSlice(c.box, 1, 4), tensor.FromSlice([]int64{0}, 1)}}
		err := runRoiAlign32(r, call)
		if got := err != nil && strings.Contains(err.Error(), "samples"); got != c.refused {
			t.Errorf("%d by %d bins of %v: error %v", c.rows, c.cols, c.box, err)
		}
	}
}
