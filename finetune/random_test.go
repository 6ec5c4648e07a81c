package finetune

import (
	"math"
	"slices"
	"testing"
)

// TestBlock has known answers of the Random123 library (tests/kat_vectors, philox4x32 with 10 rounds): seed, stream and
// position are in the words of key and counter that they were made with.
func TestBlock(t *testing.T) {
	r := Random{Seed: 0x299f31d0_a4093822, Stream: 0x03707344_13198a2e}
	if got := r.Block(0x85a308d3_243f6a88); got != [4]uint32{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1} {
		t.Errorf("the block is %x", got)
	}
	if low := (Random{}).Uint64(0); low != 0xe169c58d_6627e8d5 || (Random{}).Uint32(3) != 0x9b00dbd8 {
		t.Errorf("words of block 0 are %x", low)
	}
}

// moments returns mean, variance and fourth central moment.
func moments(x []float64) (mean, variance, fourth float64) {
	n := float64(len(x))
	for _, v := range x {
		mean += v / n
	}
	for _, v := range x {
		d := (v - mean) * (v - mean)
		variance += d / n
		fourth += d * d / n
	}
	return
}

func TestDistributions(t *testing.T) {
	const n = 200_000
	r := Random{Seed: 1, Stream: NamedStream("fc.weight")}
	uniform, normal := make([]float64, n), make([]float64, n)
	for i := range uniform {
		uniform[i], normal[i] = r.Uniform(uint64(i)), r.Normal(uint64(i))
	}
	for _, c := range []struct {
		name                   string
		x                      []float64
		mean, variance, fourth float64
	}{{"uniform", uniform, 0.5, 1.0 / 12, 1.0 / 80}, {"normal", normal, 0, 1, 3}} {
		mean, variance, fourth := moments(c.x)
		if math.Abs(mean-c.mean) > 0.01 || math.Abs(variance/c.variance-1) > 0.02 || math.Abs(fourth/c.fourth-1) > 0.05 {
			t.Errorf("%s: moments %v %v %v", c.name, mean, variance, fourth)
		}
	}
	if lo, hi := slices.Min(uniform), slices.Max(uniform); lo < 0 || lo > 1e-4 || hi >= 1 || hi < 1-1e-4 {
		t.Errorf("uniform from %v to %v", lo, hi)
	}
	other := Random{Seed: 1, Stream: NamedStream("fc.bias")}
	dot := 0.0
	for i := range normal {
		dot += normal[i] * other.Normal(uint64(i)) / n
	}
	if math.Abs(dot) > 0.01 {
		t.Errorf("streams correlate: %v", dot)
	}
}

func TestPermutation(t *testing.T) {
	for n := range 6 {
		p := Permutation(3, 0, n)
		slices.Sort(p)
		for i, v := range p {
			if v != i {
				t.Errorf("%d numbers: %v", n, p)
			}
		}
	}
	if slices.Equal(Permutation(3, 0, 50), Permutation(3, 1, 50)) || slices.Equal(Permutation(3, 0, 50), Permutation(4, 0, 50)) {
		t.Error("epochs or seeds have the same order")
	}
	if !slices.Equal(Permutation(3, 7, 50), Permutation(3, 7, 50)) {
		t.Error("the order of an epoch changes")
	}
	var counts [3][3]int // how often a number stands at a place
	for epoch := range uint64(6000) {
		for i, v := range Permutation(1, epoch, 3) {
			counts[i][v]++
		}
	}
	for _, row := range counts {
		for _, c := range row {
			if c < 1850 || c > 2150 {
				t.Errorf("uneven: %v", counts)
			}
		}
	}
}
