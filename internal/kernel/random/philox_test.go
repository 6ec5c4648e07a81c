package random_test

import (
	"math"
	"testing"

	"github.com/onnxrun/onnxrun/internal/kernel/random"
)

// TestPhilox compares with the known answers of the authors' library Random123 (kat_vectors, philox4x32 10).
func TestPhilox(t *testing.T) {
	for _, tc := range []struct {
		counter [4]uint32
		key     [2]uint32
		want    [4]uint32
	}{
		{[4]uint32{}, [2]uint32{}, [4]uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
		{[4]uint32{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, [2]uint32{0xffffffff, 0xffffffff},
			[4]uint32{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
		{[4]uint32{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, [2]uint32{0xa4093822, 0x299f31d0},
			[4]uint32{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
	} {
		if got := random.Philox(tc.key, tc.counter); got != tc.want {
			t.Errorf("Philox(%x, %x) = %x, want %x", tc.key, tc.counter, got, tc.want)
		}
	}
}

// TestMask holds the share of kept elements to its expectation within five standard deviations, pieces to the whole, and
// masks of other seeds, steps and streams to being others.
func TestMask(t *testing.T) {
	const n = 40000
	for _, ratio := range []float64{0, 0.1, 0.5, 0.93} {
		m := random.Mask{Seed: 7, Step: 3, Stream: 1, Ratio: ratio}
		whole := make([]bool, n)
		m.Keep(whole, 0)
		kept := 0
		for i, k := range whole {
			if k {
				kept++
			}
			if i < 100 && m.KeepAt(i) != k {
				t.Fatalf("ratio %v: KeepAt(%d) is not %v", ratio, i, k)
			}
		}
		if off := math.Abs(float64(kept) - n*(1-ratio)); off > 5*math.Sqrt(n*ratio*(1-ratio)) {
			t.Errorf("ratio %v: %d of %d are kept", ratio, kept, n)
		}
		part := make([]bool, 11)
		m.Keep(part, 1234)
		for i := range part {
			if part[i] != whole[1234+i] {
				t.Errorf("ratio %v: the piece from 1234 differs at %d", ratio, i)
			}
		}
	}
	base := random.Mask{Seed: 7, Step: 3, Stream: 1, Ratio: 0.5}
	for _, other := range []random.Mask{{8, 3, 1, 0.5}, {7, 4, 1, 0.5}, {7, 3, 2, 0.5}, {7 | 1<<40, 3, 1, 0.5}, {7, 3 | 1<<40, 1, 0.5}} {
		same := 0
		for i := range n {
			if base.KeepAt(i) == other.KeepAt(i) {
				same++
			}
		}
		if math.Abs(float64(same)-n/2) > 5*math.Sqrt(n/4) {
			t.Errorf("%+v and %+v agree on %d of %d elements", base, other, same, n)
		}
	}
}
