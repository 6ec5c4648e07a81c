package par

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
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

// loops runs loops of 32 chunks from some goroutines at once, each on two threads, and returns how many each finished.
func loops(callers int, d time.Duration) []int {
	counts := make([]int, callers)
	end := time.Now().Add(d)
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			task := new(spinTask)
			for time.Now().Before(end) {
				Run(2, 32, task)
				counts[c]++
			}
		})
	}
	wg.Wait()
	return counts
}

func sum(x []int) (n int) {
	for _, v := range x {
		n += v
	}
	return n
}

// TestCallersShareThePool runs loops from several goroutines at once: each gets its share of the processors, and
// together they finish as many as one alone, or more. The best of some attempts counts: other processes disturb.
func TestCallersShareThePool(t *testing.T) {
	if runtime.NumCPU() < 2 {
		t.Skip("one processor: nothing is shared")
	}
	if raceEnabled {
		t.Skip("the race detector changes times")
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	const length = 60 * time.Millisecond
	var alone, together []int
	for range 10 {
		alone, together = loops(1, length), loops(4, length)
		if 2*slices.Min(together) >= slices.Max(together) && 20*sum(together) >= 19*sum(alone) {
			return
		}
	}
	t.Errorf("alone %v loops, together %v", alone, together)
}

// BenchmarkCallers gives the loops that one and several callers finish in a second together.
func BenchmarkCallers(b *testing.B) {
	for _, callers := range []int{1, 2, 4} {
		b.Run(string(rune('0'+callers)), func(b *testing.B) {
			total := 0
			for b.Loop() {
				total += sum(loops(callers, 20*time.Millisecond))
			}
			b.ReportMetric(float64(total)/b.Elapsed().Seconds(), "loops/s")
		})
	}
}
