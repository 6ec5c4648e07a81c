//go:build !race

// The race detector makes pools forget at random.

package move

import "testing"

func TestParallelAllocations(t *testing.T) {
	src, dst := make([]byte, 1<<20), make([]byte, 1<<20)
	shape, perm, index := []int{512, 512}, []int{1, 0}, make([]int64, 2048)
	if n := testing.AllocsPerRun(10, func() {
		Transpose(dst, src, shape, perm, 4, 2)
		_ = Gather(dst, src, index, 1, 10, 512, 2)
	}); n > 0 {
		t.Errorf("a transpose and a gather allocate %v times", n)
	}
}
