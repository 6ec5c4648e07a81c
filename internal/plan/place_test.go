package plan

import (
	"math/rand/v2"
	"testing"

	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// TestPlace places random blocks and checks that those in use at the same time do not overlap, and that the
// total is not far from the largest sum of sizes in use at once.
func TestPlace(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		n, steps := 1+rng.IntN(60), 1+rng.IntN(40)
		blocks := make([]block, n)
		for i := range blocks {
			first := rng.IntN(steps)
			blocks[i] = block{size: 64 * rng.IntN(50), first: int32(first), last: int32(first + rng.IntN(steps-first))}
		}
		offsets := make([]int, n)
		total := place(blocks, offsets)
		live := 0
		for s := range int32(steps) {
			sum := 0
			for _, b := range blocks {
				if b.first <= s && s <= b.last {
					sum += b.size
				}
			}
			live = max(live, sum)
		}
		for i, a := range blocks {
			if offsets[i] < 0 || offsets[i]+a.size > total {
				t.Fatalf("block %d lies outside of the total", i)
			}
			for j, b := range blocks[:i] {
				if a.first <= b.last && b.first <= a.last && offsets[i] < offsets[j]+b.size && offsets[j] < offsets[i]+a.size {
					t.Fatalf("blocks %d and %d overlap: %+v at %d, %+v at %d", i, j, a, offsets[i], b, offsets[j])
				}
			}
		}
		if total < live || total > 2*live {
			t.Fatalf("total %d for %d in use at once", total, live)
		}
	}
}

func TestPoolReusesStorage(t *testing.T) {
	p := &pool{limit: 10000}
	b, err := p.Bytes(1000)
	if err != nil || len(b) != 1000 || addr(b)%alignment != 0 {
		t.Fatalf("got %d bytes at %x, %v", len(b), addr(b), err)
	}
	whole := p.adopt(b)
	if len(whole) != 1024 || p.adopt(b) != nil {
		t.Fatalf("adopted %d bytes, want 1024 once", len(whole))
	}
	p.give(whole)
	c, _ := p.Bytes(700)
	if addr(c) != addr(b) || p.used != 1024 {
		t.Errorf("storage was not reused: %d bytes in use", p.used)
	}
	if _, err := p.Bytes(20000); err == nil {
		t.Error("no error beyond the limit")
	}
	p.settle()
	if p.used != 0 {
		t.Errorf("%d bytes still counted after they left", p.used)
	}
}

func TestStorePacksOnce(t *testing.T) {
	s := NewStore(nil)
	c := zeros(3)
	made := 0
	pack := func(*ops.Room) any { made++; return made }
	for range 3 {
		if got := s.Packed(c, "a", pack); got != 1 {
			t.Fatalf("got %v, want the first form", got)
		}
	}
	s.Packed(c, "b", pack)
	s.Packed(zeros(3), "a", pack)
	if made != 3 || s.Packs() != 3 {
		t.Errorf("packed %d times, counted %d, want 3", made, s.Packs())
	}
}

func zeros(n int) *tensor.Tensor { return tensor.FromSlice(make([]float32, n)) }
