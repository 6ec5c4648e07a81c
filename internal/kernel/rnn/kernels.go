package rnn

import (
	"sync/atomic"
	"unsafe"

	"github.com/onnxrun/onnxrun/internal/cpu"
)

// row is the set of kernels of one instruction set. A block of packed weights holds, for each row of the matrix, vectors
// of every gate; a kernel takes blocks of one width.
type row struct {
	name  string
	needs cpu.Feature
	lanes int
	// widths lists, for 1 to 4 gates, the vectors of each gate that a block may have, widest first.
	widths [5][]int
	// blocks[gates][i][r-1] multiplies r rows with a block of widths[gates][i] vectors.
	blocks [5][][maxRows]func(*blockArgs)
}

const (
	// maxRows is the largest number of rows that a kernel takes.
	maxRows = 3
	// maxLanes is the widest vector of any row.
	maxLanes = 16
)

// blockArgs is the argument of a block kernel of r rows, g gates and n columns of each: for i in [0, r), j in [0, g) and
// u in [0, n)
//
//	c(i, j, u) = sum over p in [0, k) of a(i, p) * b[(p*g+j)*n+u], added to what c holds if load is not zero.
//
// a(i, p) is element p behind a+i*ars, c(i, j, u) element u behind c+i*ldc+j*gs. Strides count bytes. The layout is known
// to the generator in _asm.
type blockArgs struct {
	a       unsafe.Pointer // 0
	ars     int            // 8
	b       unsafe.Pointer // 16
	k       int            // 24
	c       unsafe.Pointer // 32
	ldc, gs int            // 40 48
	load    uint64         // 56
}

// rows lists every set of kernels, best first. The last needs nothing.
var rows = append(archRows(), &row{
	name: "generic", lanes: 4, widths: [5][]int{{}, {1}, {1}, {1}, {1}},
	blocks: [5][][maxRows]func(*blockArgs){1: {genericBlock(1)}, 2: {genericBlock(2)}, 3: {genericBlock(3)}, 4: {genericBlock(4)}},
})

// forced overrides the choice, in tests.
var forced atomic.Pointer[row]

// selected returns the kernels in use.
func selected() *row {
	if r := forced.Load(); r != nil {
		return r
	}
	for _, r := range rows {
		if cpu.Has(r.needs) {
			return r
		}
	}
	return rows[len(rows)-1]
}

// genericBlock returns the plain loops for blocks of 4 columns of each gate.
func genericBlock(gates int) (f [maxRows]func(*blockArgs)) {
	for r := range f {
		f[r] = func(t *blockArgs) {
			for i := range r + 1 {
				blockGo(t, i, gates)
			}
		}
	}
	return f
}

// blockGo computes row i.
func blockGo(t *blockArgs, i, gates int) {
	var sums [4][4]float32
	a := unsafe.Slice((*float32)(unsafe.Add(t.a, i*t.ars)), t.k)
	b := unsafe.Slice((*float32)(t.b), t.k*gates*4)
	for p, x := range a {
		for j := range gates {
			w, s := (*[4]float32)(b[(p*gates+j)*4:]), &sums[j]
			s[0] += x * w[0]
			s[1] += x * w[1]
			s[2] += x * w[2]
			s[3] += x * w[3]
		}
	}
	for j := range gates {
		c := (*[4]float32)(unsafe.Add(t.c, i*t.ldc+j*t.gs))
		for u, s := range sums[j] {
			if t.load != 0 {
				s += c[u]
			}
			c[u] = s
		}
	}
}
