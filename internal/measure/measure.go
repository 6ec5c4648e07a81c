// Package measure reads the memory and the processor time of the process and sums up lists of times. It imports nothing of this module.
package measure

import (
	"math"
	"slices"
	"time"
)

// Milliseconds returns a duration as a JSON-friendly number.
func Milliseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }

// A Summary describes a list of times in milliseconds.
type Summary struct {
	Median float64 `json:"median_ms"`
	Min    float64 `json:"min_ms"`
	P90    float64 `json:"p90_ms"`
	Mean   float64 `json:"mean_ms"`
	N      int     `json:"n"`
}

// Summarise sorts a copy of times and describes it. An empty list gives zeros.
func Summarise(times []float64) Summary {
	if len(times) == 0 {
		return Summary{}
	}
	s := slices.Sorted(slices.Values(times))
	n := len(s)
	sum := 0.0
	for _, t := range s {
		sum += t
	}
	return Summary{
		Median: (s[(n-1)/2] + s[n/2]) / 2,
		Min:    s[0],
		P90:    s[int(math.Ceil(0.9*float64(n)))-1],
		Mean:   sum / float64(n),
		N:      n,
	}
}

// Rounds calls f n times and returns the time of each call in milliseconds. It stops at an error.
func Rounds(n int, f func() error) ([]float64, error) {
	times := make([]float64, 0, n)
	for range n {
		start := time.Now()
		if err := f(); err != nil {
			return times, err
		}
		times = append(times, Milliseconds(time.Since(start)))
	}
	return times, nil
}
