package move

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// TestGatherRows gathers rows of all lengths that have a kernel, and some that have none, the last ones where src ends, between
// guards; negative indices and several outer blocks among them.
func TestGatherRows(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	eachKernel(t, func(t *testing.T) {
		for block := 24; block < 300; block += 1 + r.IntN(9) {
			gatherRows(t, r, 1+r.IntN(3), 1+r.IntN(9), r.IntN(200), block)
		}
		for _, block := range []int{mostWide - 1, mostWide, mostWide + 1} {
			gatherRows(t, r, 2, 5, 70, block)
		}
	})
}

func gatherRows(t *testing.T, r *rand.Rand, outer, axis, count, block int) {
	t.Helper()
	src, want := noise(r, outer*axis*block), noise(r, outer*count*block+64)
	got, index := bytes.Clone(want), make([]int32, count)
	for i := range index {
		index[i] = int32(r.IntN(2*axis) - axis)
	}
	for o := range outer {
		for i, v := range index {
			from := (o*axis + (int(v)+axis)%axis) * block
			copy(want[32+(o*count+i)*block:][:block], src[from:])
		}
	}
	err := Gather(got[32:][:outer*count*block], src[:len(src):len(src)], index, outer, axis, block, 1)
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%d rows of %d bytes: %v", count, block, err)
	}
}
