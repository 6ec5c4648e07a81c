package gemm

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestAsPacked compares products of plain matrices with those of their packed forms, to the last bit: all tails, few and many
// rows, several blocks of K, both orders of B, batches, an epilogue, threads.
func TestAsPacked(t *testing.T) {
	eachRow(t, func(t *testing.T, r *row) {
		rng := rand.New(rand.NewPCG(21, 22))
		g := newGuards(t)
		for _, m := range []int{1, 2, 3, 5, r.mr, 2*r.mr + 1, 49, mcMax + 5} {
			for _, n := range []int{1, 2, 5, 6, 7, r.nr - 1, r.nr, r.nr + 1, r.nr/2 + 1, 2*r.nr + r.nr/2 + 1, 5*r.nr + 3} {
				for _, k := range []int{1, 31, 64, 200, kc + 9} {
					for form := range 4 {
						p := newProblem(rng, g, m, n, k, form&1 != 0, form&2 != 0)
						p.Threads = 1 + form
						p.Epilogue = Epilogue{ColBias: random(rng, n), Act: Activation{Kind: Relu}}
						q := p.Args
						q.Packed, q.C = Pack(k, n, p.B, p.BRS, p.BCS), slices.Clone(p.C)
						Run(&q)
						p.AsPacked = true
						Run(&p.Args)
						if !slices.Equal(p.C, q.C) {
							t.Fatalf("%dx%dx%d form %d: other bits than packed", m, n, k, form)
						}
						g.check(t)
					}
				}
			}
		}
		testAsPackedBatch(t, rng)
	})
}

func testAsPackedBatch(t *testing.T, rng *rand.Rand) {
	const count = 3
	for _, s := range [][3]int{{1, 40, 70}, {9, 6, 33}, {30, 100, 257}} {
		m, n, k := s[0], s[1], s[2]
		a, b := random(rng, count*m*k), random(rng, count*k*n)
		packed := NewPacked(count, k, n)
		args := Args{M: m, N: n, K: k, A: a, ARS: k, ACS: 1, Packed: packed, BRS: 1, BCS: k, C: make([]float32, count*m*n), LDC: n}
		for i := range count {
			packed.Set(i, b[i*k*n:][:k*n], 1, k)
			args.Batch = append(args.Batch, Item{A: i * m * k, B: i, C: i * m * n})
		}
		want := args
		Run(&want)
		args.Packed, args.B, args.AsPacked, args.C = nil, b, true, make([]float32, count*m*n)
		args.Batch = slices.Clone(args.Batch)
		for i := range args.Batch {
			args.Batch[i].B = i * k * n
		}
		if Run(&args); !slices.Equal(args.C, want.C) {
			t.Error(fmt.Sprint(s), "in batches: other bits than packed")
		}
	}
}
