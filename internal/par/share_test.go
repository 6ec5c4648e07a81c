package par

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

// spinTask is some 20 microseconds of arithmetic a chunk.
type spinTask struct{ sink atomic.Int64 }

func (s *spinTask) Chunk(i int) {
	x := int64(i)
	for range 20_000 {
		x = x*6364136223846793005 + 1442695040888963407
	}
	s.sink.Store(x)
}

// loops runs loops of 32 chunks from some goroutines at once, each on two threads, until there are n, and returns how many each finished.
func loops(callers, n int) []int {
	counts := make([]int, callers)
	var begun atomic.Int64
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			task := new(spinTask)
			for begun.Add(1) <= int64(n) {
				Run(2, 32, task)
				counts[c]++
			}
		})
	}
	wg.Wait()
	return counts
}

// TestCallersShareThePool runs loops from several goroutines at once: each gets its share of the processors, in loops, however long these
// take. The best of some attempts counts: other processes disturb. BenchmarkCallers shows that together they finish as many as one alone.
func TestCallersShareThePool(t *testing.T) {
	if runtime.NumCPU() < 2 {
		t.Skip("one processor: nothing is shared")
	}
	if raceEnabled {
		t.Skip("the race detector changes times")
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	var together []int
	for range 10 {
		if together = loops(4, 400); 2*slices.Min(together) >= slices.Max(together) {
			return
		}
	}
	t.Errorf("loops of each caller: %v", together)
}

// BenchmarkCallers gives the loops that one and several callers finish in a second together.
func BenchmarkCallers(b *testing.B) {
	for _, callers := range []int{1, 2, 4} {
		b.Run(string(rune('0'+callers)), func(b *testing.B) {
			const n = 100
			for b.Loop() {
				loops(callers, n)
			}
			b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "loops/s")
		})
	}
}
