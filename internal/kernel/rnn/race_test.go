//go:build race

package rnn

// raceEnabled: under the race detector a sync.Pool drops items at random.
const raceEnabled = true
