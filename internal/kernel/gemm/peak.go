package gemm

import "time"

// peakChains is how many independent multiply-adds a round of row.peak makes.
const peakChains = 12

// Peak measures the multiply-add rate of one core with the kernel set in use, in
// floating-point operations per second. It takes some 20 ms; without vector kernels
// it returns 0.
func Peak() float64 {
	r := selected()
	if r.peak == nil {
		return 0
	}
	rounds := 5000 // tens of microseconds in one call
	perCall := 2 * float64(rounds*peakChains*r.lanes)
	var best float64
	for start := time.Now(); time.Since(start) < 20*time.Millisecond; {
		const calls = 10
		at := time.Now()
		for range calls {
			r.peak(&rounds)
		}
		best = max(best, calls*perCall/time.Since(at).Seconds())
	}
	return best
}
