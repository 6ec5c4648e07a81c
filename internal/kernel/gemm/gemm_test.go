package gemm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/onnxrun/onnxrun/internal/cpu"
)

// eachRow runs f once for every registered kernel set and names those it skips.
func eachRow(t *testing.T, f func(t *testing.T, r *row)) {
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			undo, ok := Use(r.name)
			if !ok {
				t.Skipf("kernel set %s needs %v: this machine offers %v", r.name, r.needs, cpu.Features())
			}
			defer undo()
			f(t, r)
		})
	}
}

// problem is a product with its expected result in float64.
type problem struct {
	Args
	want []float64
	tol  float64
}

func random(rng *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = rng.Float32()*2 - 1
	}
	return x
}

// newProblem makes row-major operands with the given transpositions in guarded memory.
func newProblem(rng *rand.Rand, g *guards, m, n, k int, transA, transB bool) *problem {
	p := &problem{Args: Args{M: m, N: n, K: k, ARS: k, ACS: 1, BRS: n, BCS: 1, LDC: n + 3}}
	if transA {
		p.ARS, p.ACS = 1, m
	}
	if transB {
		p.BRS, p.BCS = 1, k
	}
	p.A, p.B = g.copy(random(rng, m*k)), g.copy(random(rng, k*n))
	p.C = g.copy(random(rng, (m-1)*p.LDC+n))
	return p
}

// expect computes the result of everything but the activation for item 0.
func (p *problem) expect() {
	p.want = make([]float64, p.M*p.N)
	alpha := float64(p.Alpha)
	if alpha == 0 {
		alpha = 1
	}
	e := &p.Epilogue
	for i := range p.M {
		for j := range p.N {
			var sum float64
			for k := range p.K {
				sum += float64(p.A[p.indexA(i, k)]) * float64(p.B[k*p.BRS+j*p.BCS])
			}
			sum *= alpha
			if p.Accumulate {
				sum += float64(p.C[i*p.LDC+j])
			}
			if e.RowBias != nil {
				sum += float64(e.RowBias[i])
			}
			if e.ColBias != nil {
				sum += float64(e.ColBias[j])
			}
			if e.Residual != nil && !e.AddLast {
				sum += float64(e.Residual[i*e.LDR+j])
			}
			one := []float32{float32(sum)}
			if e.Act.Kind != None {
				e.Act.Apply(one)
				sum = float64(one[0])
			}
			if e.ColScale != nil {
				sum = sum*float64(e.ColScale[j]) + float64(e.ColShift[j])
			}
			if e.Residual != nil && e.AddLast {
				sum += float64(e.Residual[i*e.LDR+j])
			}
			p.want[i*p.N+j] = sum
		}
	}
	p.tol = 1e-6 * (4 + math.Sqrt(float64(p.K))) * (1 + math.Abs(alpha))
}

// indexA returns where element (i, k) of A lies.
func (p *problem) indexA(i, k int) int {
	if n := len(p.Segs); n > 0 {
		l := p.K / n
		return i*p.ARS + p.Segs[k/l] + k%l*p.ACS
	}
	return i*p.ARS + k*p.ACS
}

func (p *problem) compare(t *testing.T, what string) {
	t.Helper()
	for i := range p.M {
		for j := range p.N {
			got, want := float64(p.C[i*p.LDC+j]), p.want[i*p.N+j]
			if d := math.Abs(got - want); !(d <= p.tol) && !(math.IsNaN(got) && math.IsNaN(want)) && got != want {
				t.Fatalf("%s: C(%d, %d) is %v, want %v", what, i, j, got, want)
			}
		}
	}
}

// sizes returns 1 to 3*tile+1, thinned out above one tile when short.
func sizes(tile int) []int {
	var s []int
	for n := 1; n <= 3*tile+1; n++ {
		if n <= tile+1 || n%5 == 0 || n >= 3*tile {
			s = append(s, n)
		}
	}
	return s
}

func TestAllTails(t *testing.T) {
	eachRow(t, func(t *testing.T, r *row) {
		rng := rand.New(rand.NewPCG(1, 2))
		g := newGuards(t)
		for _, m := range sizes(r.mr) {
			for _, n := range sizes(r.nr) {
				k := 1 + rng.IntN(40)
				for form := range 6 {
					p := newProblem(rng, g, m, n, k, form&1 != 0, form%4 >= 2)
					if form >= 4 {
						p.Packed = Pack(k, n, p.B, p.BRS, p.BCS)
					}
					p.expect()
					Run(&p.Args)
					p.compare(t, fmt.Sprintf("%dx%dx%d form %d", m, n, k, form))
					g.check(t)
				}
			}
		}
	})
}

