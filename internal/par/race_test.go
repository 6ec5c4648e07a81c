//go:build race

package par

// raceEnabled: under the race detector a sync.Pool drops items at random.
const raceEnabled = true
