//go:build !race

// The race detector makes pools forget at random.

package vec

import "testing"

func TestParallelAllocations(t *testing.T) {
	const rows, cols = 70, 1001
	a, b, dst := ramp(rows*cols, 0), ramp(cols, 5), make([]int32, rows*cols)
	var p Plan
	p.Plan2([]int{rows, cols}, []int{rows, cols}, []int{cols})
	f := SubOf[int32]
	if n := testing.AllocsPerRun(10, func() { Broadcast2(&p, dst, a, b, f, 2) }); n > 0 {
		t.Errorf("a parallel broadcast allocates %v times", n)
	}
	if n := testing.AllocsPerRun(10, func() { Map(dst, a, NegOf[int32], 2) }); n > 0 {
		t.Errorf("a parallel map allocates %v times", n)
	}
}