func TestBlocksOfK(t *testing.T) {
	eachRow(t, func(t *testing.T, r *row) {
		rng := rand.New(rand.NewPCG(3, 4))
		g := newGuards(t)
		for _, k := range []int{0, 1, kc - 1, kc, kc + 1, 2*kc + 3} {
			for _, m := range []int{1, 3, 13, 50} {
				for _, packed := range []bool{false, true} {
					p := newProblem(rng, g, m, 70, k, false, false)
					p.Accumulate, p.Alpha = m == 13, 0.5
					if packed {
						p.Packed = Pack(k, 70, p.B, p.BRS, p.BCS)
					}
					p.expect()
					Run(&p.Args)
					p.compare(t, fmt.Sprintf("%dx70x%d packed %v", m, k, packed))
					g.check(t)
				}
			}
		}
	})
}

func TestEpilogues(t *testing.T) {
	eachRow(t, func(t *testing.T, r *row) {
		rng := rand.New(rand.NewPCG(5, 6))
		g := newGuards(t)
		for kind := None; kind <= HardSigmoid; kind++ {
			for bits := range 32 {
				m, n, k := 1+rng.IntN(2*r.mr), 1+rng.IntN(2*r.nr), 1+rng.IntN(2*kc)
				p := newProblem(rng, g, m, n, k, false, false)
				e := &p.Epilogue
				e.Act = Activation{Kind: kind, Alpha: -0.5, Beta: 0.75}
				if kind == LeakyRelu {
					e.Act.Alpha = 0.1
				}
				if bits&1 != 0 {
					e.RowBias = g.copy(random(rng, m))
				}
				if bits&2 != 0 {
					e.ColBias = g.copy(random(rng, n))
				}
				if bits&4 != 0 {
					e.LDR = n + 1
					e.Residual = g.copy(random(rng, (m-1)*e.LDR+n))
					e.AddLast = kind == Silu
				}
				p.Accumulate = bits&8 != 0
				if bits&16 != 0 {
					e.ColScale, e.ColShift = g.copy(random(rng, n)), g.copy(random(rng, n))
				}
				p.expect()
				Run(&p.Args)
				p.compare(t, fmt.Sprintf("%dx%dx%d activation %d flags %05b", m, n, k, kind, bits))
				g.check(t)
			}
		}
	})
}

func TestResidualInPlace(t *testing.T) {
	eachRow(t, func(t *testing.T, r *row) {
		rng := rand.New(rand.NewPCG(17, 18))
		g := newGuards(t)
		for _, m := range []int{1, 7, 40} {
			p := newProblem(rng, g, m, 50, 2*kc+1, false, m == 1)
			p.Epilogue = Epilogue{Residual: p.C, LDR: p.LDC, Act: Activation{Kind: Relu}}
			p.expect()
			Run(&p.Args)
			p.compare(t, fmt.Sprintf("M=%d", m))
			g.check(t)
		}
	})
}

func TestNonFinite(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	eachRow(t, func(t *testing.T, r *row) {
		rng := rand.New(rand.NewPCG(7, 8))
		g := newGuards(t)
		for _, act := range []ActKind{None, Relu, Clip} {
			for _, m := range []int{1, 2, r.mr, r.mr + 1} {
				p := newProblem(rng, g, m, r.nr+3, 33, false, false)
				p.Epilogue.Act = Activation{Kind: act, Alpha: -1, Beta: 1}
				p.A[0] = nan
				p.A[len(p.A)-1] = inf
				p.B[len(p.B)-1] = -inf
				p.B[p.N*32+1] = nan
				p.expect()
				Run(&p.Args)
				p.compare(t, fmt.Sprintf("M=%d activation %d", m, act))
			}
		}
	})
}

// TestThreadsGiveEqualBits also covers batches and sources.
func TestThreadsGiveEqualBits(t *testing.T) {
	shapes := [][3]int{{70, 300, 500}, {101, 49, 330}, {1100, 33, 65}, {1, 700, 600}, {9, 17, 64}, {3, 1000, 257}, {200, 5, 300}}
	eachRow(t, func(t *testing.T, r *row) {
		rng := rand.New(rand.NewPCG(9, 10))
		for _, s := range shapes {
			testEqualBits(t, rng, s[0], s[1], s[2])
		}
	})
}

