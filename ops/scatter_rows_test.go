package ops

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/onnxrun/onnxrun/tensor"
)

// TestScatterRows compares what rows of even indices place, and rows of which one element differs, with a loop over their elements.
func TestScatterRows(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 1))
	for _, reduction := range []string{"none", "add", "mul", "min", "max"} {
		apply, err := scatterApply(tensor.Float32, reduction)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			s, si tensor.Shape
			axis  int
		}{{tensor.Shape{9, 7}, tensor.Shape{20, 7}, 0}, {tensor.Shape{9, 300}, tensor.Shape{60, 300}, 0}, {tensor.Shape{9, 30}, tensor.Shape{60, 17}, 0}, {tensor.Shape{3, 5, 4, 6}, tensor.Shape{2, 11, 4, 6}, 1}, {tensor.Shape{6, 1}, tensor.Shape{9, 1}, 0}} {
			s, si, row := c.s, c.si, mvLen(c.si[c.axis+1:])
			index := make([]int64, si.Len())
			for i := range index {
				if index[i] = index[i/row*row]; i%row == 0 {
					index[i] = int64(r.IntN(2*s[c.axis]) - s[c.axis])
				}
			}
			for _, odd := range []bool{false, true} {
				if odd {
					index[len(index)-1] = int64(s[c.axis]) - 1
				}
				x, u := drawn(r, s), drawn(r, si)
				want := tensor.FromSlice(slices.Clone(tensor.Of[float32](x)), s...)
				for i, v := range index {
					at := make([]int, len(si)) // coordinates
					for a, rest := len(si)-1, i; a >= 0; a-- {
						at[a], rest = rest%si[a], rest/si[a]
					}
					at[c.axis] = int(v+int64(s[c.axis])) % s[c.axis]
					p := 0
					for a := range s {
						p = p*s[a] + at[a]
					}
					apply(want, u, []int{p}, i, 1)
				}
				got := tensor.New(tensor.Float32, s...)
				j := &scatterElementsJob{x: x, y: got, u: u, index: tensor.FromSlice(index, si...), axis: c.axis, apply: apply}
				if reduction == "none" {
					j.apply = nil
				}
				if err := j.run(2); err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(tensor.Of[float32](got), tensor.Of[float32](want)) {
					t.Errorf("%s, %v into %v along %d, last index odd %v: other values", reduction, si, s, c.axis, odd)
				}
			}
			index[0] = int64(s[c.axis])
			j := &scatterElementsJob{x: drawn(r, s), y: tensor.New(tensor.Float32, s...), u: drawn(r, si), index: tensor.FromSlice(index, si...), axis: c.axis, apply: apply}
			if err := j.run(1); err == nil {
				t.Errorf("%v into %v: an index out of range is no error", si, s)
			}
		}
	}
}

func drawn(r *rand.Rand, shape tensor.Shape) *tensor.Tensor {
	t := tensor.New(tensor.Float32, shape...)
	for i := range tensor.Of[float32](t) {
		tensor.Of[float32](t)[i] = float32(r.NormFloat64())
	}
	return t
}
