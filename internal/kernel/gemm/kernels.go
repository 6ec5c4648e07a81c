package gemm

import (
	"sync/atomic"
	"unsafe"

	"github.com/onnxrun/onnxrun/internal/cpu"
)

// row is one set of micro-kernels for one element type and instruction set.
type row struct {
	name   string
	mr, nr int // tile[r-1] computes r rows, r <= mr, and nr columns of a panel
	needs  cpu.Feature
	tile   []func(*tileArgs)

	// half[r-1] computes r rows and nr/2 columns of a panel, quarter nr/4; nil: tile does.
	half, quarter []func(*tileArgs)
	// apart is set where a half and a quarter one after the other are faster than a whole panel.
	apart bool

	// pair[r-1] computes r rows and two panels: more multiply-adds for each load.
	pair []func(*tileArgs)

	// three[r-1] computes r rows and a panel and a half, five two and a half, where pair is not nil.
	three, five []func(*tileArgs)

	// ahead is set where a tile goes through a panel faster than memory delivers it; see block.lookAhead.
	ahead bool

	// long is how many steps of K share what moves the registers where one panel of packed B meets contiguous rows of A, in
	// segments of longFrom or more; 0: four.
	long int

	// farRows is how many rows go through the panels together where A or C comes from beyond the second-level cache and B stays: rows
	// of C are then soon complete. They are more if that makes less than farMACs.
	farRows, farMACs int
	// evenRows is set where blocks are cut so that as many rows go through the panels each time, without a few that are left.
	evenRows bool

	// wide[r-1] computes r rows of widePanels[r-1] whole panels, for few rows.
	wide       []func(*tileArgs)
	widePanels []int
	// far is wide for B that comes from beyond the second-level cache; nil: wide does.
	far []func(*tileArgs)

	// dot[v-1] computes products of up to 4 rows with v vectors.
	dot []func(*dotArgs)
	// axpy1 and axpy8 add 1 and 8 scaled rows to a vector.
	axpy1, axpy8 func(*axpyArgs)
	// double is for float64; nil: Go.
	double *doubleKernels
	// copyRows packs a whole panel from rows of contiguous elements; nil: Go.
	copyRows func(*packArgs)

	// peak runs rounds of 12 independent multiply-adds of lanes elements; nil: unknown.
	peak  func(*int)
	lanes int
}

// rows lists every kernel set, best first. The last needs nothing.
var rows = append(archRows(), genericRow)

// longFrom is known to the generator in _asm.
const longFrom = 128

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

// Width returns the number of columns of the tiles in use: a plain right-hand side whose rows have so many elements is
// read where it lies.
func Width() int { return selected().nr }

// Bits of tileArgs.flags.
const (
	flagLoad     = 1 << iota // start from C
	flagColBias              // add colBias[j]
	flagRowBias              // add rowBias[i]
	flagResidual             // add res(i, j)
	flagClip                 // max(x, lo)
	flagPrefetch             // C is far away: ask for it first
	flagScale                // alpha is not 1
	flagHigh                 // with flagClip: then min(x, hi)
)

// tileArgs is the argument of a micro-kernel, which computes tiles of C of r rows and n
// columns, one below the other: for i in [0, r*tiles), j in [0, n)
//
//	c(i, j) = alpha * sum over p of a(i, p) * b(p, j), then the flags in order.
//
// The columns of a lie in segments: those of a segment are acs bytes apart, the first
// of them off bytes behind a. The rows of b follow one another. A kernel reads nr columns
// of B and n columns of everything else. Strides count bytes. The layout is known to the
// generator in _asm.
type tileArgs struct {
	a, b, c               unsafe.Pointer // 0 8 16
	k                     int            // 24: of all segments
	ars, acs              int            // 32 40
	bstep                 int            // 48: from one row of a panel to the next
	ldc                   int            // 56
	flags                 uint64         // 64
	alpha, lo, hi, _      float32        // 72 76 80 84
	colBias, rowBias, res unsafe.Pointer // 88 96 104
	ldr                   int            // 112
	n                     int            // 120
	panel                 int            // 128: from one panel to the next, for wide kernels
	segs                  unsafe.Pointer // 136: to nSegs segments
	nSegs                 int            // 144: at least 1
	tiles                 int            // 152: at least 1; kernels count down
	_                     [4]int         // 160: what kernels use
	ahead, aheadEnd       uintptr        // 192 200: what tiles ask for meanwhile, a little each
	other                 int            // 208: pairs ask for as much that lies so far behind it
	_                     [2]int         // 216: what kernels use
	aheadStep, aheadFast  int            // 232 240: bytes of a panel that a round asks for; 1 if that is more than a line, 2 if more than two, 3 if more than four
}

// segment is a run of columns of A in tileArgs.
type segment struct {
	off int // 0: bytes
	k   int // 8: columns
}

// segments returns the segments of the tile.
func (t *tileArgs) segments() []segment { return unsafe.Slice((*segment)(t.segs), t.nSegs) }

// dotArgs is the argument of dot: out[i*4+v] = sum over p in [0, k) of
// rows(i, p) * vecs(v, p), for i in [0, nr), nr <= 4, elements contiguous along p.
type dotArgs struct {
	rows, vecs unsafe.Pointer // 0 8
	rs, vs     int            // 16 24: bytes from one to the next
	k          int            // 32
	nr, _      int            // 40
	out        [16]float32    // 56
}

// axpyArgs is the argument of axpy: y[j] += x[0]*rows(0, j), then x[1]*rows(1, j) and
// so on, for j in [0, n).
type axpyArgs struct {
	y, rows unsafe.Pointer // 0 8
	rs      int            // 16: bytes
	n, _    int            // 24
	x       [8]float32     // 40
}

// packArgs is the argument of copyRows: dst(k, j) = src(k, j) for k in [0, kb). Rows of dst lie drs bytes apart,
// rows of src srs.
type packArgs struct {
	dst, src unsafe.Pointer // 0 8
	drs, srs int            // 16 24
	kb       int            // 32
}
