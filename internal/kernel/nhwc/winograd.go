package nhwc

import (
	"sync"
	"unsafe"

	"github.com/onnxrun/onnxrun/internal/kernel/conv"
	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
	"github.com/onnxrun/onnxrun/internal/kernel/window"
	"github.com/onnxrun/onnxrun/internal/kernel/winograd"
	"github.com/onnxrun/onnxrun/internal/par"
)

// tiled is Winograd's convolution of 3×3 windows at stride 1. Blocks of tiles are transformed, multiplied with the
// filter's matrices, one for each element of the transform, and transformed back, while they are in the cache. With
// dilation d, the pixels whose coordinates are equal modulo d form images of their own, d along each axis.
type tiled struct {
	g        conv.Geom
	m, n     int // a tile has m×m outputs and n×n elements
	h, w     []strip
	tiles    int
	kernel   *winograd.Transforms
	kernels  *winograd.Kernels
	zeroBias []float32
}

// strip is the tile's part of an axis.
type strip struct {
	in, out int    // the first pixel of the input, which may lie outside, and of the output
	inside  uint64 // bit i is set if pixel in+i*dilation exists
	count   int    // outputs that exist
	run     int    // strips from here on that follow each other and are alike
}

// newTiled lays out the convolution with tiles of m×m outputs.
func newTiled(g conv.Geom, m int) *tiled {
	k := winograd.Best()
	t := &tiled{g: g, m: m, n: m + 2, kernels: k, kernel: k.Tile(m), zeroBias: make([]float32, g.OutC)}
	t.h, t.w = t.strips(0), t.strips(1)
	t.tiles = g.Batch * len(t.h) * len(t.w)
	return t
}

// stripCount is how many tiles of m outputs an axis has.
func stripCount(a window.Axis, m int) int {
	n := 0
	for phase := range min(a.Dilation, a.Out) {
		n += (a.Out - phase + a.Dilation*m - 1) / (a.Dilation * m)
	}
	return n
}

// strips cuts an axis into tiles, phase by phase.
func (t *tiled) strips(axis int) []strip {
	a := t.g.Axes[axis]
	d := a.Dilation
	var list []strip
	for phase := range min(d, a.Out) {
		for out := phase; out < a.Out; out += d * t.m {
			s := strip{in: out - a.Lo, out: out, count: min(t.m, (a.Out-out+d-1)/d), run: 1}
			for i := range t.n {
				if p := s.in + i*d; p >= 0 && p < a.In {
					s.inside |= 1 << i
				}
			}
			list = append(list, s)
		}
	}
	for i := len(list) - 2; i >= 0; i-- {
		s, next := &list[i], &list[i+1]
		if s.count == t.m && next.count == t.m && s.inside == next.inside && next.in == s.in+d*t.m {
			s.run = next.run + 1
		}
	}
	return list
}

func (t *tiled) format() string { return string(rune('0'+t.m)) + "x" + string(rune('0'+t.m)) }

func (t *tiled) scratch() int { return 0 }

// pack transforms the windows, row by row of elements to keep the intermediate memory small.
func (t *tiled) pack(w []float32) (any, int) {
	g := &t.g
	plane := g.InC * g.OutC
	p := gemm.NewPacked(t.n*t.n, g.InC, g.OutC)
	u := make([]float32, t.n*plane)
	for row := range t.n {
		t.kernels.Filter(t.m, &winograd.FilterArgs{W: w, N: plane, U: u, Plane: plane, Row: row})
		for j := range t.n {
			p.Set(row*t.n+j, u[j*plane:][:plane], 1, g.InC)
		}
	}
	return p, p.Bytes()
}

// tiledRun is one run: chunks are blocks of tiles, or parts of a phase of a single block.
type tiledRun struct {
	*tiled
	a     *Args
	phase phase
	block int // tiles in a chunk
	whole *tileBlock
}

type phase uint8

const (
	allPhases phase = iota
	inputPhase
	outputPhase
)

var tiledRuns = sync.Pool{New: func() any { return new(tiledRun) }}

func (t *tiled) run(a *Args) {
	r := tiledRuns.Get().(*tiledRun)
	r.tiled, r.a = t, a
	if a.Threads > 1 && t.tiles <= 4*leastBlock {
		r.phased()
	} else {
		r.phase, r.block = allPhases, t.blockTiles(a.Threads)
		par.Run(a.Threads, (t.tiles+r.block-1)/r.block, r)
	}
	*r = tiledRun{}
	tiledRuns.Put(r)
}

// phased runs a single block with all threads in each phase.
func (r *tiledRun) phased() {
	b := getBlock(r, 0, r.tiles)
	r.whole, r.block = b, max(1, r.tiles/(2*r.a.Threads))
	chunks := (r.tiles + r.block - 1) / r.block
	r.phase = inputPhase
	par.Run(r.a.Threads, chunks, r)
	b.product(r.a.Threads)
	r.phase = outputPhase
	par.Run(r.a.Threads, chunks, r)
	b.release()
}

// Chunk computes a block of tiles, or a phase of some tiles.
func (r *tiledRun) Chunk(i int) {
	lo := i * r.block
	hi := min(lo+r.block, r.tiles)
	if r.phase == allPhases {
		b := getBlock(r, lo, hi)
		b.input(&b.tiles, lo, hi)
		b.product(1)
		b.output(&b.tiles, lo, hi)
		b.release()
		return
	}
	k := tileKernelArgs.Get().(*tileArgs)
	if r.phase == inputPhase {
		r.whole.input(k, lo, hi)
	} else {
		r.whole.output(k, lo, hi)
	}
	k.in.X, k.in.V, k.out.M, k.out.Y, k.out.Bias, k.out.Residual = nil, nil, nil, nil, nil, nil
	tileKernelArgs.Put(k)
}

// alignedFloats returns n elements that start on a cache line.
func alignedFloats(n int) []float32 {
	const line = 64
	x := make([]float32, n+line/4)
	off := int(-uintptr(unsafe.Pointer(&x[0])) % line / 4)
	return x[off : off+n : off+n]
}
