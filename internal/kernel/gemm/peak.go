package gemm

import "time"

// Peak measures the multiply-add rate of one core with the kernel set in use, in
// floating-point operations per second. It takes some 20 ms; without vector kernels
// it returns 0.
func Peak() float64 {
	r := selected()
	if r.peak == nil {
		return 0
	}
	const chains = 12
	rounds := 5000 // tens of microseconds in one call
	perCall := 2 * float64(rounds*chains*r.lanes)
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
