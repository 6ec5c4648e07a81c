package rnn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// backProblem is a problem with gradients of its outputs.
type backProblem struct {
	*problem
	back BackWeights
	dy   Args
}

func newBackProblem(l Layer, steps, batch, inputs, hidden int, full, batchFirst bool) *backProblem {
	p := &backProblem{problem: newProblem(l, steps, batch, inputs, hidden, full, batchFirst)}
	p.plain.P, p.w.Peep = nil, nil
	p.back.W = p.plain.W
	p.back.R, p.back.RH = p.l.PackBack(nil, nil, spoiled(p.l.BackLen()), p.plain.R)
	r := rand.New(rand.NewPCG(4, uint64(hidden)))
	p.dy = Args{YStep: p.a.YStep, YRow: p.a.YRow, StateRow: hidden, HOut: random(r, batch*hidden)}
	if full || steps == 1 {
		p.dy.Y, p.dy.COut = random(r, steps*batch*hidden), random(r, batch*hidden)
	}
	return p
}

// grads returns gradients to fill: NaN, but for those of the inputs, which are added to.
func (p *backProblem) grads() *GradArgs[float32] {
	nan := func(n int) []float32 {
		s := make([]float32, n)
		for i := range s {
			s[i] = float32(math.NaN())
		}
		return s
	}
	h := p.a.Batch * p.l.Hidden
	g := &GradArgs[float32]{DY: p.dy, DState: Args{HOut: nan(h), COut: nan(h), StateRow: p.l.Hidden}, DX: make([]float32, len(p.a.X)),
		DW: nan(len(p.plain.W)), DR: nan(len(p.plain.R)), DB: nan(2 * p.l.Cell.Gates() * p.l.Hidden)}
	for i := range g.DX {
		g.DX[i] = float32(i%3) / 4
	}
	if p.l.Masked {
		g.DMask = nan(h)
	}
	return g
}

// args returns arguments whose results are kept.
func (p *backProblem) args(threads int) Args {
	a := p.a
	a.Threads = threads
	a.Keep = make([]float32, p.l.KeptLen(a.Steps, a.Batch))
	a.Scratch = make([]float32, max(p.l.KeepScratchLen(a.Steps, a.Batch), p.l.BackScratchLen(a.Steps, a.Batch, a.XRow != p.l.Inputs), p.l.GradScratch(a.Steps, a.Batch)))
	for _, s := range [][]float32{a.Keep, a.Scratch} {
		for i := range s {
			s[i] = float32(math.NaN())
		}
	}
	return a
}

func (p *backProblem) run(a *Args, g *GradArgs[float32]) {
	p.l.Run(&p.w, a)
	p.l.Backward(&p.back, a, g)
}

type layoutMode struct{ full, batchFirst bool }

// modes lists the layouts of sequences of a size: steps, batch, inputs, units. Where time is short, on an emulated processor, large ones have none and others two.
func modes(size [4]int) []layoutMode {
	all := []layoutMode{{false, false}, {true, true}, {true, false}, {false, true}}
	if !testing.Short() {
		return all
	}
	if size[0]*size[1] > 500 {
		return nil
	}
	return all[:2]
}

// TestBackwardMatchesPlainLoops compares the gradients with those of Grad, and those of two threads with those of one.
func TestBackwardMatchesPlainLoops(t *testing.T) {
	sizes := [][4]int{{1, 1, 3, 5}, {7, 1, 4, 16}, {5, 3, 8, 17}, {3, 70, 6, 33}, {4, 2, 1, 1}, {9, 5, 4, 203}, {5, 110, 5, 19}}
	eachRow(t, func(t *testing.T, _ *row) {
		for name, l := range variants() {
			if !l.Keeps(false) {
				continue
			}
			for _, size := range sizes {
				for _, mode := range modes(size) {
					t.Run(fmt.Sprint(name, size, mode), func(t *testing.T) {
						p := newBackProblem(l, size[0], size[1], size[2], size[3], mode.full, mode.batchFirst)
						want, got, two := p.grads(), p.grads(), p.grads()
						a := p.args(1)
						Grad(&p.l, p.plain, &a, want)
						b, c := p.args(1), p.args(2)
						p.run(&b, got)
						p.run(&c, two)
						compareGrads(t, p, got, want, two)
					})
				}
			}
		}
	})
}

func compareGrads(t *testing.T, p *backProblem, got, want, two *GradArgs[float32]) {
	t.Helper()
	list := func(g *GradArgs[float32]) map[string][]float32 {
		m := map[string][]float32{"X": g.DX, "W": g.DW, "R": g.DR, "B": g.DB, "initial_h": g.DState.HOut, "mask": g.DMask}
		if p.l.Cell == LSTM {
			m["initial_c"] = g.DState.COut
		}
		return m
	}
	ours, other := list(got), list(two)
	for name, plain := range list(want) {
		for i, w := range plain {
			g := ours[name][i]
			if d := math.Abs(float64(g - w)); !(d < 1e-4*max(1, math.Abs(float64(w)))) {
				t.Fatalf("gradient of %s, element %d: %v, want %v", name, i, g, w)
			}
			if g != other[name][i] {
				t.Fatalf("gradient of %s, element %d: %v with two threads, %v with one", name, i, other[name][i], g)
			}
		}
	}
}

// TestKeepingChangesNothing compares the results of a run with Keep with those of one without.
func TestKeepingChangesNothing(t *testing.T) {
	for name, l := range variants() {
		if !l.Keeps(false) {
			continue
		}
		for _, batchFirst := range []bool{false, true} {
			p := newBackProblem(l, 7, 3, 5, 37, true, batchFirst)
			want, got := p.results(1), p.results(1)
			p.l.Run(&p.w, &want)
			got.Keep = p.args(1).Keep
			p.l.Run(&p.w, &got)
			for i, pair := range [][2][]float32{{got.Y, want.Y}, {got.HOut, want.HOut}, {got.COut, want.COut}} {
				for j, w := range pair[1] {
					if pair[0][j] != w && (i < 2 || l.Cell == LSTM) {
						t.Fatalf("%s: result %d, element %d is %v, want %v", name, i, j, pair[0][j], w)
					}
				}
			}
		}
	}
}

func TestBackwardAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("allocations are not counted under the race detector")
	}
	for name, l := range variants() {
		if !l.Keeps(false) {
			continue
		}
		p := newBackProblem(l, 4, 2, 8, 16, true, false)
		a, g := p.args(1), p.grads()
		if n := testing.AllocsPerRun(50, func() { p.run(&a, g) }); n >= 1 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkBackward(b *testing.B) {
	for _, s := range [][4]int{{64, 16, 128, 128}, {64, 16, 256, 256}} {
		for _, name := range []string{"lstm", "gru linear", "gru masked", "plain"} {
			p := newBackProblem(variants()[name], s[0], s[1], s[2], s[3], false, false)
			a, g := p.args(1), p.grads()
			g.DX = nil
			b.Run(fmt.Sprintf("%s/%dx%dx%dx%d/run", name, s[0], s[1], s[2], s[3]), func(b *testing.B) {
				for b.Loop() {
					p.l.Run(&p.w, &a)
				}
			})
			b.Run(fmt.Sprintf("%s/%dx%dx%dx%d/back", name, s[0], s[1], s[2], s[3]), func(b *testing.B) {
				for b.Loop() {
					p.l.Backward(&p.back, &a, g)
				}
			})
		}
	}
}
