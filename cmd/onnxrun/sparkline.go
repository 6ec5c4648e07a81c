package main

import "math"

// sparkCells is the most characters of a sparkline; it is even.
const sparkCells = 12

// A sparkline draws a run of numbers of any length in one short word. Each character stands for the mean of as many
// neighbouring numbers; their count doubles when the word is full.
type sparkline struct {
	sums   [sparkCells]float64
	counts [sparkCells]int
	used   int // cells that hold a number
	width  int // numbers of a full cell
}

// add takes a number in. One that is not finite is left out.
func (s *sparkline) add(v float64) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return
	}
	s.width = max(s.width, 1)
	if s.used == 0 || s.counts[s.used-1] == s.width {
		if s.used == sparkCells {
			s.halve()
		}
		s.sums[s.used], s.counts[s.used] = 0, 0
		s.used++
	}
	s.sums[s.used-1] += v
	s.counts[s.used-1]++
}

func (s *sparkline) halve() {
	for i := range sparkCells / 2 {
		s.sums[i] = s.sums[2*i] + s.sums[2*i+1]
		s.counts[i] = s.counts[2*i] + s.counts[2*i+1]
	}
	s.used = sparkCells / 2
	s.width *= 2
}

// String draws the numbers between the least and the largest mean.
func (s *sparkline) String() string {
	low, high := math.Inf(1), math.Inf(-1)
	for i := range s.used {
		mean := s.sums[i] / float64(s.counts[i])
		low, high = min(low, mean), max(high, mean)
	}
	ticks := []rune("▁▂▃▄▅▆▇█")
	word := make([]rune, s.used)
	for i := range word {
		level := 0
		if high > low {
			level = int((s.sums[i]/float64(s.counts[i]) - low) / (high - low) * float64(len(ticks)))
		}
		word[i] = ticks[min(level, len(ticks)-1)]
	}
	return string(word)
}
