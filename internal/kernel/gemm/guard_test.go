package gemm

import (
	"math"
	"testing"
)

// guards hands out slices with an unmapped page on one side, where the system allows
// it, and guard words on the other (or on both). Touching the page is fatal; the words
// must stay as they are, and spoil any sum that reads them.
type guards struct {
	regions [][]float32 // each between two unmapped pages; empty: guard words only
	words   [][]float32 // what must still hold guard words
	next    int
}

const (
	guardWords  = 48
	regionWords = 1 << 18
	regionCount = 16 // more than one product's slices
)

func newGuards(t *testing.T) *guards {
	g := &guards{}
	for range regionCount {
		r, err := mapRegion(t, 4*regionWords)
		if err != nil {
			t.Logf("guard pages: %v: guard words only", err)
			break
		}
		g.regions = append(g.regions, r)
	}
	return g
}

func guardValue() float32 { return math.Float32frombits(0x7fc0dead) }

func fillGuard(x []float32) []float32 {
	for i := range x {
		x[i] = guardValue()
	}
	return x
}

// copy returns a copy of x whose end or whose start lies at an unmapped page, in turn.
func (g *guards) copy(x []float32) []float32 {
	if len(g.words) >= regionCount {
		g.words = g.words[1:]
	}
	n := len(x)
	if len(g.regions) == 0 || n+guardWords > regionWords {
		all := fillGuard(make([]float32, n+2*guardWords))
		copy(all[guardWords:], x)
		g.words = append(g.words, all[:guardWords], all[guardWords+n:])
		return all[guardWords : guardWords+n : guardWords+n]
	}
	r := g.regions[g.next%len(g.regions)]
	atEnd := g.next/len(g.regions)%2 == 0
	g.next++
	if atEnd {
		r = r[len(r)-n-guardWords:]
		g.words = append(g.words, fillGuard(r[:guardWords]))
		r = r[guardWords:]
	} else {
		g.words = append(g.words, fillGuard(r[n:n+guardWords]))
	}
	copy(r, x)
	return r[:n:n]
}

// check looks at the words around the latest slices.
func (g *guards) check(t *testing.T) {
	t.Helper()
	for _, words := range g.words {
		for i, w := range words {
			if math.Float32bits(w) != math.Float32bits(guardValue()) {
				t.Fatalf("guard word %d was overwritten with %v", i, w)
			}
		}
	}
	g.words = g.words[:0]
}
