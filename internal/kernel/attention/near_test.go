package attention

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestCollidingRows compares heads whose keys or values lie a multiple of 4096 bytes apart, which are copied together, in several
// chunks of queries and steps of keys.
func TestCollidingRows(t *testing.T) {
	for _, name := range Kernels() {
		t.Run(name, func(t *testing.T) {
			defer use(t, name)()
			rng := rand.New(rand.NewPCG(3, 4))
			for i := range 6 {
				a := Args{B: 1, H: 2, KVHeads: 1 + i%2, Queries: copiedBlock + queryPad + rng.IntN(40), Keys: keyBlock + 1 + rng.IntN(60),
					Size: 1 + rng.IntN(40), ValueSize: 1 + rng.IntN(40), Scale: 0.3}
				if i == 3 {
					a.Queries = fewQueries + 1 + rng.IntN(20)
				}
				apart := func(n, size int, spread bool) Heads {
					if !spread {
						return layout(rng, a.B, a.KVHeads, n, size, false)
					}
					h := Heads{Head: collisions / 2, Step: collisions, Batch: n * collisions, X: make([]float32, a.B*n*collisions)}
					for i := range h.X {
						h.X[i] = rng.Float32()*2 - 1
					}
					return h
				}
				a.Q, a.Y = layout(rng, a.B, a.H, a.Queries, a.Size, true), layout(rng, a.B, a.H, a.Queries, a.ValueSize, false)
				a.K, a.V = apart(a.Keys, a.Size, i%3 != 0), apart(a.Keys, a.ValueSize, i%3 != 1)
				if !a.collides() {
					t.Fatal("nothing is copied")
				}
				switch rng.IntN(3) {
				case 0:
					a.Causal, a.First = true, keyBlock/2
				case 1:
					a.Masks[0] = mask(rng, &a, rng.IntN(16), rng.IntN(2) == 0, -50)
				}
				compare(t, fmt.Sprintf("%d heads on %d, %d queries, %d keys", a.H, a.KVHeads, a.Queries, a.Keys), a)
			}
		})
	}
}
