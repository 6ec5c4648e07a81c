package gemm

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"
)

// Tiles ask for all of what comes next, as fast as they may, and for nothing behind it.
func TestAhead(t *testing.T) {
	for _, name := range Kernels() {
		t.Run(name, func(t *testing.T) {
			undo, _ := Use(name)
			defer undo()
			r := selected()
			if r == genericRow {
				t.Skip("generic kernels: Go cannot ask for memory")
			}
			heights := map[int]int{1: r.mr, 2: len(r.pair)}
			for panels, height := range heights {
				for _, rows := range []int{1, height, 5 * height, 23 * height} {
					if height > 0 {
						checkAhead(t, r, panels, rows, 96)
					}
				}
			}
		})
	}
}

func checkAhead(t *testing.T, r *row, panels, rows, k int) {
	t.Helper()
	n := panels * r.nr
	a := &Args{M: rows, N: n, K: k, A: make([]float32, rows*k), ARS: k, ACS: 1, C: make([]float32, rows*n), LDC: n}
	tk := &task{Args: *a, row: r, pairs: panels > 1, kb: k}
	b := &block{t: tk, s: new(scratch), last: 1}
	tk.mc, tk.nc = rows, n
	b.cut(0, 0)
	b.setFlags(true, true)
	b.setSegments(0, k)
	args := &b.s.tile
	args.k, args.bstep, args.panel = k, 4*r.nr, 4*r.nr*k
	next := make([]float32, 2*n*k)
	args.ahead = uintptr(unsafe.Pointer(&next[0]))
	args.aheadEnd = args.ahead + uintptr(args.panel)
	args.other = (panels - 1) * args.panel
	kernels, round := r.together(panels, n), b.round(panels)
	b.pace(panels, len(kernels))
	first, step := args.ahead, args.aheadStep
	b.tiles(kernels, unsafe.Pointer(&next[0]), 0, n)
	tiles := ceilDiv(rows, len(kernels))
	want := min(args.aheadEnd, first+uintptr(tiles*k/round*step))
	what := fmt.Sprintf("%d rows, %d panels, %d bytes a round", rows, panels, step)
	if args.ahead != want {
		t.Errorf("%s: asked for %d bytes, want %d", what, args.ahead-first, want-first)
	}
	if args.ahead != args.aheadEnd && step < round*aheadMost {
		t.Errorf("%s: asked for %d bytes of %d", what, args.ahead-first, args.panel)
	}
	if lines := aheadLine << args.aheadFast; lines < step || args.aheadFast > 0 && step <= lines/2 {
		t.Errorf("%s: %d bytes are asked for in a round", what, lines)
	}
}

// Few rows give the same bits wherever B comes from.
func TestFarRows(t *testing.T) {
	old := secondLevel
	defer func() { secondLevel = old }()
	for _, name := range Kernels() {
		t.Run(name, func(t *testing.T) {
			undo, _ := Use(name)
			defer undo()
			if selected().far == nil {
				t.Skipf("%s: no kernels for B from beyond the second-level cache", name)
			}
			rng := rand.New(rand.NewPCG(3, 5))
			const n, k = 333, 71
			a, b := random(rng, 3*k), random(rng, k*n)
			for m := 1; m <= 3; m++ {
				args := Args{M: m, N: n, K: k, A: a, ARS: k, ACS: 1, Packed: Pack(k, n, b, n, 1), LDC: n}
				var got [2][]float32
				for i, size := range []int{1 << 30, 0} {
					secondLevel = size
					if far := &(&task{Args: args, row: selected()}).wide()[0] == &selected().far[0]; far != (i == 1) {
						t.Fatalf("with %d bytes of cache: far %v", size, far)
					}
					args.C = make([]float32, m*n)
					got[i] = args.C
					Run(&args)
				}
				if !slices.Equal(got[0], got[1]) {
					t.Errorf("%d rows: other results from far away", m)
				}
			}
		})
	}
}
