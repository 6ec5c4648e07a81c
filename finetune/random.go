package finetune

import (
	"hash/fnv"
	"math"
	"math/bits"

	"github.com/onnxrun/onnxrun/internal/kernel/random"
)

// A Random is a stream of random numbers without state: any number of it can be had alone, in any order and on any
// thread. It is Philox 4x32 with 10 rounds (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3, 2011),
// with the seed as the key, and the stream and the position as the counter. It is not for secrets.
type Random struct {
	Seed   uint64
	Stream uint64
}

// NamedStream is the stream of a name, such as that of a parameter.
func NamedStream(name string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(name))
	return h.Sum64()
}

// Block returns the four words of block i.
func (r Random) Block(i uint64) [4]uint32 {
	return random.Philox([2]uint32{uint32(r.Seed), uint32(r.Seed >> 32)}, [4]uint32{uint32(i), uint32(i >> 32), uint32(r.Stream), uint32(r.Stream >> 32)})
}

// Uint32 returns word i: four make a block.
func (r Random) Uint32(i uint64) uint32 { return r.Block(i / 4)[i%4] }

// Uint64 returns number i of 64 bits: two make a block.
func (r Random) Uint64(i uint64) uint64 {
	b := r.Block(i / 2)
	k := i % 2 * 2
	return uint64(b[k+1])<<32 | uint64(b[k])
}

// Uniform returns number i of those between 0, which is among them, and 1, which is not.
func (r Random) Uniform(i uint64) float64 { return unit(r.Uint64(i)) }

// unit makes 53 bits a number from 0 to below 1.
func unit(x uint64) float64 { return float64(x>>11) * 0x1p-53 }

// Normal returns number i of a standard normal distribution, by Box and Muller: two make a block.
func (r Random) Normal(i uint64) float64 {
	b := r.Block(i / 2)
	radius := math.Sqrt(-2 * math.Log(1-unit(uint64(b[1])<<32|uint64(b[0]))))
	sin, cos := math.Sincos(2 * math.Pi * unit(uint64(b[3])<<32|uint64(b[2])))
	if i%2 == 0 {
		return radius * cos
	}
	return radius * sin
}

// Below returns number i of those from 0 to n-1. The odds of two of them differ by less than n in 2^64. n must be positive.
func (r Random) Below(i uint64, n int) int {
	hi, _ := bits.Mul64(r.Uint64(i), uint64(n))
	return int(hi)
}

// Permutation returns the numbers from 0 to n-1 in the random order of an epoch (Fisher and Yates).
func Permutation(seed, epoch uint64, n int) []int {
	r := Random{Seed: seed, Stream: NamedStream("order") + epoch}
	p := make([]int, n)
	for i := range p {
		k := r.Below(uint64(i), i+1)
		p[i] = p[k]
		p[k] = i
	}
	return p
}
