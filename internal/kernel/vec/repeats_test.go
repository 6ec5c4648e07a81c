package vec

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestRepeatRows lays out rows of repeated elements of all sizes and compares them with plain loops: rows of all lengths around those of
// vectors, of elements next to each other, apart, or all the same, with room behind the last row and without. Nothing behind that row and
// less than a vector is written.
func TestRepeatRows(t *testing.T) {
	testRepeatRows(t, func(i int) uint8 { return uint8(i) })
	testRepeatRows(t, func(i int) uint16 { return uint16(i) })
	testRepeatRows(t, func(i int) uint32 { return uint32(i) })
	testRepeatRows(t, func(i int) uint64 { return uint64(i) })
	testRepeatRows(t, func(i int) complex128 { return complex(float64(i), 1) })
}

func testRepeatRows[T comparable](t *testing.T, element func(i int) T) {
	before := active
	defer func() { active = before }()
	rng := rand.New(rand.NewPCG(1, 2))
	check := func(t *testing.T, k *kernels) {
		active = k
		step := 1
		if testing.Short() {
			step = 5 // on an emulated processor
		}
		for cols := 1; cols < 80; cols += step {
			for _, rows := range []int{1, 2, 7, repeatBlock + 3} {
				if rows > 7 && cols%9 != 0 {
					continue
				}
				for _, down := range []int{0, 1, cols, cols + rng.IntN(9)} {
					for _, room := range []int{0, 3, 40} {
						x := make([]T, (rows-1)*down+1)
						for i := range x {
							x[i] = element(i + 1)
						}
						want := make([]T, rows*cols+room)
						for i := range rows * cols {
							want[i] = x[i/cols*down]
						}
						got := make([]T, rows*cols+room)
						repeatRows(got, x, rows, cols, down)
						changed := min(room, repeatBytes)
						if !slices.Equal(got[:rows*cols], want[:rows*cols]) || !slices.Equal(got[rows*cols+changed:], want[rows*cols+changed:]) {
							t.Fatalf("%T: %d rows of %d, %d apart, room %d: wrong", *new(T), rows, cols, down, room)
						}
					}
				}
			}
		}
	}
	check(t, &generic)
	variants(t, check)
}
