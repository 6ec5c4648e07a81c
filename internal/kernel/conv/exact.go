package conv

import "slices"

// exactSum bounds the integers that float32 holds and adds without rounding.
const exactSum = 1 << 24

// byteSpan bounds the absolute difference of two bytes, signed or not.
const byteSpan = 255

// ExactChannels returns how many input channels with the given number of taps a convolution of differences of bytes may
// add up in float32 without rounding, whatever the elements are; 0 if not even one.
func ExactChannels(taps int) int { return exactSum / (byteSpan * byteSpan) / taps }

// ExactBlocks cuts the input channels of a filter w [outC, channels, taps] of integers into as few runs as a greedy walk
// finds such that the convolution of each run with differences of bytes adds up in float32 without rounding. It returns
// the ends of the runs, nil if a single channel sums up to more.
func ExactBlocks(w []float32, outC, channels, taps int) []int {
	var ends []int
	sums, next := make([]float32, outC), make([]float32, outC)
	for c := range channels {
		for o := range outC {
			next[o] = 0
			for _, v := range w[(o*channels+c)*taps:][:taps] {
				next[o] += max(v, -v)
			}
			if next[o]*byteSpan > exactSum {
				return nil
			}
			sums[o] += next[o]
		}
		if slices.Max(sums)*byteSpan > exactSum {
			ends = append(ends, c)
			copy(sums, next)
		}
	}
	return append(ends, channels)
}

// Part returns the geometry of the convolution that reads only some channels of each group.
func (g Geom) Part(channels int) Geom {
	g.InC = channels * g.Groups
	return g
}
