package ops

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/onnxrun/onnxrun/tensor"
)

// TestScatterElements compares elements put, or added, along each axis of data that an index covers wholly or in part, by one
// thread and by two, with a loop over the index. Sums are of whole numbers, whose order does not matter to their value; of
// elements put to one position the last counts.
func TestScatterElements(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	for _, s := range []tensor.Shape{{7}, {3000, 24}, {24, 3000}, {5, 130, 150}, {150, 3, 2, 140}, {40000, 1}, {30, 700, 1}} {
		for axis := range s {
			for _, whole := range []bool{true, false} {
				si := slices.Clone(s)
				for i := range si {
					if !whole && si[i] > 1 {
						si[i] -= 1 + r.IntN(si[i]/2)
					}
				}
				x, u, index := tensor.New(tensor.Float32, s...), tensor.New(tensor.Float32, si...), tensor.New(tensor.Int64, si...)
				at, from := tensor.Of[int64](index), tensor.Of[float32](u)
				for i := range at {
					at[i], from[i] = int64(r.IntN(2*s[axis])-s[axis]), float32(r.IntN(100))
				}
				put, sum := scatterPlain(s, si, axis, at, from)
				for threads := 1; threads <= 2; threads++ {
					for i, apply := range []scatterFn{nil, scatterSums} {
						y := tensor.New(tensor.Float32, s...)
						j := &scatterElementsJob{x: x, y: y, u: u, index: index, axis: axis, apply: apply}
						if err := j.run(threads); err != nil {
							t.Fatal(err)
						}
						if !slices.Equal(tensor.Of[float32](y), [][]float32{put, sum}[i]) {
							t.Errorf("%v of %v along axis %d, %d threads, reduction %v: wrong", si, s, axis, threads, apply != nil)
						}
					}
				}
				at[r.IntN(len(at))] = int64(s[axis])
				j := &scatterElementsJob{x: x, y: x, u: u, index: index, axis: axis}
				if err := j.run(2); err == nil {
					t.Errorf("%v of %v along axis %d: no error for an index out of range", si, s, axis)
				}
			}
		}
	}
}

// scatterPlain goes by coordinates.
func scatterPlain(s, si tensor.Shape, axis int, index []int64, u []float32) (put, sum []float32) {
	put, sum = make([]float32, mvLen(s)), make([]float32, mvLen(s))
	for i, v := range u {
		at, stride, rest := 0, 1, i
		for d := len(s) - 1; d >= 0; d-- {
			k := rest % si[d]
			rest /= si[d]
			if d == axis {
				k = (int(index[i]) + s[d]) % s[d]
			}
			at += k * stride
			stride *= s[d]
		}
		put[at] = v
		sum[at] += v
	}
	return put, sum
}

// TestRowCursor compares where rows of an index begin, one after the other, with the formula for each.
func TestRowCursor(t *testing.T) {
	for _, s := range []tensor.Shape{{5}, {4, 3}, {3, 4, 5}, {2, 3, 4, 2, 3}, {2, 1, 2, 1, 2, 1, 2, 1, 2, 3}} {
		for axis := range s {
			si := slices.Clone(s)
			si[axis] = 2
			si[0] = max(1, si[0]-1)
			rows := mvLen(si[:len(si)-1])
			for first := range min(rows, 3) {
				var c rowCursor
				c.start(s, si, axis, first)
				for r := first; r < rows; r++ {
					if want := elementBase(s, si, axis, r); c.base != want {
						t.Fatalf("row %d of %v in %v along axis %d begins at %d, want %d", r, si, s, axis, c.base, want)
					}
					c.next()
				}
			}
		}
	}
}
