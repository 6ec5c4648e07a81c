package data

import (
	"math"

	"github.com/onnxrun/onnxrun/internal/kernel/random"
)

// Streams of random numbers for different purposes never meet: the purpose is a word of the generator's counter.
const (
	forSplit uint32 = iota + 1
	forAugment
)

// A stream is random numbers by Philox 4x32-10: key is a seed, the counter says what the numbers are for and which come next.
type stream struct {
	key     [2]uint32
	counter [4]uint32 // the block, the purpose, and two words that tell streams of a purpose apart
	block   [4]uint32
	used    int
}

func newStream(seed uint64, purpose, a, b uint32) *stream {
	return &stream{key: [2]uint32{uint32(seed), uint32(seed >> 32)}, counter: [4]uint32{0, purpose, a, b}, used: 4}
}

func (s *stream) word() uint32 {
	if s.used == len(s.block) {
		s.block = random.Philox(s.key, s.counter)
		s.counter[0]++
		s.used = 0
	}
	s.used++
	return s.block[s.used-1]
}

// uniform returns a number in [lo, hi), from 53 random bits.
func (s *stream) uniform(lo, hi float64) float64 {
	bits := uint64(s.word())<<21 ^ uint64(s.word())>>11
	return lo + (hi-lo)*(float64(bits)/(1<<53))
}

// below returns an integer in [0, n), n < 2^32, each with the same chance.
func (s *stream) below(n int) int {
	limit := math.MaxUint32 - math.MaxUint32%uint32(n)
	for {
		if w := s.word(); w < limit {
			return int(w % uint32(n))
		}
	}
}

// normal returns two independent numbers of the standard normal distribution, by Box and Muller.
func (s *stream) normal() (a, b float64) {
	r := math.Sqrt(-2 * math.Log(1-s.uniform(0, 1)))
	sin, cos := math.Sincos(2 * math.Pi * s.uniform(0, 1))
	return r * cos, r * sin
}

// shuffle permutes list, by Fisher and Yates.
func (s *stream) shuffle(list []int) {
	for i := len(list) - 1; i > 0; i-- {
		j := s.below(i + 1)
		list[i], list[j] = list[j], list[i]
	}
}
