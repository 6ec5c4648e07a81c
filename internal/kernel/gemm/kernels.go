package gemm

import (
	"sync/atomic"
	"unsafe"

	"github.com/onnxrun/onnxrun/internal/cpu"
)

// row is one set of micro-kernels for one element type and instruction set.
type row struct {
	name   string
	mr, nr int // tile[r-1] computes r rows, r <= mr, and nr columns
	needs  cpu.Feature
	tile   []func(*tileArgs)

	// wide[r-1] computes r rows of widePanels[r-1] whole panels, for few rows.
	wide       []func(*tileArgs)
	widePanels []int

	// dot computes products of up to 4 rows and up to 4 vectors; nil: Go.
	dot func(*dotArgs)
	// axpy adds up to 8 scaled rows to a vector; nil: Go.
	axpy func(*axpyArgs)
	// transpose packs columns of contiguous K elements; nil: Go.
	transpose func(*packArgs)
}

// rows lists every kernel set, best first. The last needs nothing.
var rows = append(archRows(), genericRow)

// Kernels returns the names of the kernel sets that this machine can run, best first:
// the first is the one in use.
func Kernels() []string {
	var names []string
	for _, r := range rows {
		if cpu.Has(r.needs) {
			names = append(names, r.name)
		}
	}
	return names
}

// forced overrides the choice; see Use.
var forced atomic.Pointer[row]

// Use selects a kernel set by name until undo is called, for tests and measurements.
// It reports false, and changes nothing, when the machine cannot run that set.
func Use(name string) (undo func(), ok bool) {
	for _, r := range rows {
		if r.name == name && cpu.Has(r.needs) {
			old := forced.Swap(r)
			return func() { forced.Store(old) }, true
		}
	}
	return func() {}, false
}

// selected returns the kernel set in use.
func selected() *row {
	if r := forced.Load(); r != nil {
		return r
	}
	for _, r := range rows {
		if cpu.Has(r.needs) {
			return r
		}
	}
	return genericRow
}

// Bits of tileArgs.flags.
const (
	flagLoad     = 1 << iota // start from C
	flagColBias              // add colBias[j]
	flagRowBias              // add rowBias[i]
	flagResidual             // add res(i, j)
	flagClip                 // min(max(x, lo), hi)
)

// tileArgs is the argument of a micro-kernel, which computes a tile of C of r rows
// and n columns: for i in [0, r), j in [0, n)
//
//	c(i, j) = alpha * sum over p in [0, k) of a(i, p) * b(p, j), then the flags in order.
//
// It reads nr columns of B and n columns of everything else. Strides count bytes. The
// layout is known to the generator in _asm.
type tileArgs struct {
	a, b, c               unsafe.Pointer // 0 8 16
	k                     int            // 24
	ars, acs              int            // 32 40
	bstep                 int            // 48: from one row of a panel to the next
	ldc                   int            // 56
	flags                 uint64         // 64
	alpha, lo, hi, _      float32        // 72 76 80 84
	colBias, rowBias, res unsafe.Pointer // 88 96 104
	ldr                   int            // 112
	n                     int            // 120
	panel                 int            // 128: from one panel to the next, for wide kernels
}

// dotArgs is the argument of dot: out[i*4+v] = sum over p of rows(i, p) * vecs(v, p)
// for nr rows and nv vectors of k contiguous elements.
type dotArgs struct {
	rows, vecs unsafe.Pointer // 0 8
	rs, vs     int            // 16 24: bytes from one to the next
	k          int            // 32
	nr, nv     int            // 40 48
	out        [16]float32    // 56
}

// axpyArgs is the argument of axpy: y[j] += sum over p of x[p] * rows(p, j), p in
// [0, np) ascending, j in [0, n).
type axpyArgs struct {
	y, rows unsafe.Pointer // 0 8
	rs      int            // 16: bytes
	n       int            // 24
	np      int            // 32
	x       [8]float32     // 40
}

// packArgs is the argument of transpose: dst[k*nr+j] = src[j*cs+k] for j in [0, nr)
// and k in [0, kb), kb a multiple of 8.
type packArgs struct {
	dst, src unsafe.Pointer // 0 8
	cs       int            // 16: bytes
	kb       int            // 24
}
