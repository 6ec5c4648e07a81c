package rnn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// layers are the variants that the tests go through.
func variants() map[string]Layer {
	s, t := Activation{Kind: Sigmoid}, Activation{Kind: Tanh}
	usual := [3]Activation{s, t, t}
	return map[string]Layer{
		"lstm":         {Cell: LSTM, Acts: usual},
		"lstm reverse": {Cell: LSTM, Acts: usual, Reverse: true, Clip: 0.3},
		"lstm coupled": {Cell: LSTM, Acts: [3]Activation{{Kind: HardSigmoid, Alpha: 0.2, Beta: 0.5}, {Kind: Softsign}, {Kind: Affine, Alpha: 0.5, Beta: 0.1}}, InputForget: true},
		"gru":          {Cell: GRU, Acts: usual, Clip: 0.5},
		"gru usual":    {Cell: GRU, Acts: usual, Reverse: true},
		"gru linear":   {Cell: GRU, Acts: usual, LinearFirst: true, Reverse: true},
		"gru other":    {Cell: GRU, Acts: [3]Activation{{Kind: ScaledTanh, Alpha: 0.7, Beta: 1.2}, {Kind: LeakyRelu, Alpha: 0.1}}},
		"plain":        {Cell: Plain, Acts: [3]Activation{t}},
		"plain relu":   {Cell: Plain, Acts: [3]Activation{{Kind: Relu}}, Reverse: true},
		"plain elu":    {Cell: Plain, Acts: [3]Activation{{Kind: Elu, Alpha: 0.5}}},
		"plain step":   {Cell: Plain, Acts: [3]Activation{{Kind: ThresholdedRelu, Alpha: 0.1}}},
		"plain log":    {Cell: Plain, Acts: [3]Activation{{Kind: Softplus}}},
		"plain masked": {Cell: Plain, Acts: [3]Activation{t}, Masked: true},
		"lstm masked":  {Cell: LSTM, Acts: usual, Masked: true, Reverse: true},
		"gru masked":   {Cell: GRU, Acts: usual, Masked: true},
		"gru dropped":  {Cell: GRU, Acts: usual, LinearFirst: true, Masked: true},
	}
}

func random(r *rand.Rand, n int) []float32 {
	s := make([]float32, n)
	for i := range s {
		s[i] = float32(r.NormFloat64()) * 0.4
	}
	return s
}

// problem is a layer with random weights and sequences.
type problem struct {
	l     Layer
	plain PlainWeights[float32]
	w     Weights
	a     Args
}

func newProblem(l Layer, steps, batch, inputs, hidden int, full, batchFirst bool) *problem {
	r := rand.New(rand.NewPCG(uint64(steps), uint64(hidden)))
	l.Inputs, l.Hidden = inputs, hidden
	n := l.Cell.Gates() * hidden
	p := &problem{l: l, plain: PlainWeights[float32]{W: random(r, n*inputs), R: random(r, n*hidden)}}
	if hidden > 100 { // large sums would make rounding errors grow from step to step
		for i := range p.plain.R {
			p.plain.R[i] *= 0.1
		}
	}
	p.w.W = l.PackW(nil, spoiled(l.WLen()), p.plain.W)
	p.w.R, p.w.RH = l.PackR(nil, nil, spoiled(l.RLen()), p.plain.R)
	p.a = Args{Steps: steps, Batch: batch, X: random(r, steps*batch*inputs), XStep: batch * inputs, XRow: inputs,
		YStep: batch * hidden, YRow: hidden, StateRow: hidden}
	if batchFirst {
		p.a.XStep, p.a.XRow, p.a.YStep, p.a.YRow = inputs, steps*inputs, hidden, steps*hidden
	}
	if l.Masked {
		p.a.Mask = random(r, batch*hidden)
	}
	if full {
		p.plain.B = random(r, 2*n)
		p.w.Bias, p.w.RBias = l.FoldBias(nil, nil, p.plain.B)
		p.a.H0, p.a.C0 = random(r, batch*hidden), random(r, batch*hidden)
		for range batch {
			p.a.Lens = append(p.a.Lens, int32(r.IntN(steps+1)))
		}
		if l.Cell == LSTM {
			p.plain.P = random(r, 3*hidden)
			p.w.Peep = p.plain.P
		}
	}
	return p
}