func testEqualBits(t *testing.T, rng *rand.Rand, m, n, k int) {
	const batch = 3
	a, b := random(rng, batch*m*k), random(rng, 2*k*n)
	var items []Item
	for i := range batch {
		items = append(items, Item{A: i * m * k, B: i % 2 * k * n, C: i * m * n})
	}
	packed := NewPacked(2, k, n)
	packed.Set(0, b, n, 1)
	packed.Set(1, b[k*n:], n, 1)
	for form := range 3 {
		var first []float32
		for _, threads := range []int{1, 2, 5, 64} {
			args := Args{M: m, N: n, K: k, A: a, ARS: k, ACS: 1, B: b, BRS: n, BCS: 1, C: make([]float32, batch*m*n), LDC: n, Batch: items, Threads: threads}
			switch form {
			case 1:
				args.Source = plainSource{b, n, 1, items}
			case 2:
				args.Packed = packed
				args.Batch = []Item{items[0], {A: m * k, B: 1, C: m * n}, items[2]}
				args.Batch[2].B = 0
			}
			if threads > 1 {
				args.Next = b[:len(b)-1]
			}
			Run(&args)
			if first == nil {
				first = args.C
			}
			for i, v := range args.C {
				if v != first[i] {
					t.Fatalf("%dx%dx%d, %d threads, form %d: element %d is %v, want %v", m, n, k, threads, form, i, v, first[i])
				}
			}
		}
	}
}

type plainSource struct {
	b      []float32
	rs, cs int
	items  []Item
}

func (s plainSource) PackTile(dst []float32, t Tile) {
	new(scratch).packMatrix(dst, s.b[s.items[t.Item].B:], s.rs, s.cs, t, genericRow)
}

func TestRunDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("allocation count: the race detector makes pools forget")
	}
	rng := rand.New(rand.NewPCG(11, 12))
	a := &Args{M: 64, N: 96, K: 300, A: random(rng, 64*300), ARS: 300, ACS: 1, B: random(rng, 300*96), BRS: 1, BCS: 300,
		C: make([]float32, 64*96), LDC: 96, Threads: 2, Epilogue: Epilogue{Act: Activation{Kind: Silu}}}
	for _, m := range []int{64, 1} {
		a.M = m
		if n := testing.AllocsPerRun(50, func() { Run(a) }); n > 0 {
			t.Errorf("Run with M=%d allocates %v times", m, n)
		}
	}
}

func TestBadArgumentsPanic(t *testing.T) {
	good := Args{M: 2, N: 3, K: 4, A: make([]float32, 8), ARS: 4, ACS: 1, B: make([]float32, 12), BRS: 3, BCS: 1, C: make([]float32, 6), LDC: 3}
	Run(&good)
	for name, spoil := range map[string]func(a *Args){
		"short A":         func(a *Args) { a.A = a.A[:7] },
		"short B":         func(a *Args) { a.B = a.B[:11] },
		"short C":         func(a *Args) { a.C = a.C[:5] },
		"narrow C":        func(a *Args) { a.LDC = 2 },
		"short bias":      func(a *Args) { a.Epilogue.ColBias = make([]float32, 2) },
		"batch offset":    func(a *Args) { a.Batch = []Item{{}, {B: 1}} },
		"negative":        func(a *Args) { a.ARS = -1 },
		"odd segments":    func(a *Args) { a.Segs = []int{0, 1, 2} },
		"negative offset": func(a *Args) { a.Segs = []int{0, -1} },
		"far segment":     func(a *Args) { a.Segs = []int{0, 3} },
		"other packed":    func(a *Args) { a.Packed = Pack(3, 3, a.B, 3, 1) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			a := good
			spoil(&a)
			Run(&a)
		}()
	}
}

// plainRows is a RowSource of a matrix.
type plainRows struct {
	a        []float32
	ars, acs int
}

func (p plainRows) PackRows(dst []float32, t RowTile) {
	for i := t.M0; i < t.M1; i++ {
		for k := t.K0; k < t.K1; k++ {
			dst[(i-t.M0)*t.LD+k-t.K0] = p.a[i*p.ars+k*p.acs]
		}
	}
}

// TestRowSource has A made block by block.
func TestRowSource(t *testing.T) {
	eachRow(t, func(t *testing.T, r *row) {
		g := newGuards(t)
		rng := rand.New(rand.NewPCG(21, 1))
		for _, s := range [][3]int{{1, 5, 40}, {7, 3, 33}, {13, 33, 300}, {49, 2*r.nr + 1, 600}, {500, 70, 27}, {64, 300, 0}} {
			for _, threads := range []int{1, 3} {
				p := newProblem(rng, g, s[0], s[1], s[2], false, false)
				p.expect()
				p.Rows, p.A, p.Threads = plainRows{p.A, p.ARS, p.ACS}, nil, threads
				Run(&p.Args)
				p.compare(t, fmt.Sprintf("%v, B as it lies, %d threads", s, threads))
				p.Packed = Pack(p.K, p.N, p.B, p.BRS, p.BCS)
				Run(&p.Args)
				p.compare(t, fmt.Sprintf("%v, packed B, %d threads", s, threads))
			}
		}
	})
}
