package move

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// TestTransposeTails compares transposes of all tails of tiles with index arithmetic, between guards, with and without kernels.
func TestTransposeTails(t *testing.T) {
	old := active
	defer func() { active = old }()
	r := rand.New(rand.NewPCG(3, 4))
	for _, k := range append([]kernel{{name: "generic"}}, assembly...) {
		t.Run(k.name, func(t *testing.T) {
			if active = k; old.name != k.name && k.name != "generic" {
				t.Skipf("move/%s: needs %v", k.name, k.needs)
			}
			for _, width := range []int{1, 2, 4, 8, 16} {
				for range 60 {
					rows, cols := 10+r.IntN(60), 10+r.IntN(60)
					src, want := noise(r, rows*cols*width), noise(r, rows*cols*width+64)
					got := bytes.Clone(want)
					for i := range rows {
						for j := range cols {
							copy(want[32+(j*rows+i)*width:][:width], src[(i*cols+j)*width:])
						}
					}
					Transpose(got[32:][:len(src)], src, []int{rows, cols}, []int{1, 0}, width, 1)
					if !bytes.Equal(got, want) {
						t.Fatalf("%dx%d elements of %d bytes", rows, cols, width)
					}
				}
			}
		})
	}
}
