// Package random holds random number generators: that of numpy.random.RandomState, for operators that are defined by its
// streams, and one without state for masks that can be drawn again. It imports nothing.
package random

// MT19937 is the Mersenne Twister of M. Matsumoto and T. Nishimura, "Mersenne Twister: a 623-dimensionally
// equidistributed uniform pseudo-random number generator", ACM TOMACS 8 (1998), with the initialisation of 2002. Seeded
// alike it gives the streams of numpy.random.RandomState. The zero value must be seeded before use.
type MT19937 struct {
	state [mtLen]uint32
	next  int // index of the next word; mtLen: the state must be advanced first
}

const (
	mtLen    = 624
	mtShift  = 397
	mtMatrix = 0x9908b0df
	mtUpper  = 0x80000000
	mtLower  = 0x7fffffff
)

// Seed starts the stream of RandomState(seed).
func (m *MT19937) Seed(seed uint32) {
	m.state[0] = seed
	for i := uint32(1); i < mtLen; i++ {
		x := m.state[i-1]
		m.state[i] = 1812433253*(x^x>>30) + i
	}
	m.next = mtLen
}

// Uint32 returns the next word.
func (m *MT19937) Uint32() uint32 {
	if m.next == mtLen {
		m.advance()
	}
	x := m.state[m.next]
	m.next++
	x ^= x >> 11
	x ^= x << 7 & 0x9d2c5680
	x ^= x << 15 & 0xefc60000
	return x ^ x>>18
}

// advance computes the next mtLen words.
func (m *MT19937) advance() {
	s := &m.state
	for i := range s {
		y := s[i]&mtUpper | s[(i+1)%mtLen]&mtLower
		s[i] = s[(i+mtShift)%mtLen] ^ y>>1 ^ -(y&1)&mtMatrix
	}
	m.next = 0
}

// Float64 returns the next number of RandomState.random_sample: 53 bits of two words, in [0, 1).
func (m *MT19937) Float64() float64 {
	high, low := m.Uint32()>>5, m.Uint32()>>6
	return (float64(high)*(1<<26) + float64(low)) / (1 << 53)
}
