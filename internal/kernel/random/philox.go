package random

import "math/bits"

// Philox returns four random words for a key and a counter: Philox 4x32 with 10 rounds of J. K. Salmon, M. A. Moraes,
// R. O. Dror and D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011. It has no state: each counter can
// be asked for alone, so that the numbers of a tensor do not depend on who draws them and in which order.
func Philox(key [2]uint32, counter [4]uint32) [4]uint32 {
	k0, k1 := key[0], key[1]
	c0, c1, c2, c3 := counter[0], counter[1], counter[2], counter[3]
	for range philoxRounds {
		hi0, lo0 := bits.Mul32(0xd2511f53, c0)
		hi1, lo1 := bits.Mul32(0xcd9e8d57, c2)
		c0, c1, c2, c3 = hi1^c1^k0, lo1, hi0^c3^k1, lo0
		k0 += 0x9e3779b9
		k1 += 0xbb67ae85
	}
	return [4]uint32{c0, c1, c2, c3}
}

const philoxRounds = 10

// A Mask decides for each element of a tensor whether it is kept: with probability 1 - Ratio, from a number drawn for
// the element's position, the Step and the Stream. Equal masks decide alike.
type Mask struct {
	Seed   uint64
	Step   uint64
	Stream uint32
	Ratio  float64 // from 0 up to but not 1
}

// Keep sets keep[i] to whether the element at position lo + i is kept.
func (m Mask) Keep(keep []bool, lo int) {
	threshold := m.threshold()
	var words [4]uint32
	for i := range keep {
		at := lo + i
		if i == 0 || at%4 == 0 {
			words = m.block(at / 4)
		}
		keep[i] = uint64(words[at%4]) >= threshold
	}
}

// KeepAt reports whether the element at one position is kept.
func (m Mask) KeepAt(at int) bool { return uint64(m.block(at / 4)[at%4]) >= m.threshold() }

// block draws the numbers of four elements. Positions above 2^34 continue in the words of the stream.
func (m Mask) block(i int) [4]uint32 {
	return Philox([2]uint32{uint32(m.Seed), uint32(m.Seed >> 32)},
		[4]uint32{uint32(i), m.Stream ^ bits.Reverse32(uint32(uint64(i)>>32)), uint32(m.Step), uint32(m.Step >> 32)})
}

// threshold is the least word of an element that is kept.
func (m Mask) threshold() uint64 { return uint64(m.Ratio * (1 << 32)) }
