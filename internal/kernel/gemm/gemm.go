// Package gemm multiplies matrices: C = epilogue(alpha*A*B [+ C]) for float32, with
// prepacked, packed-on-the-fly and in-place right-hand sides, batches, and an
// epilogue of biases, residual and activation on the hot tile. Number covers the
// other element types.
//
// Every element of C is the sum over k in ascending order, cut into fixed blocks of
// K, in one accumulator: the result does not depend on the number of threads, on
// the batch or on how C is cut into tiles.
//
// It may import internal/cpu, internal/par, internal/mem, internal/kernel/vec and internal/kernel/panel.
package gemm

import (
	"fmt"
	"slices"
	"sync"

	"github.com/onnxrun/onnxrun/internal/par"
)

// Args describes a product of an M×K matrix A and a K×N matrix B, or a batch of
// such products. All strides and offsets count elements.
type Args struct {
	M, N, K int

	// A(i, k) is A[i*ARS+k*ACS]. It is read in place, whatever the strides. With Rows,
	// A is not there: its parts are made when they are needed.
	A        []float32
	ARS, ACS int
	Rows     RowSource

	// Segs, if set, cuts K into len(Segs) equal segments of L elements: A(i, s*L+k)
	// is A[i*ARS+Segs[s]+k*ACS]. So rows of A can be gathered from windows of an
	// image, whose lines lie apart. Offsets are at least 0.
	Segs []int

	// The right-hand side is the first of these three that is set. B(k, j) of a
	// plain matrix is B[k*BRS+j*BCS]; it is packed tile by tile where that pays.
	Packed   *Packed
	Source   Source
	B        []float32
	BRS, BCS int

	// AsPacked asks of a plain matrix for the bits that a product with its packed form has.
	AsPacked bool

	// C(i, j) is C[i*LDC+j]. Accumulate adds to what C holds.
	C          []float32
	LDC        int
	Accumulate bool

	// Alpha scales the product; the zero value means 1. (For a factor of zero
	// set K to 0.)
	Alpha float32

	Epilogue Epilogue

	// Batch holds one Item for each product; nil means a single product at offset 0.
	Batch []Item

	// Next is what will be read after the products: kernels ask the memory for it, a part with each product, as far as
	// they have time. It changes no result.
	Next []float32

	// Threads bounds the goroutines used; below 2 everything runs in the caller.
	Threads int

	// Sparing asks for less working memory in each goroutine, which costs some products a few percent of their time. It changes
	// no result.
	Sparing bool
}

// Item says where one product of a batch lies: offsets into the slices of Args.
// B is an offset into Args.B, or the index of a matrix of Args.Packed; a Source sees
// the item's index.
type Item struct {
	A, B, C                    int
	Residual, RowBias, ColBias int
}

// Source produces parts of B in packed form, for instance the im2col matrix of an
// image. Implementations must be safe for concurrent use and must not depend on how
// B is cut.
type Source interface {
	// PackTile writes the part of B that t names to dst: panels of t.NR columns,
	// one after the other, each holding t.K1-t.K0 rows of t.NR elements. The last
	// panel is padded with zeros. len(dst) is t.Len().
	PackTile(dst []float32, t Tile)
}

// RowSource produces parts of A, for instance the rows of an image's patches.
// Implementations must be safe for concurrent use and must not depend on how A is cut.
type RowSource interface {
	// PackRows writes the part of A that t names to dst: row i begins at (i-t.M0)*t.LD.
	// What lies between the rows is never read.
	PackRows(dst []float32, t RowTile)
}

// RowTile names rows [M0, M1) and columns [K0, K1) of the left-hand side of product Item
// of a batch, to be written in rows LD elements apart.
type RowTile struct {
	Item           int
	M0, M1, K0, K1 int
	LD             int
}

// Tile names rows [K0, K1) and columns [N0, N1) of the right-hand side of product
// Item of a batch, to be packed in panels of NR columns.
type Tile struct {
	Item           int
	K0, K1, N0, N1 int
	NR             int
}

// Len returns the number of elements of the packed tile.
func (t Tile) Len() int { return roundUp(t.N1-t.N0, t.NR) * (t.K1 - t.K0) }

// Run computes the products that a describes. It allocates nothing in steady state
// and does not keep a. C must not overlap the other slices, except that the residual
// may be C itself, at the same offsets, unless AddLast is set. Arguments that reach
// outside the slices panic.
func Run(a *Args) {
	if a.M <= 0 || a.N <= 0 || (a.Batch != nil && len(a.Batch) == 0) {
		return
	}
	t := tasks.Get().(*task)
	t.Args = *a
	t.check()
	if t.Rows != nil {
		t.ACS = 1
	}
	t.plan()
	t.residualInPlace()
	par.Run(t.Threads, t.chunks, t)
	*t = task{}
	tasks.Put(t)
}

