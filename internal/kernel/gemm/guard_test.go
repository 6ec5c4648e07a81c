package gemm

import (
	"math"
	"testing"
)

// guards hands out slices between guard words, whose bits must stay as they are. The
// words are signalling values that spoil any sum that reads them.
type guards struct{ words [][]float32 }

const guardWords = 48

func newGuards(*testing.T) *guards { return &guards{} }

func guardValue() float32 { return math.Float32frombits(0x7fc0dead) }

// copy returns a copy of x with guard words on both sides.
func (g *guards) copy(x []float32) []float32 {
	if len(g.words) > 16 {
		g.words = g.words[1:]
	}
	all := make([]float32, len(x)+2*guardWords)
	for i := range all {
		all[i] = guardValue()
	}
	copy(all[guardWords:], x)
	g.words = append(g.words, all)
	return all[guardWords : guardWords+len(x) : guardWords+len(x)]
}

func (g *guards) check(t *testing.T) {
	t.Helper()
	for _, all := range g.words {
		for i := range guardWords {
			for _, j := range []int{i, len(all) - 1 - i} {
				if math.Float32bits(all[j]) != math.Float32bits(guardValue()) {
					t.Fatalf("guard word %d of %d was overwritten", j, len(all))
				}
			}
		}
	}
}
