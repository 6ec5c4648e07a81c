//go:build race

package gemm

// raceEnabled: under the race detector a sync.Pool drops items at random.
const raceEnabled = true
