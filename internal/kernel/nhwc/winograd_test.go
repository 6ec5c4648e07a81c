package nhwc

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestWinograd compares both tile sizes with the plain loops: every border, dilation and cut into blocks.
func TestWinograd(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for i := range 60 {
		p := problem{batch: 1 + rng.IntN(2), groups: 1, inC: 8 * (1 + rng.IntN(6)), outC: 8 * (1 + rng.IntN(6))}
		for range 2 {
			d := []int{1, 1, 2, 3}[rng.IntN(4)]
			p.axes = append(p.axes, [6]int{2*d + 1 + rng.IntN(25), 3, 1, d, rng.IntN(2*d + 1), rng.IntN(2*d + 1)})
		}
		for _, m := range []int{2, 4} {
			t.Run(fmt.Sprintf("%d/%v", m, p), func(t *testing.T) {
				g := p.geom()
				compare(t, &Plan{g: g, name: "winograd", alg: newTiled(g, m)}, p, i)
			})
		}
	}
}

// TestWinogradChoice holds the choice to what was measured.
func TestWinogradChoice(t *testing.T) {
	square := func(c, out, n, d int) problem {
		return problem{1, 1, c, out, [][6]int{{n, 3, 1, d, d, d}, {n, 3, 1, d, d, d}}}
	}
	for _, c := range []struct {
		p problem
		m int
	}{
		{square(64, 64, 56, 1), 4},
		{square(32, 32, 80, 1), 4},
		{square(128, 128, 28, 1), 4},
		{square(256, 256, 14, 1), 2},
		{square(512, 512, 7, 1), 0},
		{square(64, 12, 56, 1), 0},
		{square(8, 64, 56, 1), 0},
	} {
		m := 0
		if a, ok := newWinograd(c.p.geom()).(*tiled); ok {
			m = a.m
		}
		if m != c.m {
			t.Errorf("%v: tiles of %d outputs, want %d", c.p, m, c.m)
		}
	}
}