var tasks = sync.Pool{New: func() any { return new(task) }}

// check panics unless every access that the kernels will make lies in its slice.
func (t *task) check() {
	if t.K < 0 {
		panic(fmt.Sprintf("gemm: want K >= 0, got %d", t.K))
	}
	var hi Item // the largest offsets
	for _, it := range t.Batch {
		if min(it.A, it.B, it.C, it.Residual, it.RowBias, it.ColBias) < 0 {
			panic(fmt.Sprintf("gemm: want offsets >= 0, got %+v", it))
		}
		hi.A, hi.B, hi.C = max(hi.A, it.A), max(hi.B, it.B), max(hi.C, it.C)
		hi.Residual = max(hi.Residual, it.Residual)
		hi.RowBias, hi.ColBias = max(hi.RowBias, it.RowBias), max(hi.ColBias, it.ColBias)
	}
	e := &t.Epilogue
	if t.Rows == nil {
		t.checkA(hi.A)
	}
	fits("C", len(t.C), hi.C, t.M, t.N, t.LDC, 1)
	if t.M > 1 && t.LDC < t.N {
		panic(fmt.Sprintf("gemm: C has row stride %d: want at least N=%d", t.LDC, t.N))
	}
	if e.Residual != nil {
		fits("residual", len(e.Residual), hi.Residual, t.M, t.N, e.LDR, 1)
	}
	if e.RowBias != nil {
		fits("row bias", len(e.RowBias), hi.RowBias, t.M, 1, 1, 0)
	}
	if e.ColBias != nil {
		fits("column bias", len(e.ColBias), hi.ColBias, 1, t.N, 0, 1)
	}
	if e.ColScale != nil {
		fits("column scale", len(e.ColScale), hi.ColBias, 1, t.N, 0, 1)
		fits("column shift", len(e.ColShift), hi.ColBias, 1, t.N, 0, 1)
	}
	switch p := t.Packed; {
	case p != nil && (p.k != t.K || p.n != t.N || hi.B >= p.count):
		panic(fmt.Sprintf("gemm: packed B holds %d matrices of %dx%d: want more than %d of %dx%d", p.count, p.k, p.n, hi.B, t.K, t.N))
	case p == nil && t.Source == nil:
		fits("B", len(t.B), hi.B, t.K, t.N, t.BRS, t.BCS)
	}
}

// checkA panics unless A, at the offset of its item, lies in its slice.
func (t *task) checkA(off int) {
	n := len(t.Segs)
	if n == 0 {
		fits("A", len(t.A), off, t.M, t.K, t.ARS, t.ACS)
		return
	}
	if t.K%n != 0 || slices.Min(t.Segs) < 0 {
		panic(fmt.Sprintf("gemm: want K=%d in equal segments at offsets >= 0, got %v", t.K, t.Segs))
	}
	fits("A", len(t.A), off+slices.Max(t.Segs), t.M, t.K/n, t.ARS, t.ACS)
}

// SumsAtOnce reports whether tiles add up all of K before they write to C.
func SumsAtOnce(k int) bool { return k <= kc }

// residualInPlace notes that the residual is C itself. Where something is written to C before all of K is added up, it turns that into
// accumulation.
func (t *task) residualInPlace() {
	e := &t.Epilogue
	if e.Residual == nil || e.AddLast || t.Accumulate || e.LDR != t.LDC || &e.Residual[0] != &t.C[0] {
		return
	}
	for _, it := range t.Batch {
		if it.Residual != it.C {
			return
		}
	}
	if t.form == tiled && SumsAtOnce(t.K) {
		t.overResidual = true
		return
	}
	t.Accumulate, e.Residual = true, nil
}

// fits panics when a rows×cols matrix with strides rs and cs at offset off reaches
// outside a slice of length n.
func fits(name string, n, off, rows, cols, rs, cs int) {
	if rows <= 0 || cols <= 0 {
		return
	}
	if rs < 0 || cs < 0 || off+(rows-1)*rs+(cols-1)*cs >= n {
		panic(fmt.Sprintf("gemm: %s is a %dx%d matrix with strides %d and %d at offset %d: want it inside %d elements", name, rows, cols, rs, cs, off, n))
	}
}

func roundUp(n, to int) int { return (n + to - 1) / to * to }

func ceilDiv(n, d int) int { return (n + d - 1) / d }