// results gives a its own outputs and scratch memory.
func (p *problem) results(threads int) Args {
	a := p.a
	n := a.Batch * p.l.Hidden
	a.Y, a.HOut, a.COut, a.Threads = make([]float32, a.Steps*n), make([]float32, n), make([]float32, n), threads
	a.Scratch = make([]float32, max(p.l.ScratchLen(a.Steps, a.Batch), p.l.PlainScratch()))
	for i := range a.Scratch {
		a.Scratch[i] = float32(math.NaN())
	}
	return a
}

func TestRunMatchesPlainLoops(t *testing.T) {
	eachRow(t, func(t *testing.T, _ *row) {
		for name, l := range variants() {
			for _, size := range [][4]int{{1, 1, 3, 5}, {7, 1, 4, 16}, {5, 3, 8, 17}, {3, 70, 6, 33}, {4, 2, 1, 1}, {9, 5, 4, 203}} {
				for _, mode := range []struct{ full, batchFirst bool }{{false, false}, {true, false}, {true, true}, {false, true}} {
					t.Run(fmt.Sprint(name, size, mode), func(t *testing.T) {
						p := newProblem(l, size[0], size[1], size[2], size[3], mode.full, mode.batchFirst)
						want, got, two := p.results(1), p.results(1), p.results(2)
						RunPlain(&p.l, p.plain, &want)
						p.l.Run(&p.w, &got)
						p.l.Run(&p.w, &two)
						for i, pair := range [][3][]float32{{got.Y, want.Y, two.Y}, {got.HOut, want.HOut, two.HOut}, {got.COut, want.COut, two.COut}} {
							for j := range pair[1] {
								if d := math.Abs(float64(pair[0][j] - pair[1][j])); !(d < 2e-5*max(1, math.Abs(float64(pair[1][j])))) && (i < 2 || l.Cell == LSTM) {
									t.Fatalf("result %d, element %d: %v, want %v", i, j, pair[0][j], pair[1][j])
								}
								if pair[0][j] != pair[2][j] && (i < 2 || l.Cell == LSTM) {
									t.Fatalf("result %d, element %d: %v with two threads, %v with one", i, j, pair[2][j], pair[0][j])
								}
							}
						}
					})
				}
			}
		}
	})
}

// TestBlocks runs sequences that are longer than one block of input products.
func TestBlocks(t *testing.T) {
	for name, batchFirst := range map[string]bool{"steps first": false, "batch first": true} {
		for _, reverse := range []bool{false, true} {
			l := variants()["lstm"]
			l.Reverse = reverse
			p := newProblem(l, 1100, 9, 3, 40, false, batchFirst)
			if p.l.block(1100, 9) >= 1100 {
				t.Fatal("one block is enough: the test tests nothing")
			}
			want, got := p.results(1), p.results(1)
			RunPlain(&p.l, p.plain, &want)
			p.l.Run(&p.w, &got)
			for j := range want.Y {
				if d := math.Abs(float64(got.Y[j] - want.Y[j])); !(d < 1e-4) {
					t.Fatalf("%s: element %d: %v, want %v", name, j, got.Y[j], want.Y[j])
				}
			}
		}
	}
}

func TestRunAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("allocations are not counted under the race detector")
	}
	for name, l := range variants() {
		p := newProblem(l, 4, 2, 8, 16, true, false)
		a := p.results(1)
		if n := testing.AllocsPerRun(50, func() { p.l.Run(&p.w, &a) }); n >= 1 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkRun(b *testing.B) {
	for _, s := range [][4]int{{1, 1, 128, 128}, {16, 1, 2, 16}, {1, 1, 650, 650}, {20, 8, 64, 128}} {
		for _, name := range []string{"lstm", "gru linear"} {
			b.Run(fmt.Sprintf("%s/%dx%dx%dx%d", name, s[0], s[1], s[2], s[3]), func(b *testing.B) {
				p := newProblem(variants()[name], s[0], s[1], s[2], s[3], false, false)
				a := p.results(1)
				b.ReportAllocs()
				for b.Loop() {
					p.l.Run(&p.w, &a)
				}
			})
		}
	}
}
