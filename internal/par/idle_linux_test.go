package par

import (
	"testing"
	"time"

	"github.com/onnxrun/onnxrun/internal/measure"
)

// TestIdleWorkersUseNoProcessor measures the processor time of a waiting process: under a thousandth.
func TestIdleWorkersUseNoProcessor(t *testing.T) {
	Run(4, 100, newCount(100, nil))
	time.Sleep(20 * time.Millisecond) // workers park
	const rest = 300 * time.Millisecond
	best := rest
	for range 5 { // the runtime's own goroutines may wake once
		before := measure.ProcessTime()
		time.Sleep(rest)
		if best = min(best, measure.ProcessTime()-before); best <= rest/1000 {
			return
		}
	}
	t.Errorf("idle for %v, the process used %v of processor time: more than 0.1 %%", rest, best)
}
