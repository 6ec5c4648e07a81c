package gemm

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// image is a convolution of a picture with its channels last as products whose items are
// the rows of the output: the windows' lines are the segments of K.
type image struct {
	h, w, c, out         int // output size, channels
	kernel, step, spread int
	taps                 bool // a segment for each tap, not for each line of the window
}

// product returns the arguments over a picture in guarded memory.
func (im image) product(rng *rand.Rand, g *guards) *problem {
	reach := (im.kernel - 1) * im.spread
	inH, inW := (im.h-1)*im.step+reach+1, (im.w-1)*im.step+reach+1
	p := &problem{Args: Args{M: im.w, N: im.out, K: im.kernel * im.kernel * im.c, ARS: im.step * im.c, ACS: 1, BRS: im.out, BCS: 1, LDC: im.out}}
	for y := range im.kernel {
		if !im.taps {
			p.Segs = append(p.Segs, y*im.spread*inW*im.c)
			continue
		}
		for x := range im.kernel {
			p.Segs = append(p.Segs, (y*inW+x)*im.spread*im.c)
		}
	}
	for y := range im.h {
		at := y * im.w * im.out
		p.Batch = append(p.Batch, Item{A: y * im.step * inW * im.c, C: at, Residual: at})
	}
	p.A, p.B = g.copy(random(rng, inH*inW*im.c)), g.copy(random(rng, p.K*p.N))
	p.C = g.copy(random(rng, im.h*im.w*im.out))
	return p
}

// items calls f with each product of a batch alone, and its index.
func (p *problem) items(f func(i int, one *problem)) {
	for i, it := range p.Batch {
		one := &problem{Args: p.Args}
		one.Batch = nil
		one.A, one.B, one.C = p.A[it.A:], p.B[it.B:], p.C[it.C:]
		if one.Epilogue.Residual != nil {
			one.Epilogue.Residual = one.Epilogue.Residual[it.Residual:]
		}
		f(i, one)
	}
}

func TestSegments(t *testing.T) {
	images := []image{
		{h: 5, w: 7, c: 3, out: 20, kernel: 7, step: 2, spread: 1},
		{h: 9, w: 14, c: 16, out: 33, kernel: 3, step: 1, spread: 1},
		{h: 9, w: 14, c: 16, out: 33, kernel: 3, step: 1, spread: 1, taps: true},
		{h: 3, w: 28, c: 5, out: 70, kernel: 3, step: 1, spread: 2, taps: true},
		{h: 4, w: 56, c: 1, out: 16, kernel: 5, step: 1, spread: 1, taps: true},
		{h: 2, w: 2, c: kc + 3, out: 130, kernel: 2, step: 1, spread: 1, taps: true},
		{h: 40, w: 1, c: 70, out: 3, kernel: 2, step: 1, spread: 1},
		{h: 250, w: 3, c: 2, out: 1, kernel: 2, step: 2, spread: 1, taps: true},
	}
	eachRow(t, func(t *testing.T, r *row) {
		rng := rand.New(rand.NewPCG(21, 22))
		g := newGuards(t)
		for _, im := range images {
			for form := range 4 {
				testSegments(t, rng, g, im, form)
			}
		}
	})
}

// testSegments computes one convolution, with B packed ahead, packed on the way, and as it
// lies; the last form is a sum onto C with a late residual.
func testSegments(t *testing.T, rng *rand.Rand, g *guards, im image, form int) {
	p := im.product(rng, g)
	e := &p.Epilogue
	e.ColBias = g.copy(random(rng, p.N))
	e.LDR, e.Residual = p.LDC, g.copy(random(rng, len(p.C)))
	e.Act = Activation{Kind: Relu}
	switch form {
	case 0:
		p.Packed = Pack(p.K, p.N, p.B, p.BRS, p.BCS)
	case 1:
		p.BRS, p.BCS = 1, p.K
	case 3:
		p.Packed = Pack(p.K, p.N, p.B, p.BRS, p.BCS)
		p.Accumulate, e.AddLast, e.Act.Kind = true, true, Silu
	}
	wants := make([]*problem, len(p.Batch))
	p.items(func(i int, one *problem) {
		one.expect()
		wants[i] = one
	})
	before := append([]float32(nil), p.C...)
	var first []float32
	for _, threads := range []int{1, 2, 5, 64} {
		copy(p.C, before)
		p.Threads = threads
		Run(&p.Args)
		if first == nil {
			first = append(first, p.C...)
		}
		for i, v := range p.C {
			if v != first[i] {
				t.Fatalf("%+v form %d, %d threads: element %d is %v, want %v", im, form, threads, i, v, first[i])
			}
		}
	}
	for i, one := range wants {
		one.compare(t, fmt.Sprintf("%+v form %d row %d", im, form, i))
	}
	g.check(t)
}

// TestSharedB cuts batches with one B into chunks of several products.
func TestSharedB(t *testing.T) {
	eachRow(t, func(t *testing.T, r *row) {
		rng := rand.New(rand.NewPCG(23, 24))
		for _, s := range [][4]int{{300, 1, 40, 33}, {37, 14, 130, 300}, {5, 50, 9, 20}, {3, 119, 700, 40}, {200, 2, 200, 64}} {
			items, m, n, k := s[0], s[1], s[2], s[3]
			p := &problem{Args: Args{M: m, N: n, K: k, A: random(rng, items*m*k), ARS: k, ACS: 1, B: random(rng, k*n), BRS: n, BCS: 1, C: make([]float32, items*m*n), LDC: n}}
			for i := range items {
				p.Batch = append(p.Batch, Item{A: i * m * k, C: i * m * n})
			}
			for form := range 3 {
				p.Threads = 1 + form
				switch form {
				case 1:
					p.BRS, p.BCS = 1, k
				case 2:
					p.Packed = Pack(k, n, p.B, p.BRS, p.BCS)
				}
				Run(&p.Args)
				p.items(func(i int, one *problem) {
					one.expect()
					one.compare(t, fmt.Sprintf("%v form %d item %d", s, form, i))
				})
			}
		}
	})
}
