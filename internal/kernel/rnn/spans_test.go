package rnn

import (
	"fmt"
	"math"
	"testing"
)

// spansArgs returns arguments of a run whose spans run again.
func (p *backProblem) spansArgs(threads int) Args {
	a := p.a
	a.Threads = threads
	a.Spans = make([]float32, p.l.SpansLen(a.Steps, a.Batch))
	a.Scratch = make([]float32, max(p.l.KeepScratchLen(a.Steps, a.Batch), p.l.BackSpansScratchLen(a.Steps, a.Batch, a.XRow != p.l.Inputs)))
	spoil(a.Spans)
	spoil(a.Scratch)
	return a
}

func spoiled(n int) []float32 {
	s := make([]float32, n)
	spoil(s)
	return s
}

func spoil(s []float32) {
	for i := range s {
		s[i] = float32(math.NaN())
	}
}

// TestSpansHaveTheBitsOfWhatIsKept compares results and gradients of layers whose spans run again with those of layers that keep all
// gates, for one span, several of one length and several whose first is shorter.
func TestSpansHaveTheBitsOfWhatIsKept(t *testing.T) {
	sizes := [][4]int{{1, 1, 3, 5}, {5, 110, 5, 19}, {9, 40, 4, 8}, {11, 100, 80, 9}, {600, 1, 3, 17}, {7, 300, 70, 3}, {0, 3, 4, 5}, {3, 0, 4, 5}}
	eachRow(t, func(t *testing.T, _ *row) {
		for name, l := range variants() {
			if !l.Keeps(false) {
				continue
			}
			for _, size := range sizes {
				for _, mode := range modes(size) {
					t.Run(fmt.Sprint(name, size, mode), func(t *testing.T) {
						p := newBackProblem(l, size[0], size[1], size[2], size[3], mode.full, mode.batchFirst)
						p.back.Again = &p.w
						want := p.spansOutcome(p.args(1))
						for threads := 1; threads <= 2; threads++ {
							sameOutcome(t, p, p.spansOutcome(p.spansArgs(threads)), want)
						}
					})
				}
			}
		}
	})
}

// spansOutcome runs the layer and goes back.
func (p *backProblem) spansOutcome(a Args) map[string][]float32 {
	n := a.Batch * p.l.Hidden
	a.Y, a.HOut, a.COut = make([]float32, a.Steps*n), make([]float32, n), make([]float32, n)
	g := p.grads()
	p.l.Run(&p.w, &a)
	spoil(a.Scratch)
	p.l.Backward(&p.back, &a, g)
	m := map[string][]float32{"Y": a.Y, "h": a.HOut, "gradient of X": g.DX, "of W": g.DW, "of R": g.DR, "of B": g.DB, "of initial_h": g.DState.HOut, "of mask": g.DMask}
	if p.l.Cell == LSTM {
		m["c"], m["of initial_c"] = a.COut, g.DState.COut
	}
	return m
}

func sameOutcome(t *testing.T, p *backProblem, got, want map[string][]float32) {
	t.Helper()
	for name, list := range want {
		for i, w := range list {
			if g := got[name][i]; math.Float32bits(g) != math.Float32bits(w) {
				t.Fatalf("%s, element %d: %v, kept %v (%d spans)", name, i, g, w, spansOf(p.a.Steps, p.a.Batch))
			}
		}
	}
}

func TestSpansAllocateNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("allocations are not counted under the race detector")
	}
	for name, l := range variants() {
		if !l.Keeps(false) {
			continue
		}
		p := newBackProblem(l, 40, 16, 8, 16, true, false)
		p.back.Again = &p.w
		a, g := p.spansArgs(1), p.grads()
		if n := testing.AllocsPerRun(50, func() { p.run(&a, g) }); n >= 1 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// TestSpansTakeLess: states between spans and what is kept of one span are less than what all steps keep, if there are some spans.
func TestSpansTakeLess(t *testing.T) {
	for _, c := range []Cell{Plain, GRU, LSTM} {
		l := Layer{Cell: c, Inputs: 16, Hidden: 128}
		if n := l.SpansSave(64, 16, 1); 4*n < l.KeptLen(64, 16) {
			t.Errorf("%d gates: %d of %d elements less", c.Gates(), n, l.KeptLen(64, 16))
		}
		if n := l.SpansSave(4, 16, 1); n > 0 {
			t.Errorf("%d gates: one span takes %d elements less", c.Gates(), n)
		}
	}
}
