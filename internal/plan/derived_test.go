package plan

import (
	"sync"
	"sync/atomic"
	"testing"
)

// TestGate lets many enter at once: never more than fit are inside, unless one is alone, and all get through.
func TestGate(t *testing.T) {
	var g gate
	var inside, count atomic.Int64
	var all sync.WaitGroup
	for i := range 64 {
		n := 1 + i%5*(maxInside/3)
		all.Go(func() {
			g.enter(n)
			if sum, k := inside.Add(int64(n)), count.Add(1); sum > maxInside && k > 1 {
				t.Errorf("%d bytes of %d inside", sum, k)
			}
			inside.Add(int64(-n))
			count.Add(-1)
			g.leave(n)
		})
	}
	all.Wait()
	if g.inside != 0 {
		t.Errorf("%d bytes stayed inside", g.inside)
	}
}
